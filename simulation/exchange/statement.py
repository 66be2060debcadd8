"""The venue's own account of everything since a moment, as a client may ask for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from model.orders import (
    CashMoved,
    ClosedOrder,
    OpenOrder,
    Settlement,
    Side,
    VenueCash,
    VenuePosition,
    VenueSnapshot,
)
from simulation.exchange.account import Account
from simulation.exchange.desk import Desk
from simulation.exchange.record import History


def statement(
    id: str,
    venue: str,
    since_ns: int,
    desk: Desk,
    account: Account,
    moves: Sequence[CashMoved],
    settlements: Sequence[Settlement],
    *,
    ids_enforced: bool,
) -> VenueSnapshot:
    """Open orders, positions and cash now; orders that ended, fills, cash moves and settlements since `since_ns`."""
    past = desk.history(since_ns) if since_ns <= desk.resumed_ns else History([], [], [], [])
    closed = desk.closed[bisect_left(desk.closed, since_ns, key=lambda order: order.closed_ns) :]
    live = account.live
    return VenueSnapshot(
        id=id,
        venue=venue,
        since_ns=since_ns,
        at_ns=desk.now_ns,
        complete=True,
        ids_enforced=ids_enforced,
        orders=tuple(
            OpenOrder(o.spec.client_id, o.venue_id, o.spec.instrument, Side(o.side), o.quantity, o.filled, o.limit)
            for o in desk.working()
        ),
        closed=(*past.closed, *(ClosedOrder(o.spec.client_id, o.venue_id, o.state, o.filled) for o in closed)),
        fills=(*past.fills, *desk.fills[bisect_left(desk.fills, since_ns, key=lambda fill: fill.at_ns) :]),
        positions=tuple(
            VenuePosition(name, market.quantity) for name, market in sorted(live.items()) if market.quantity
        ),
        cash=tuple(VenueCash(currency, amount) for currency, amount in sorted(account.cash.items())),
        moves=(*past.moves, *moves[bisect_left(moves, since_ns, key=lambda move: move.at_ns) :]),
        settlements=(
            *past.settlements,
            *settlements[bisect_left(settlements, since_ns, key=lambda settled: settled.at_ns) :],
        ),
    )
