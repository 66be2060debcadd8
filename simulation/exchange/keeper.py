"""What of the venue is not in its record yet, and how it gets there: whole steps, before anything of them is said."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from model.market import BarClosed, Quote
from simulation.exchange.account import Account
from simulation.exchange.clearing import Clearing
from simulation.exchange.desk import Desk
from simulation.exchange.door import Door
from simulation.exchange.record import Parcel, Print, Step, VenueRecord
from simulation.exchange.wire import Wire


class Keeper:
    """Writes steps. bars: those taken since the last one."""

    def __init__(
        self, record: VenueRecord, desk: Desk, account: Account, clearing: Clearing, inbox: Wire, door: Door,
        quotes: Mapping[str, Quote],
    ) -> None:  # fmt: skip
        self.bars: list[BarClosed] = []
        self._record = record
        self._desk, self._account, self._clearing = desk, account, clearing
        self._inbox, self._door, self._quotes = inbox, door, quotes
        self._written = [0, 0, 0, 0]

    def resumed(self) -> None:
        """All that the venue has now came from the record."""
        self._written = [0, 0, 0, len(self._desk.duplicates)]
        self._inbox.changed = self._door.changed = False

    def uncommitted(self) -> bool:
        return bool(
            self.bars
            or self._desk.changed
            or self._account.changed
            or self._inbox.changed
            or self._door.changed
            or len(self._desk.duplicates) > self._written[3]
        )

    def commit(self, *, quoted: bool) -> None:
        """Write everything that changed; `quoted` when quotes have."""
        desk, inbox, account, clearing, door = self._desk, self._inbox, self._account, self._clearing, self._door
        since = self._written
        self._record.commit(
            Step(
                desk.now_ns,
                [order.row() for order in desk.changed.values()],
                desk.fills[since[0] :],
                clearing.settlements[since[1] :],
                clearing.moves[since[2] :],
                desk.duplicates[since[3] :],
                [Print(bar.instrument, bar.session, bar.close, bar.at_ns) for bar in self.bars],
                account.book() if account.changed else None,
                [self._quotes[name] for name in sorted(self._quotes)] if quoted else None,
                _parcels(inbox) if inbox.changed else None,
                desk.fills_before + since[0],
                door.row() if door.changed else None,
            )
        )
        self._written = [len(desk.fills), len(clearing.settlements), len(clearing.moves), len(desk.duplicates)]
        desk.changed.clear()
        self.bars.clear()
        inbox.changed = door.changed = False


def _parcels(inbox: Wire) -> list[Parcel]:
    encode = msgspec.msgpack.encode
    return [Parcel(due, type(message).__name__, encode(message)) for due, message in inbox.under_way()]
