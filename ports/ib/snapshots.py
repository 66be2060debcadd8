"""A look as the reconciler takes it: the engine's names, the main unit, and nothing that was not seen."""

from __future__ import annotations

from collections.abc import Mapping

from model.orders import (
    ORDER_PREFIX,
    CashMoved,
    ClosedOrder,
    Fill,
    OpenOrder,
    RequestSnapshot,
    VenueCash,
    VenuePosition,
    VenueSnapshot,
)
from ports.ib.contracts import Pins
from ports.ib.executions import Executions
from ports.ib.heard import ENDED, FILLED, ContractSeen, OrderSeen
from ports.ib.held import Held
from ports.ib.look import Look
from ports.ib.wire_numbers import px_in

CASH_PAIR = "CASH"


def incomplete(request: RequestSnapshot, venue: str, at_ns: int) -> VenueSnapshot:
    """A part did not answer: nothing is said, and absence proves nothing."""
    return VenueSnapshot(request.id, venue, request.since_ns, at_ns, False, False, (), (), (), (), ())


def snapshot_of(
    look: Look, request: RequestSnapshot, *, venue: str, pins: Pins, executions: Executions, held: Mapping[str, Held],
    day_ns: int, proves_absence: bool,
) -> VenueSnapshot:  # fmt: skip
    """day_ns: the gateway's midnight; what ended before it is not told any more, so nothing older is proved absent."""
    taken = [executions.looked_up(each, each.at_ns) for each in look.executions]
    fills: list[Fill] = [each[0] for each in taken if each is not None]
    moves: list[CashMoved] = [move for each in taken if each is not None for move in each[1]]
    working = [each for each in look.open if each.status not in ENDED]
    return VenueSnapshot(
        id=request.id,
        venue=venue,
        since_ns=max(request.since_ns, day_ns),
        at_ns=look.as_of_ns,
        complete=True,
        ids_enforced=proves_absence,
        orders=tuple(_open(each, pins, executions) for each in working),
        closed=_closed(look, {each.ref for each in working}, executions, held),
        fills=tuple(fills),
        positions=tuple(
            VenuePosition(name_of(each.contract, pins), each.quantity)
            for each in look.positions
            if each.quantity and each.contract.sec_type != CASH_PAIR
        ),
        cash=tuple(VenueCash(currency, amount) for currency, amount in look.cash.items()),
        moves=tuple(moves),
        accrued=look.accrued,
    )


def name_of(contract: ContractSeen, pins: Pins) -> str:
    """The instrument of a contract; one that is nobody's keeps the broker's number, so that the difference is seen."""
    pin = pins.of_contract(contract)
    return pin.instrument if pin is not None else f"con-{contract.con_id}"


def unexplained(look: Look, held: Mapping[str, Held], executions: Executions) -> list[str]:
    """Orders of ours with executions that are shown neither as open nor as ended, and are not known to be filled."""
    listed = {each.ref for each in (*look.open, *look.completed)}
    found = dict.fromkeys(each.ref for each in look.executions if each.ref.startswith(ORDER_PREFIX))
    return [ref for ref in found if ref not in listed and not _filled(held.get(ref), executions.filled(ref))]


def _filled(held: Held | None, filled: int) -> bool:
    return held is not None and held.spec is not None and filled >= held.spec.quantity


def _open(seen: OrderSeen, pins: Pins, executions: Executions) -> OpenOrder:
    pin = pins.of_contract(seen.contract)
    limit = px_in(seen.limit, pin.magnifier if pin else 1) if seen.limit is not None else 0
    return OpenOrder(
        client_id=seen.ref or f"perm-{seen.perm_id}", venue_id=str(seen.perm_id),
        instrument=name_of(seen.contract, pins), side=seen.side, quantity=seen.quantity,
        filled=executions.filled(seen.ref) if seen.ref else 0, limit=limit,
    )  # fmt: skip


def _closed(look: Look, working: set[str], executions: Executions, held: Mapping[str, Held]) -> tuple[ClosedOrder, ...]:
    ended: dict[str, ClosedOrder] = {}
    for seen in (*look.completed, *(each for each in look.open if each.status in ENDED)):
        if seen.ref.startswith(ORDER_PREFIX) and seen.ref not in working:
            filled = max(executions.filled(seen.ref), seen.filled or 0)
            ended[seen.ref] = ClosedOrder(seen.ref, str(seen.perm_id), _state(seen, filled, held.get(seen.ref)), filled)
    for each in look.executions:
        known = held.get(each.ref)
        if each.ref not in ended and each.ref not in working and _filled(known, executions.filled(each.ref)):
            ended[each.ref] = ClosedOrder(each.ref, str(each.perm_id), "FILLED", executions.filled(each.ref))
    return tuple(ended.values())


def _state(seen: OrderSeen, filled: int, held: Held | None) -> str:
    if seen.status == FILLED or (seen.quantity and filled >= seen.quantity):
        return "FILLED"
    if "expire" in seen.words.lower():
        return "EXPIRED"
    refused = held is not None and held.error is not None and not held.acked
    return "REJECTED" if refused and not filled else "CANCELLED"
