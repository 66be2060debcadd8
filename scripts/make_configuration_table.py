"""Write the tables of settings in docs/configuration.md from the schema's own docstrings.

Usage: python scripts/make_configuration_table.py [--check]; with --check only say, by status 1, whether it is stale.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config.calendars import CALENDARS  # noqa: E402
from config.convert import describe  # noqa: E402  # the checkout has to be found first
from config.program import Program  # noqa: E402
from config.settings import Settings  # noqa: E402
from config.universe import InstrumentFile  # noqa: E402

PAGE = ROOT / "docs" / "configuration.md"
TITLES: dict[str, type[msgspec.Struct]] = {"Settings": Settings, "Program": Program, "Instrument": InstrumentFile}


def main(arguments: list[str]) -> int:
    """The exit status: 1 when asked to check and the page is stale."""
    page = PAGE.read_text(encoding="utf-8")
    fresh = renewed(page)
    if "--check" in arguments:
        return int(fresh != page)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


def renewed(page: str) -> str:
    """The page with its tables as the schema has them."""
    names = ", ".join(f"`{name}`" for name in sorted(CALENDARS))
    return between(between(page, "tables", tables()), "calendars", f"{names}.\n")


def between(page: str, mark: str, text: str) -> str:
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    return f"{page.split(begin, maxsplit=1)[0]}{begin}\n\n{text}\n{end}{page.split(end)[1]}"


def tables() -> str:
    """Every section of the three kinds of files once, in the order in which they are met."""
    text = ""
    done: set[type] = set()
    for title, kind in TITLES.items():
        text += f"### {title} files\n\n"
        for path, section in sections(kind, ""):
            if section.cls not in done:
                done.add(section.cls)
                text += table(path or "(top)", section)
    return text.rstrip("\n") + "\n"


def sections(kind: type, path: str) -> list[tuple[str, inspect.StructType]]:
    """A struct and the structs below it, each with the dotted key under which it is written."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    found = [(path, info)]
    for field in info.fields:
        below = f"{path}.{field.encode_name}" if path else field.encode_name
        for struct, suffix in structs(field.type):
            tag = f" (kind: {struct.tag})" if struct.tag else ""
            found += [(one.replace(below, below + suffix + tag, 1), more) for one, more in sections(struct.cls, below)]
    return found


def structs(kind: inspect.Type) -> list[tuple[inspect.StructType, str]]:
    if isinstance(kind, inspect.Metadata):
        return structs(kind.type)
    if isinstance(kind, inspect.StructType):
        return [(kind, "")]
    if isinstance(kind, inspect.UnionType):
        return [one for each in kind.types for one in structs(each)]
    if isinstance(kind, inspect.VarTupleType):
        return [(one, "[]") for one, _ in structs(kind.item_type)]
    return []


def table(path: str, section: inspect.StructType) -> str:
    summary, said = docstring(section.cls)
    rows = "".join(
        f"| `{field.encode_name}` | {said[field.encode_name]} | {form(field)} | {default(field)} |\n"
        for field in section.fields
        if field.encode_name in said
    )
    head = "| key | what it is | form | default |\n|---|---|---|---|\n"
    return f"**`{path}`**: {summary}\n\n{head}{rows}\n" if rows else f"**`{path}`**: {summary}\n\n"


def docstring(kind: type) -> tuple[str, dict[str, str]]:
    """The first line of a section's docstring, and what it says of each key."""
    lines = [line.strip() for line in (kind.__doc__ or "").strip().splitlines()]
    return lines[0], dict(re.findall(r"^([a-z_0-9]+): (.+)$", "\n".join(lines[1:]), re.MULTILINE))


def form(field: inspect.Field) -> str:
    return describe(field.type).replace("|", "\\|")


def default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value: Any = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        return "" if plain else "none"
    if plain is None or plain == "" or plain == ():
        return "none"
    if isinstance(plain, bool):
        return f"`{str(plain).lower()}`"
    if isinstance(plain, float):
        return f"`{plain:g}`" if abs(plain) < 1e5 else f"`{int(plain):_}`"
    if isinstance(plain, int):
        return f"`{plain:_}`" if plain > 9_999 else f"`{plain}`"
    return f"`{list(plain) if isinstance(plain, tuple) else plain}`".replace("(", "[").replace(")", "]")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
