"""One order of ours and all that is known of it: what was executed, of each leg and for whom."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from model.combos import legs_of, shares_in, whole
from model.order_events import OrderPlanned
from model.orders import Fill, Filled, Intent, OrderSpec, Share
from model.units import Px, Qty, div_half_even
from state.law import Outcome
from state.order_law import TABLE, OrderEvent, OrderState, is_terminal

LAW = dict(TABLE)


class Execution(msgspec.Struct, frozen=True, gc=False):
    """One execution in an order: unsigned quantity, the signed parts of it that sleeves got, and of a combo the leg."""

    quantity: Qty
    shares: tuple[Share, ...]
    leg: str = ""


VOID = Execution(0, ())


class LegFilled(msgspec.Struct, gc=False):
    """One leg of a combo: its unsigned filled quantity, and the signed one that each share of the intent has got."""

    filled: Qty
    given: list[Qty]


class Order(msgspec.Struct, gc=False, kw_only=True):
    """One order and all that is known of it.

    filled: of a combo, how many are whole; `legs` says the same leg by leg, and is empty for every other order.
    limit: what works at the venue, by its last word.  given: signed quantity that each share of the intent has got so
    far.  collar: worst price it may show, 0 for none.  rungs: reprices asked.  changes: modifies asked.  pending: the
    modify that the venue has not answered, and `asked` its limit.  limit_ns: when one was last asked or answered.
    wants_cancel: somebody wants it gone, whether the venue was asked yet or not.  cancel_ns: when it is asked again.
    settled: nothing more is expected of it (a LOST one that will not be sent again).  resent_ns: when it was last sent
    again, 0 for never.
    """

    intent: Intent
    spec: OrderSpec
    approval: str
    arrival: Px
    planned_ns: int
    lot: Qty
    limit: Px
    collar: Px = 0
    state: OrderState = OrderState.DURABLE
    venue_id: str = ""
    filled: Qty = 0
    executions: dict[str, Execution] = {}
    given: list[Qty] = []
    rungs: int = 0
    changes: int = 0
    pending: str = ""
    asked: Px = 0
    limit_ns: int = 0
    wants_cancel: bool = False
    cancel_asked: bool = False
    cancel_ns: int = 0
    settled: bool = False
    changed_ns: int = 0
    resent_ns: int = 0
    legs: dict[str, LegFilled] = {}

    @property
    def remaining(self) -> Qty:
        return max(0, self.spec.quantity - self.filled)

    @property
    def over(self) -> bool:
        """Nothing more is expected at the venue."""
        return self.settled or is_terminal(self.state)

    @property
    def overfilled(self) -> bool:
        """More was executed than asked for, of the order or of a leg; or something that is no leg of it."""
        if not self.legs:
            return self.filled > self.spec.quantity
        asked = {leg.instrument: self.spec.quantity * leg.size for leg in legs_of(self.spec.instrument)}
        return any(each.filled > asked.get(name, 0) for name, each in self.legs.items())

    @property
    def uneven(self) -> bool:
        """One leg of a combo has filled further than another: an execution has not been told yet."""
        legs = legs_of(self.spec.instrument) if self.legs else ()
        return any(self.legs[leg.instrument].filled != self.filled * leg.size for leg in legs)

    def step(self, event: OrderEvent) -> Outcome[OrderState]:
        """Take one step by the law; the state afterwards is the table's."""
        outcome = LAW[self.state, event]
        self.state = outcome.state
        if self.settled and self.state is not OrderState.LOST:
            self.settled = False  # given up as LOST, and it was at the venue after all
        return outcome

    @property
    def wanted(self) -> Px:
        """The limit that was last asked for, whether it was answered or not."""
        return self.asked or self.limit

    def change(self, change_id: str, limit: Px, at_ns: int) -> None:
        """A change was asked for; until it is settled its order stands as it did."""
        self.changes += 1
        self.pending, self.asked, self.limit_ns = change_id, limit, at_ns

    def stand(self, change_id: str, limit: Px, at_ns: int) -> None:
        """The venue's word on what works."""
        self.limit, self.limit_ns = limit, at_ns
        if change_id == self.pending:
            self.pending, self.asked = "", 0

    def leave_again(self, at_ns: int) -> None:
        """It is sent once more, as it was planned."""
        self.resent_ns, self.limit, self.limit_ns = at_ns, self.spec.limit, at_ns
        self.pending, self.asked = "", 0

    def take(self, fill: Fill) -> tuple[Share, ...]:
        """Count an execution and say which sleeves it belongs to. What it corrects no longer counts."""
        if fill.corrects:
            self._undo(fill.corrects)
        leg = fill.instrument if self.legs else ""
        self._count(leg, fill.quantity)
        shares = self._share_out_leg(fill) if leg else self._share_out(fill.quantity)
        self.executions[fill.exec_id] = Execution(fill.quantity, shares, leg)
        return shares

    def retake(self, filled: Filled) -> None:
        """Count a journalled execution again, with the shares it was given."""
        fill = filled.fill
        if fill.exec_id in self.executions:
            return
        if fill.corrects:
            self._undo(fill.corrects)
        if filled.voids:
            self.executions.setdefault(filled.voids, VOID)
        leg = fill.instrument if self.legs else ""
        self._count(leg, fill.quantity)
        self._give(leg, filled.shares, 1)
        self.executions[fill.exec_id] = Execution(fill.quantity, filled.shares, leg)

    def _undo(self, exec_id: str) -> None:
        replaced = self.executions.get(exec_id, VOID)
        self.executions[exec_id] = VOID
        if replaced is not VOID:
            self._count(replaced.leg, -replaced.quantity)
            self._give(replaced.leg, replaced.shares, -1)

    def _count(self, leg: str, quantity: Qty) -> None:
        if not leg:
            self.filled += quantity
            return
        self._leg(leg).filled += quantity
        self.filled = whole(legs_of(self.spec.instrument), {name: each.filled for name, each in self.legs.items()})

    def _leg(self, instrument: str) -> LegFilled:
        """The leg of this contract. What is no leg of the order is counted all the same, as more than was asked for."""
        found = self.legs.get(instrument)
        if found is None:
            found = self.legs[instrument] = LegFilled(0, [0] * len(self.intent.shares))
        return found

    def _give(self, leg: str, shares: Iterable[Share], sign: int) -> None:
        given = self._leg(leg).given if leg else self.given
        place = {share.sleeve: i for i, share in enumerate(self.intent.shares)}
        for share in shares:
            at = place.get(share.sleeve)
            if at is not None:
                given[at] += sign * share.quantity

    def _share_out_leg(self, fill: Fill) -> tuple[Share, ...]:
        """The parts of one leg's execution: at any time each sleeve has its part of what that leg has filled."""
        line, shares = self._leg(fill.instrument), self.intent.shares
        leg = next((each for each in legs_of(self.spec.instrument) if each.instrument == fill.instrument), None)
        if leg is None or len(shares) == 1:
            line.given[0] += fill.side * fill.quantity
            return (Share(shares[0].sleeve, fill.side * fill.quantity),)
        until = shares_of(shares_in(leg, shares), leg.side(self.spec.side) * line.filled, self.lot)
        parts = [Share(share.sleeve, part - had) for share, part, had in zip(shares, until, line.given, strict=True)]
        line.given = until
        return tuple(each for each in parts if each.quantity)

    def _share_out(self, quantity: Qty) -> tuple[Share, ...]:
        wanted = self.intent.shares
        if len(wanted) == 1:
            signed = quantity * self.spec.side
            self.given[0] += signed
            return (Share(wanted[0].sleeve, signed),)
        until = shares_of(wanted, self.spec.side * self.filled, self.lot)
        given, found = self.given, []
        for i, share in enumerate(wanted):
            part = until[i] - given[i]
            if part:
                found.append(Share(share.sleeve, part))
            given[i] = until[i]
        return tuple(found)


