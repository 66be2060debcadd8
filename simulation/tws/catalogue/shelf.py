"""Products and their contracts, listed when first asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from model.instruments import Instrument, Kind
from model.sessions import Sessions
from model.units import NS_PER_SECOND
from simulation.tws.catalogue import identity
from simulation.tws.catalogue.listed import SEC_TYPES, Listed, class_of, list_month, list_product
from simulation.tws.catalogue.names import INDICES, MONTH_LETTERS
from state.lake import Lake

AHEAD = 24
"""Months beyond today, and beyond the last recorded one, in which futures are listed."""

SessionsOf = Callable[[str], Sessions]


class Shelf:
    """What the gateway lists, options aside.

    sessions: those of a calendar.  today_ns: from when it counts how far ahead futures are listed.
    """

    def __init__(
        self, instruments: Mapping[str, Instrument], lake: Lake | None, sessions: SessionsOf, today_ns: int
    ) -> None:
        self.products = {name: one for name, one in sorted(instruments.items()) if one.kind in SEC_TYPES}
        self.sessions = sessions
        self._lake = lake
        self._today_ns = today_ns
        self.slots = identity.product_ids(identity_text(one) for one in self.products.values())
        self._by_text = {identity_text(one): one for one in self.products.values()}
        self._contracts: dict[str, dict[int, Listed]] = {}
        self._by_symbol: dict[tuple[str, str], list[str]] = {}
        for name, one in self.products.items():
            symbol = INDICES.get(name, (one.symbol or one.id, ""))[0]
            self._by_symbol.setdefault((SEC_TYPES[one.kind], symbol), []).append(name)

    def contracts(self, product: str) -> dict[int, Listed]:
        """The contracts of a product by con id, in order of month."""
        found = self._contracts.get(product)
        if found is None:
            found = self._contracts[product] = {one.con_id: one for one in self._list(self.products[product])}
        return found

    def get(self, con_id: int) -> Listed | None:
        """A contract by its id, None for an id that nobody has."""
        slot, _ = identity.taken_apart(con_id)
        product = self._by_text.get(self.slots.names.get(slot, ""))
        if product is None:
            return None
        return self.contracts(product.id).get(con_id)

    def con_id_of(self, instrument: str) -> int | None:
        """The con id of an instrument id: `CSPX`, or `SP500@202612`."""
        product, _, month = instrument.partition("@")
        one = self.products.get(product)
        if one is None or bool(month) != (one.kind is Kind.FUTURE) or (month and not month.isdecimal()):
            return None
        number = identity.con_id(self.slots.of[identity_text(one)], int(month) if month else 0)
        return number if number in self.contracts(product) else None

    def with_symbol(self, sec_type: str, symbol: str) -> Iterator[Listed]:
        for product in self._by_symbol.get((sec_type, symbol), ()):
            yield from self.contracts(product).values()

    def has(self, sec_type: str, symbol: str) -> bool:
        return (sec_type, symbol) in self._by_symbol

    def with_code(self, code: str) -> Iterator[Listed]:
        """Futures of every product whose trading class begins `code`, which may be a whole local symbol."""
        for name, one in self.products.items():
            if one.kind is Kind.FUTURE and code.startswith(class_of(one)):
                yield from self.contracts(name).values()

    def of_type(self, sec_type: str) -> Iterator[Listed]:
        """Every contract of a type: for futures this reads every product's record."""
        for name, one in self.products.items():
            if SEC_TYPES[one.kind] == sec_type:
                yield from self.contracts(name).values()

    def _list(self, product: Instrument) -> Iterator[Listed]:
        slot = self.slots.of[identity_text(product)]
        if product.kind is not Kind.FUTURE:
            yield list_product(product, identity.con_id(slot))
            return
        sessions = self.sessions(product.calendar)
        for month in self._months(product):
            yield list_month(product, month, identity.con_id(slot, month), sessions)

    def _months(self, product: Instrument) -> list[int]:
        """Recorded months, and those of the cycle from the first of them (or today) to AHEAD months on."""
        recorded: set[int] = set()
        if self._lake is not None and self._lake.has("bars", product.id):
            recorded = {int(month) for month in np.unique(self._lake.bars(product.id).contract) if month}
        now = dt.datetime.fromtimestamp(self._today_ns // NS_PER_SECOND, dt.UTC)
        today = now.year * 12 + now.month - 1
        first = min((_count(month) for month in recorded), default=today)
        last = max((_count(month) for month in recorded), default=today)
        cycle = product.roll.hold_cycle if product.roll else MONTH_LETTERS
        ahead = range(min(first, today), max(last, today) + AHEAD + 1)
        return sorted({*recorded, *(_month(at) for at in ahead if MONTH_LETTERS[at % 12] in cycle)})


def identity_text(product: Instrument) -> str:
    return f"{product.kind.value}:{product.id}"


def _count(month: int) -> int:
    return month // 100 * 12 + month % 100 - 1


def _month(count: int) -> int:
    return count // 12 * 100 + count % 12 + 1
