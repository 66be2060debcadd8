"""Things stay small enough to read in one go. Longer is allowed only by name and with a reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.house import ROOMS, ROOT, modules

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40
MOST_HANDLERS = 12

ALLOWED: dict[str, str] = {
    "simulation/tws/replies.py": "one struct for each message of a protocol that is not ours",
    "ports/ib/session.py::Session": "a client library calls one method for each message that it hears",
    "ports/ib/wire.py::Ears": "a client library calls one method for each message that it hears",
}

FILES = [ROOT / "run", *modules(*ROOMS)]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, the docstring left out: a promise may be as long as it must."""
    first = function.body[0]
    promise = 0
    if ast.get_docstring(function) is not None:
        promise = (first.end_lineno or first.lineno) - first.lineno + 1
    return (function.end_lineno or function.lineno) - function.lineno + 1 - promise


def outgrown(path: Path, name: str, source: str) -> Iterator[tuple[str, str]]:
    """(what, why) for every module, function and actor in one source that is larger than the house allows."""
    lines = len(source.splitlines())
    if lines > LONGEST_MODULE:
        yield name, f"{lines} lines, and a module has at most {LONGEST_MODULE}"
    for node in ast.walk(ast.parse(source, filename=str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > LONGEST_FUNCTION:
            yield f"{name}::{node.name}", f"{length(node)} lines, and a function has at most {LONGEST_FUNCTION}"
        if isinstance(node, ast.ClassDef):
            handlers = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name.startswith("on_")]
            if len(handlers) > MOST_HANDLERS:
                yield f"{name}::{node.name}", f"{len(handlers)} handlers, and an actor has at most {MOST_HANDLERS}"


def all_outgrown() -> dict[str, str]:
    return {what: why for path in FILES for what, why in outgrown(path, str(path.relative_to(ROOT)), path.read_text())}


def test_everything_is_small_enough_or_allowed_by_name() -> None:
    too_large = {what: why for what, why in all_outgrown().items() if what not in ALLOWED}
    assert not too_large, "\n".join(f"{what}: {why}" for what, why in too_large.items())


def test_every_permission_is_needed_and_reasoned() -> None:
    assert set(ALLOWED) <= set(all_outgrown())
    assert all(len(reason.split()) >= 4 for reason in ALLOWED.values())


FUNCTION = "def grow():\n" + "    x = 1\n"
PROMISE = '    """Grow.\n' + "    more\n" * 30 + '    """\n'


@pytest.mark.parametrize(
    ("source", "large"),
    [
        ("x = 1\n" * 400, False),
        ("x = 1\n" * 401, True),
        (FUNCTION + "    x = 1\n" * 38, False),
        (FUNCTION + "    x = 1\n" * 39, True),
        ("def grow():\n" + PROMISE + "    x = 1\n" * 39, False),
        ("def grow():\n" + PROMISE + "    x = 1\n" * 40, True),
        ("class Large:\n" + "".join(f"    def on_{i}(self): ...\n" for i in range(12)), False),
        ("class Large:\n" + "".join(f"    def on_{i}(self): ...\n" for i in range(13)), True),
    ],
)
def test_the_measure_is_exact(source: str, large: bool) -> None:
    assert bool(list(outgrown(Path("planted.py"), "planted.py", source))) is large
