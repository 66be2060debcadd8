"""From files, environment and command line to checked structs: all of it, or a ConfigError with every problem.

Layers of the settings, the later wins: defaults of the schema, files, `HEDGEROW__section__key=value`, and
`section.key=value` overrides. What SHARED_SECTIONS names in a program begins from the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from config.convert import convert, nearest, problem_at
from config.errors import Code, ConfigError, Problem
from config.program import Program
from config.references import Shelf, check_calendar, check_references
from config.settings import Settings
from config.universe import InstrumentFile
from config.yaml_source import Key, Source, Tree, dotted, read_file, read_value, shown_path
from model.instruments import Instrument

HERE = Path(__file__).parent
SHIPPED_SETTINGS = HERE / "settings.yaml"
PROGRAMS = HERE / "programs"
INSTRUMENTS = HERE / "instruments"
ENV_PREFIX = "HEDGEROW__"
SHARED_SECTIONS = ("risk", "regime", "execution", "fx")

T = TypeVar("T")


class Configuration(msgspec.Struct, frozen=True):
    """Everything an engine starts from. `instruments` are those the program needs, by id."""

    settings: Settings
    program: Program
    instruments: dict[str, Instrument]
    settings_tree: Tree
    program_tree: Tree


def load_settings(
    files: Path | Sequence[Path] | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Settings:
    """The settings; without a file, those that ship. Raises ConfigError with every problem."""
    problems: list[Problem] = []
    tree = settings_tree(files, environment or {}, overrides, problems)
    return _done(convert(tree, Settings, problems), problems)


def load(
    program: str | Path,
    *,
    settings: Path | Sequence[Path] | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Configuration:
    """Settings, program and instruments, checked against each other. Raises ConfigError with every problem.

    program: the id of a shipped program, or a path.  overrides: `section.key=value` for settings, and
    `program.key=value` for the program.
    """
    problems: list[Problem] = []
    found = gather(program, settings, environment or {}, overrides, problems)
    return _done(found, problems)


def load_instruments(files: Iterable[str | Path]) -> dict[str, Instrument]:
    """The instruments of some files, by id. Raises ConfigError with every problem."""
    problems: list[Problem] = []
    shelf = read_instruments(files, problems)
    _done(shelf, problems)
    return {name: entry.instrument() for name, entry in shelf.entries.items()}


def gather(
    program: str | Path,
    settings: Path | Sequence[Path] | None,
    environment: Mapping[str, str],
    overrides: Sequence[str],
    problems: list[Problem],
) -> Configuration | None:
    """As `load`, but the problems are appended and nothing is raised."""
    ours = [one for one in overrides if one.startswith("program.")]
    tree = settings_tree(settings, environment, [one for one in overrides if one not in ours], problems)
    engine = convert(tree, Settings, problems)
    plan_tree = _program_tree(program, tree, [one.removeprefix("program.") for one in ours], problems)
    plan = None if plan_tree is None else _program(plan_tree, engine is not None, problems)
    shelf = read_instruments(_instrument_files(tree), problems)
    if plan is not None and plan_tree is not None:
        check_references(plan, plan_tree, shelf, problems)
    if plan is None or plan_tree is None or engine is None:
        return None
    chosen = {name: shelf.entries[name].instrument() for name in plan.products() if name in shelf.entries}
    return Configuration(engine, plan, chosen, tree, plan_tree)


def settings_tree(
    files: Path | Sequence[Path] | None,
    environment: Mapping[str, str],
    overrides: Sequence[str],
    problems: list[Problem],
) -> Tree:
    """The layers of the settings laid over each other; what cannot be read is a problem and left out."""
    paths = [SHIPPED_SETTINGS] if files is None else [files] if isinstance(files, Path) else list(files)
    merged = Tree({}, {(): Source("default", "schema")})
    for path in paths:
        tree = read_file(path, problems)
        if tree is not None:
            merged = _over(merged, tree)
            merged.sources[()] = Source("file", shown_path(path), 1)
    for name in sorted(environment):
        if name.startswith(ENV_PREFIX):
            _set(merged, tuple(name.removeprefix(ENV_PREFIX).split("__")), environment[name], _env(name), problems)
    for text in overrides:
        _override(merged, text, problems)
    return merged


def read_instruments(files: Iterable[str | Path], problems: list[Problem]) -> Shelf:
    """Every entry of some files; a repeated id and an unknown calendar are problems."""
    shelf = Shelf({}, set())
    first: dict[str, Source] = {}
    for file in files:
        tree = read_file(_instrument_path(file), problems)
        if tree is None:
            continue
        parsed = convert(tree, InstrumentFile, problems)
        if parsed is None:
            shelf.spoiled.update(_said_ids(tree))
            continue
        for i, entry in enumerate(parsed.instruments):
            key: Key = ("instruments", i, "id")
            if entry.id in shelf.entries:
                was = first[entry.id]
                what = f"{entry.id} is there already, in {was.name} line {was.line}"
                problems.append(problem_at(tree, Code.DUPLICATE_ID, key, what, "Give each product an id of its own"))
                continue
            check_calendar(entry.calendar, tree, ("instruments", i, "calendar"), problems)
            shelf.entries[entry.id] = entry
            first[entry.id] = tree.source(key)
    return shelf


def _said_ids(tree: Tree) -> set[str]:
    entries = tree.value.get("instruments")
    named = [one.get("id") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    return {one for one in named if isinstance(one, str)}


def _instrument_files(tree: Tree) -> list[str]:
    """The files the settings name, also where the settings have mistakes elsewhere."""
    named = tree.value.get("instruments")
    if isinstance(named, list):
        return [one for one in named if isinstance(one, str)]
    return list(Settings().instruments)


def _program(tree: Tree, settings_are_good: bool, problems: list[Problem]) -> Program | None:
    mine: list[Problem] = []
    plan = convert(tree, Program, mine)
    named = {str(problem) for problem in problems}
    problems.extend(problem for problem in mine if settings_are_good or str(problem) not in named)
    return plan


def _program_tree(program: str | Path, base: Tree, overrides: Sequence[str], problems: list[Problem]) -> Tree | None:
    path = _program_path(program)
    if isinstance(program, str) and not path.exists() and "/" not in program and not program.endswith(".yaml"):
        shipped = sorted(one.stem for one in PROGRAMS.glob("*.yaml"))
        what = f"there is no program {program}{nearest(program, shipped)}"
        next_step = f"Name a file, or one of {', '.join(shipped)}"
        problems.append(Problem(code=Code.FILE_MISSING, file=shown_path(path), what=what, next=next_step))
        return None
    tree = read_file(path, problems)
    if tree is None:
        return None
    shared = Tree(
        {name: base.value[name] for name in SHARED_SECTIONS if name in base.value},
        {key: source for key, source in base.sources.items() if key and key[0] in SHARED_SECTIONS},
    )
    merged = _over(shared, tree)
    merged.sources[()] = Source("file", shown_path(path), 1)
    for text in overrides:
        _override(merged, text, problems, "program.")
    return merged


def _over(below: Tree, above: Tree) -> Tree:
    sources = {key: source for key, source in below.sources.items() if not _replaced(key, below, above)}
    return Tree(_merge(below.value, above.value), {**sources, **above.sources})


def _replaced(key: Key, below: Tree, above: Tree) -> bool:
    """Whether a list or leaf above hides what is below it."""
    node: Any = above.value
    for part in key:
        if not isinstance(node, dict):
            return True
        if part not in node:
            return False
        node = node[part]
    return False


def _merge(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    merged = dict(below)
    for name, value in above.items():
        merged[name] = _merge(below[name], value) if name in below else value
    return merged


def _set(tree: Tree, key: Key, text: str, source: Source, problems: list[Problem]) -> None:
    before = len(problems)
    value = read_value(text, source.name, problems)
    if len(problems) > before:
        problems[before:] = [msgspec.structs.replace(one, key=source.key, line=0) for one in problems[before:]]
        return
    node: dict[str, Any] = tree.value
    for i, part in enumerate(key[:-1]):
        below = node.setdefault(str(part), {})
        if not isinstance(below, dict):
            what = f"{dotted(key[: i + 1])} is one value and has nothing below it"
            problems.append(
                Problem(code=Code.BAD_OVERRIDE, file=source.name, key=source.key, what=what, next="Set it as a whole")
            )
            return
        tree.sources.setdefault(key[: i + 1], source)
        node = below
    node[str(key[-1])] = value
    for old in [one for one in tree.sources if one[: len(key)] == key]:
        del tree.sources[old]
    tree.sources[key] = source


def _override(tree: Tree, text: str, problems: list[Problem], prefix: str = "") -> None:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        shown = f"{prefix}{text}" if not equals else text
        problems.append(
            Problem(
                code=Code.BAD_OVERRIDE,
                file="command line",
                key=shown[:60],
                what="is not KEY=VALUE",
                next="Write, for example, risk.max_order_share=0.05",
            )
        )
        return
    name = name.strip()
    _set(tree, tuple(name.split(".")), value, Source("override", "command line", 0, prefix + name), problems)


def _env(name: str) -> Source:
    return Source("environment", "environment", 0, name)


def _program_path(program: str | Path) -> Path:
    shipped = PROGRAMS / f"{program}.yaml"
    return shipped if isinstance(program, str) and shipped.exists() else Path(program)


def _instrument_path(file: str | Path) -> Path:
    path = Path(file)
    return INSTRUMENTS / path if len(path.parts) == 1 and not path.exists() else path


def _done(result: T | None, problems: list[Problem]) -> T:
    if problems or result is None:
        raise ConfigError(problems)
    return result
