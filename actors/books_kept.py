"""The books in a snapshot and back. Sums wider than 64 bits are texts."""

from __future__ import annotations

import msgspec

from actors.books import Books, Position, SleeveLine, Taken
from actors.contracts import Contracts
from actors.opening import AccountOpened
from actors.valuation import Totals
from actors.variation import VariationKept
from engine.message import Event
from model.accruals import VenueAccrual
from model.market import Quality
from model.units import Cash, Px, Qty

SUMS = ("variation", "fx", "fees", "financing", "flows")
BY_NAME = ("converted", "fees", "financing", "flows", "traded", "taken", "taken_before", "cash_touched_ns")


class PositionKept(msgspec.Struct, frozen=True):
    """One position in a snapshot; sleeves are (quantity, paid, marked)."""

    instrument: str
    quantity: Qty
    paid: str
    reference: str
    cost: str
    price: Px
    marked: Cash
    touched_ns: int
    settled_ns: int
    unsettled: Px
    expired: bool
    sleeves: dict[str, tuple[Qty, str, Cash]]


class BooksKept(Event, frozen=True, gc=False):
    """The portfolio's snapshot. Sums wider than 64 bits are texts."""

    cash: dict[str, Cash]
    positions: tuple[PositionKept, ...]
    converted: dict[str, Cash]
    fees: dict[str, Cash]
    financing: dict[str, Cash]
    flows: dict[str, Cash]
    traded: dict[str, Cash]
    sleeve_fees: tuple[tuple[str, str, Cash], ...]
    taken: dict[str, Taken]
    taken_before: dict[str, Taken]
    seen_ids: tuple[str, ...]
    cash_touched_ns: dict[str, int]
    totals: dict[str, str]
    sleeve_totals: dict[str, str]
    money: dict[str, Cash]
    rates: dict[str, Px]
    marked_rates: dict[str, Px]
    twr: float
    nav: Cash
    session: int
    marked_ns: int
    prices: dict[str, Px]
    qualities: dict[str, Quality] = msgspec.field(default_factory=dict)
    sessions: dict[str, int] = msgspec.field(default_factory=dict)
    variation: VariationKept | None = None
    opened: AccountOpened | None = None
    accrued: tuple[VenueAccrual, ...] = ()
    seen_ns: tuple[int, ...] = ()
    floor_ns: int = 0


def kept_books(
    books: Books, totals: Totals, rates: dict[str, Px], session: int, marked_ns: int, prices: dict[str, Px]
) -> BooksKept:
    """A copy of everything, safe to write later."""
    return BooksKept(
        cash=dict(books.cash), positions=tuple(kept_position(name, each) for name, each in books.positions.items()),
        converted=dict(books.converted), fees=dict(books.fees), financing=dict(books.financing),
        flows=dict(books.flows), traded=dict(books.traded),
        sleeve_fees=tuple((*key, amount) for key, amount in books.sleeve_fees.items()), taken=dict(books.taken),
        taken_before=dict(books.taken_before), seen_ids=tuple(books.seen_ids),
        seen_ns=tuple(books.seen_ids.values()), floor_ns=books.floor_ns,
        cash_touched_ns=dict(books.cash_touched_ns), totals={name: str(getattr(totals, name)) for name in SUMS},
        sleeve_totals={name: str(amount) for name, amount in totals.sleeves.items()}, money=dict(totals.money),
        rates=dict(rates), marked_rates=dict(totals.rates), twr=totals.twr, nav=totals.nav, session=session,
        marked_ns=marked_ns, prices=dict(prices),
    )  # fmt: skip


def restored_books(kept: BooksKept, contracts: Contracts) -> tuple[Books, Totals]:
    """The books and totals that `kept_books` gave."""
    books = Books(contracts, kept.cash)
    for each in kept.positions:
        books.positions[each.instrument] = restored_position(each, contracts)
    for name in BY_NAME:
        setattr(books, name, dict(getattr(kept, name)))
    books.sleeve_fees = {(sleeve, currency): amount for sleeve, currency, amount in kept.sleeve_fees}
    times = kept.seen_ns or (kept.marked_ns,) * len(kept.seen_ids)  # snapshots of before had no times
    books.seen_ids = dict(zip(kept.seen_ids, times, strict=True))
    books.floor_ns = kept.floor_ns
    totals = Totals(
        **{name: int(kept.totals[name]) for name in SUMS},
        money=dict(kept.money),
        sleeves={name: int(amount) for name, amount in kept.sleeve_totals.items()},
        rates=dict(kept.marked_rates),
        nav=kept.nav,
        twr=kept.twr,
    )
    return books, totals


def kept_position(name: str, position: Position) -> PositionKept:
    sleeves = {sleeve: (line.quantity, str(line.paid), line.marked) for sleeve, line in position.sleeves.items()}
    return PositionKept(
        name, position.quantity, str(position.paid), str(position.reference), str(position.cost), position.price,
        position.marked, position.touched_ns, position.settled_ns, position.unsettled, position.expired, sleeves,
    )  # fmt: skip


def restored_position(kept: PositionKept, contracts: Contracts) -> Position:
    position = Position(contracts[kept.instrument])
    position.quantity, position.price, position.marked = kept.quantity, kept.price, kept.marked
    position.paid, position.reference, position.cost = int(kept.paid), int(kept.reference), int(kept.cost)
    position.touched_ns, position.settled_ns, position.unsettled = kept.touched_ns, kept.settled_ns, kept.unsettled
    position.expired = kept.expired
    position.sleeves = {
        sleeve: SleeveLine(quantity, int(paid), marked) for sleeve, (quantity, paid, marked) in kept.sleeves.items()
    }
    return position
