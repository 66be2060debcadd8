"""Names that stand for something else: products, calendars, currencies and sleeve ids."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from config.calendars import CALENDARS
from config.convert import nearest, problem_at
from config.errors import Code, Problem
from config.program import FxHedgeSleeve, Program
from config.universe import InstrumentEntry
from config.yaml_source import Key, Tree
from model.instruments import Kind


class Shelf(msgspec.Struct):
    """The instruments that could be read, and the ids of those whose file has mistakes: they exist, too."""

    entries: dict[str, InstrumentEntry]
    spoiled: set[str]


class _Wrong(msgspec.Struct, frozen=True):
    key: str
    what: str
    next: str
    code: Code = Code.BROKEN_REFERENCE


def check_references(plan: Program, tree: Tree, shelf: Shelf, problems: list[Problem]) -> None:
    """Every name in a program stands for something that exists and can do what is asked of it."""
    for wrong in (*_sleeve_ids(plan), *_products(plan, shelf), *_hedges(plan, shelf)):
        problems.append(problem_at(tree, wrong.code, _key(wrong.key), wrong.what, wrong.next))
    check_calendar(plan.calendar, tree, ("calendar",), problems)


def check_calendar(calendar: str, tree: Tree, key: Key, problems: list[Problem]) -> None:
    """A calendar's name is one of CALENDARS."""
    if calendar not in CALENDARS:
        what = f"there is no calendar {calendar}{nearest(calendar, list(CALENDARS))}"
        next_step = f"Give one of {', '.join(sorted(CALENDARS))}"
        problems.append(problem_at(tree, Code.BROKEN_REFERENCE, key, what, next_step))


def _sleeve_ids(plan: Program) -> Iterator[_Wrong]:
    seen: set[str] = set()
    for i, sleeve in enumerate(plan.sleeves):
        if sleeve.id in seen:
            what = f"{sleeve.id} names two sleeves"
            yield _Wrong(f"sleeves[{i}].id", what, "Give each an id of its own", Code.DUPLICATE_ID)
        seen.add(sleeve.id)


def _products(plan: Program, shelf: Shelf) -> Iterator[_Wrong]:
    for product, key in plan.products().items():
        entry = shelf.entries.get(product)
        if entry is None and product not in shelf.spoiled:
            what = f"there is no instrument {product}{nearest(product, list(shelf.entries))}"
            yield _Wrong(key, what, "Add it to an instrument file, or name one that is there")
        elif entry is not None and key.startswith("sleeves") and not entry.tradeable:
            yield _Wrong(key, f"{product} cannot be traded", "Name a product that can", Code.CONTRADICTION)


def _hedges(plan: Program, shelf: Shelf) -> Iterator[_Wrong]:
    base = plan.base_currency
    for i, sleeve in enumerate(plan.sleeves):
        for currency, product in sleeve.params.hedges.items() if isinstance(sleeve, FxHedgeSleeve) else ():
            key = f"sleeves[{i}].params.hedges.{currency}"
            entry = shelf.entries.get(product)
            if currency == base:
                yield _Wrong(key, f"{base} is the base currency", "Hedge other currencies", Code.CONTRADICTION)
            elif entry is not None and not _trades(entry, currency, base):
                what = f"{product} does not trade {currency} against {base}"
                yield _Wrong(key, what, "Name a future or a pair that does", Code.CONTRADICTION)


def _trades(entry: InstrumentEntry, currency: str, base: str) -> bool:
    return entry.kind in (Kind.FUTURE, Kind.FX_SPOT) and (entry.underlying, entry.currency) == (currency, base)


def _key(text: str) -> Key:
    parts: list[str | int] = []
    for piece in text.replace("[", ".[").split("."):
        parts.append(int(piece[1:-1]) if piece.startswith("[") else piece)
    return tuple(parts)
