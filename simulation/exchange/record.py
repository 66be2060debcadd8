"""What the venue remembers: every step is written whole before any of its facts leave the venue."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable
from typing import Protocol

import msgspec

from engine.errors import EngineError
from model.market import Quote
from model.orders import CashMoved, ClosedOrder, Fill, Settlement
from model.units import Cash, Px, Qty
from simulation.exchange.book import OPEN, OrderRow


class RecordError(EngineError):
    """The venue's record cannot be trusted."""

    code = "VENUE_RECORD"
    next = "restore the state folder from a backup; a replay can be begun anew in another folder"


class Print(msgspec.Struct, frozen=True, array_like=True):
    """The last bar the venue took of an instrument."""

    instrument: str
    session: int
    close: Px
    at_ns: int


class PositionRow(msgspec.Struct, frozen=True, array_like=True):
    """A market's position (see book.Market); `basis` is text because it can need more than 64 bits.

    `accrued` is 0 unless the position is short: nothing of an earlier short may come back with a resumed venue.
    """

    instrument: str
    quantity: Qty
    basis: str
    accrued: int
    quote_ns: int
    bid_taken: Qty
    ask_taken: Qty


class BookRow(msgspec.Struct, frozen=True):
    """Cash and positions at the end of a step."""

    cash: dict[str, Cash]
    positions: list[PositionRow]


class Parcel(msgspec.Struct, frozen=True, array_like=True):
    """A client's message that the venue has not yet received."""

    due_ns: int
    kind: str
    body: bytes


class DoorRow(msgspec.Struct, frozen=True, array_like=True):
    """Whom the venue listens to (see door.Door)."""

    token: int = 0
    timer_ns: int = 0


class Step(msgspec.Struct):
    """Everything that changed since the last commit. None means unchanged.

    duplicates: client ids that were submitted again, and when.  prints: the bars of the step.  fills_before: how many
    fills the record must already hold.
    """

    at_ns: int
    orders: list[OrderRow]
    fills: list[Fill]
    settlements: list[Settlement]
    moves: list[CashMoved]
    duplicates: list[tuple[str, int]]
    prints: list[Print]
    book: BookRow | None = None
    quotes: list[Quote] | None = None
    inbox: list[Parcel] | None = None
    fills_before: int = 0
    door: DoorRow | None = None


class Saved(msgspec.Struct):
    """The whole record as of its last step. Orders stand as they arrived, fills and the rest as they happened."""

    at_ns: int
    orders: list[OrderRow]
    fills: list[Fill]
    settlements: list[Settlement]
    moves: list[CashMoved]
    duplicates: list[tuple[str, int]]
    prints: list[Print]
    book: BookRow
    quotes: list[Quote]
    inbox: list[Parcel]
    door: DoorRow = DoorRow()


class History(msgspec.Struct):
    """What had ended or happened since a moment: orders as they ended, the rest in its order."""

    closed: list[ClosedOrder]
    fills: list[Fill]
    moves: list[CashMoved]
    settlements: list[Settlement]


class Resumed(msgspec.Struct):
    """What a venue needs to go on. Years of ended orders and fills are looked up when somebody asks for them.

    orders: the open ones, as they came.  ended: client ids of the `ends` others.  booked: ids of cash moves and
    settlements.  fills: how many there were.  priority: the last one given.  history: all that came before, from a
    moment on.
    """

    at_ns: int
    orders: list[OrderRow]
    ended: set[str]
    ends: int
    booked: set[str]
    fills: int
    priority: int
    duplicates: list[tuple[str, int]]
    prints: list[Print]
    book: BookRow
    quotes: list[Quote]
    inbox: list[Parcel]
    history: Callable[[int], History]
    door: DoorRow = DoorRow()


class VenueRecord(Protocol):
    """Where the venue commits. `load` and `resume` answer None for a record without a step."""

    def commit(self, step: Step) -> None: ...

    def load(self) -> Saved | None: ...

    def resume(self) -> Resumed | None: ...

    def close(self) -> None: ...


class MemoryRecord:
    """A record that lives as long as this object. It keeps values, never the venue's own objects."""

    def __init__(self) -> None:
        self._orders: dict[int, OrderRow] = {}
        self._fills: list[Fill] = []
        self._settlements: list[Settlement] = []
        self._moves: list[CashMoved] = []
        self._duplicates: list[tuple[str, int]] = []
        self._prints: dict[str, Print] = {}
        self._book: BookRow | None = None
        self._quotes: list[Quote] = []
        self._inbox: list[Parcel] = []
        self._door = DoorRow()
        self._at_ns = 0
        self.steps = 0

    def commit(self, step: Step) -> None:
        for row in step.orders:
            self._orders[row[0]] = row
        self._fills += step.fills
        self._settlements += step.settlements
        self._moves += step.moves
        self._duplicates += step.duplicates
        for seen in step.prints:
            self._prints[seen.instrument] = seen
        if step.book is not None:
            self._book = step.book
        if step.quotes is not None:
            self._quotes = step.quotes
        if step.inbox is not None:
            self._inbox = step.inbox
        if step.door is not None:
            self._door = step.door
        self._at_ns = step.at_ns
        self.steps += 1

    def load(self) -> Saved | None:
        if self._book is None:
            return None
        return Saved(
            self._at_ns,
            sorted(self._orders.values()),
            list(self._fills),
            list(self._settlements),
            list(self._moves),
            list(self._duplicates),
            sorted(self._prints.values(), key=lambda seen: seen.instrument),
            self._book,
            list(self._quotes),
            list(self._inbox),
            self._door,
        )

    def resume(self) -> Resumed | None:
        saved = self.load()
        return None if saved is None else _resumed(saved)

    def close(self) -> None:
        """Nothing to let go of."""


def _resumed(saved: Saved) -> Resumed:
    ended = sorted((row for row in saved.orders if row[17] != OPEN), key=lambda row: row[20])

    def history(since_ns: int) -> History:
        late = ended[bisect_left(ended, since_ns, key=lambda row: row[19]) :]
        return History(
            [ClosedOrder(row[1], row[2], row[17], row[13]) for row in late],
            saved.fills[bisect_left(saved.fills, since_ns, key=lambda fill: fill.at_ns) :],
            saved.moves[bisect_left(saved.moves, since_ns, key=lambda moved: moved.at_ns) :],
            saved.settlements[bisect_left(saved.settlements, since_ns, key=lambda settled: settled.at_ns) :],
        )

    return Resumed(
        saved.at_ns,
        [row for row in saved.orders if row[17] == OPEN],
        {row[1] for row in ended},
        len(ended),
        {each.id for each in saved.moves} | {each.id for each in saved.settlements},
        len(saved.fills),
        max((row[11] for row in saved.orders), default=0),
        saved.duplicates,
        saved.prints,
        saved.book,
        saved.quotes,
        saved.inbox,
        history,
        saved.door,
    )


def digest(record: VenueRecord) -> str:
    """SHA-256 of everything the record holds: two runs that did the same have the same digest."""
    saved = record.load()
    return hashlib.sha256(b"" if saved is None else msgspec.msgpack.encode(saved)).hexdigest()