def shares_of(wanted: tuple[Share, ...], filled: Qty, lot: Qty) -> list[Qty]:
    """Signed parts of a signed filled quantity, in proportion to the wanted shares and in whole lots where it can be.

    They sum to `filled` exactly, and are the wanted shares exactly when all is filled.
    """
    total = sum(share.quantity for share in wanted)
    if filled == total or not wanted or total == 0:
        return [share.quantity for share in wanted]
    sign = 1 if total > 0 else -1
    parts, wanted_so_far, given_so_far = [], 0, 0
    for share in wanted[:-1]:
        wanted_so_far += share.quantity
        until = div_half_even(sign * filled * wanted_so_far, abs(total) * lot) * lot
        parts.append(until - given_so_far)
        given_so_far = until
    parts.append(filled - given_so_far)
    return parts


def copied(order: Order) -> Order:
    """The order with everything in it that changes, for a snapshot and back."""
    legs = {name: LegFilled(each.filled, list(each.given)) for name, each in order.legs.items()}
    return msgspec.structs.replace(order, executions=dict(order.executions), given=list(order.given), legs=legs)


def new_order(row: OrderPlanned, lot: Qty, collar: Px) -> Order:
    """The order of a plan: durable, nothing heard of it yet."""
    shares = len(row.intent.shares)
    legs = {leg.instrument: LegFilled(0, [0] * shares) for leg in legs_of(row.spec.instrument)}
    return Order(
        intent=row.intent, spec=row.spec, approval=row.approval, arrival=row.arrival, planned_ns=row.at_ns, lot=lot,
        limit=row.spec.limit, collar=collar, executions={}, given=[0] * shares, changed_ns=row.at_ns, legs=legs,
    )  # fmt: skip
