"""What `hedgerow config` shows, as plain data: problems, the effective configuration with its sources, the schema."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.convert import convert
from config.errors import ConfigError, Problem
from config.loader import Configuration, gather, load, read_instruments, settings_tree
from config.program import Program
from config.secrets import MASK, sounds_secret
from config.settings import Settings
from config.universe import InstrumentFile
from config.yaml_source import Key, Tree, dotted, read_file

SCHEMAS: dict[str, type[msgspec.Struct]] = {
    "settings": Settings,
    "program": Program,
    "instruments": InstrumentFile,
}


class Effective(msgspec.Struct, frozen=True):
    """One configuration as the engine will use it.

    values: settings and program, secrets masked.  sources: who said each value, by dotted key (`default`, `FILE:LINE`,
    a variable or `--set`).  sha256: of the values, the same on every machine.
    """

    values: dict[str, Any]
    sources: dict[str, str]
    sha256: str


def check(
    path: Path | None = None,
    *,
    program: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> list[Problem]:
    """Every problem of one file, or of the settings with a program; an empty list means it may run.

    A file whose top has `sleeves` is a program, `instruments` as entries an instrument file, anything else settings.
    """
    problems: list[Problem] = []
    env = environment or {}
    if program is not None:
        gather(program, path, env, overrides, problems)
        return problems
    if path is None:
        convert(settings_tree(None, env, overrides, problems), Settings, problems)
        return problems
    tree = read_file(path, problems)
    if tree is None:
        return problems
    if "sleeves" in tree.value or "capital" in tree.value:
        gather(path, None, env, overrides, problems)
    elif any(isinstance(one, dict) for one in _listed(tree.value.get("instruments"))):
        read_instruments([path], problems)
    else:
        convert(settings_tree(path, env, overrides, problems), Settings, problems)
    return problems


def effective(
    program: str | Path,
    *,
    settings: Path | Sequence[Path] | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Effective:
    """The merged, redacted configuration with the source of each value. Raises ConfigError."""
    return effective_of(load(program, settings=settings, environment=environment, overrides=overrides))


def effective_of(configuration: Configuration) -> Effective:
    """The same for a configuration that is loaded already."""
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    parts: tuple[tuple[str, msgspec.Struct, Tree], ...] = (
        ("settings", configuration.settings, configuration.settings_tree),
        ("program", configuration.program, configuration.program_tree),
    )
    for name, struct, tree in parts:
        plain = _plain(struct)
        values[name] = _masked(plain, ())
        for key in _leaves(plain, ()):
            sources[f"{name}.{dotted(key)}"] = _said_by(tree, key)
    values["instruments"] = {name: _plain(one) for name, one in sorted(configuration.instruments.items())}
    text = msgspec.json.encode(values, order="deterministic")
    return Effective(values, sources, hashlib.sha256(text).hexdigest())


def json_schema(kind: str = "settings") -> dict[str, Any]:
    """JSON Schema of settings, program or instruments, for editors."""
    schema: dict[str, Any] = msgspec.json.schema(SCHEMAS[kind])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Hedgerow {kind}", **schema}


def problems_of(error: ConfigError) -> list[dict[str, Any]]:
    """The problems of an error as plain mappings, for `--json`."""
    return [msgspec.to_builtins(problem) for problem in error.problems]


def _plain(struct: msgspec.Struct) -> Any:
    """As JSON has it: lists for tuples, texts for exact numbers."""
    return msgspec.json.decode(msgspec.json.encode(struct))


def _said_by(tree: Tree, key: Key) -> str:
    source = tree.sources.get(key)
    if source is None:
        above = [tree.sources[key[:end]] for end in range(len(key) - 1, 0, -1) if key[:end] in tree.sources]
        source = above[0] if above and _within(tree, key) else None
    if source is None:
        return "default"
    return f"{source.name}:{source.line}" if source.line else source.key or source.name


def _within(tree: Tree, key: Key) -> bool:
    node: Any = tree.value
    for part in key:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _leaves(value: Any, key: Key) -> Iterator[Key]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, (*key, name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for i, item in enumerate(value):
            yield from _leaves(item, (*key, i))
    else:
        yield key


def _masked(value: Any, key: Key) -> Any:
    if isinstance(value, dict):
        return {name: _masked(item, (*key, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, key) for item in value]
    if key and sounds_secret(str(key[-1])) and value is not None and not str(value).startswith("secret://"):
        return MASK
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
