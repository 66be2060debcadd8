"""What can be known to be wrong before the first message: references to nobody, messages nobody handles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.cell import Cell
from engine.effects import Ref
from engine.errors import WiringError

HOLDERS = (Ref, dict, list, tuple, set, frozenset)
_classes: dict[type, tuple[tuple[object, ...], tuple[str, ...]]] = {}


def references(thing: object) -> list[Ref[Any]]:
    """Every Ref held by an object: in its attributes, its class's, and in containers one level down."""
    found: list[Ref[Any]] = []
    for value in _attributes(thing):
        if type(value) is Ref:
            found.append(value)
        elif isinstance(value, HOLDERS):
            inside: Iterable[object] = value.values() if isinstance(value, dict) else value  # type: ignore[assignment]
            found += [each for each in inside if type(each) is Ref]
    return found


def _attributes(thing: object) -> list[object]:
    shared, slots = _of_class(type(thing))
    own = vars(thing).values() if hasattr(thing, "__dict__") else ()
    return [*own, *shared, *(getattr(thing, slot, None) for slot in slots)]


def _of_class(kind: type) -> tuple[tuple[object, ...], tuple[str, ...]]:
    """What a class itself holds that may be or contain a Ref, and its slots. Looked up once: restarts are many."""
    known = _classes.get(kind)
    if known is None:
        shared = (value for each in kind.__mro__ for value in vars(each).values() if isinstance(value, HOLDERS))
        slots = (slot for each in kind.__mro__ for slot in vars(each).get("__slots__", ()))
        known = _classes[kind] = (tuple(shared), tuple(slots))
    return known


def check(cells: dict[str, Cell], given: Iterable[Ref[Any]]) -> None:
    """Bind every reference. Raises WiringError with all that is wrong at once."""
    wrong = [f"a reference names {ref.name!r}" for ref in given if not _bound(ref, cells)]
    for cell in cells.values():
        wrong += [f"{cell.name} refers to {ref.name!r}" for ref in references(cell.actor) if not _bound(ref, cells)]
        for to, kind in cell.child.sends:
            if to not in cells:
                wrong.append(f"{cell.name} sends {kind.__name__} to {to!r}")
            elif kind not in cells[to].table:
                wrong.append(f"{cell.name} sends {kind.__name__} to {to}, which has no handler for it")
        first = cell.child.before_restart
        if first is not None and (first[0] not in cells or type(first[1]) not in cells[first[0]].table):
            wrong.append(f"{cell.name} wants {first[0]!r} told {type(first[1]).__name__} before its restart")
    if wrong:
        raise WiringError("; ".join(wrong) + f". The actors are: {', '.join(cells)}")


def _bound(ref: Ref[Any], cells: dict[str, Cell]) -> bool:
    ref.cell = cells.get(ref.name)
    return ref.cell is not None
