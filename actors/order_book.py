"""What the order manager remembers: every open order, and every finished one of the last runs.

State only: which step an order takes is the table's word (`state/order_law.py`), what is told to whom is the actor's.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.message import Event
from model.execution import KnownOrder, OrderDenied, OrdersKnown
from model.order_events import OrderMoved, OrderPlanned, OrderRenewed, OrderRepriced, OrderStands
from model.orders import Fill, Filled, Intent, OrderSpec, Share
from model.units import Px, Qty, div_half_even
from state.law import Outcome
from state.order_law import TABLE, OrderEvent, OrderState, is_terminal

LAW = dict(TABLE)
CARETAKER = "caretaker"
FOREIGN = "foreign"


class Execution(msgspec.Struct, frozen=True, gc=False):
    """One execution in an order: unsigned quantity and the signed parts of it that sleeves got."""

    quantity: Qty
    shares: tuple[Share, ...]


VOID = Execution(0, ())


class Order(msgspec.Struct, gc=False, kw_only=True):
    """One order and all that is known of it.

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

    @property
    def remaining(self) -> Qty:
        return max(0, self.spec.quantity - self.filled)

    @property
    def over(self) -> bool:
        """Nothing more is expected at the venue."""
        return self.settled or is_terminal(self.state)

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
            replaced = self.executions.get(fill.corrects, VOID)
            self.executions[fill.corrects] = VOID
            self.filled -= replaced.quantity
            self._give_back(replaced)
        self.filled += fill.quantity
        shares = self._share_out(fill.quantity)
        self.executions[fill.exec_id] = Execution(fill.quantity, shares)
        return shares

    def retake(self, filled: Filled) -> None:
        """Count a journalled execution again, with the shares it was given."""
        fill = filled.fill
        if fill.exec_id in self.executions:
            return
        if fill.corrects:
            replaced = self.executions.get(fill.corrects, VOID)
            self.executions[fill.corrects] = VOID
            self.filled -= replaced.quantity
            self._give_back(replaced)
        if filled.voids:
            self.executions.setdefault(filled.voids, VOID)
        self.filled += fill.quantity
        self._give(filled.shares, 1)
        self.executions[fill.exec_id] = Execution(fill.quantity, filled.shares)

    def _give_back(self, replaced: Execution) -> None:
        self._give(replaced.shares, -1)

    def _give(self, shares: Iterable[Share], sign: int) -> None:
        place = {share.sleeve: i for i, share in enumerate(self.intent.shares)}
        for share in shares:
            at = place.get(share.sleeve)
            if at is not None:
                self.given[at] += sign * share.quantity

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


class OrdersKept(Event, frozen=True, gc=False):
    """The order manager's snapshot."""

    orders: tuple[Order, ...]
    denied: tuple[OrderDenied, ...]
    floor_session: int
    floor_ns: int
    stray: tuple[str, ...]
    halted: bool = False
    timer: bool = False


def session_of(run_id: str) -> int:
    """The session a run id begins with, 0 for a run that is named otherwise."""
    head = run_id.partition(".")[0]
    return int(head) if head.isdecimal() else 0


class OrderBook:
    """Orders by client id; `open` holds those of which something is still expected.

    Finished orders of the last `keep_sessions` sessions are remembered one by one. Older ones are forgotten as whole
    runs, and `floor_session` says up to which session an intent comes too late to be new.
    """

    def __init__(self, keep_sessions: int = 5) -> None:
        self.orders: dict[str, Order] = {}
        self.open: dict[str, Order] = {}
        self.denied: dict[str, OrderDenied] = {}
        self.runs: dict[str, list[str]] = {}
        self.keep_sessions = keep_sessions
        self.sessions: dict[int, list[str]] = {}
        self.floor_session = 0
        self.floor_ns = 0
        self.stray: dict[str, str] = {}

    def add(self, order: Order) -> None:
        client_id = order.spec.client_id
        self.orders[client_id] = order
        if not order.over:
            self.open[client_id] = order
        self._note(order.intent.run_id, client_id)

    def deny(self, denial: OrderDenied) -> None:
        self.denied[denial.client_id] = denial
        self._note(denial.run_id, denial.client_id)

    def _note(self, run_id: str, client_id: str) -> None:
        ids = self.runs.get(run_id)
        if ids is None:
            ids = self.runs[run_id] = []
            session = session_of(run_id)
            runs = self.sessions.get(session)
            if runs is None:
                runs = self.sessions[session] = []
                if len(self.sessions) > self.keep_sessions:
                    self._forget_finished()
            runs.append(run_id)
        ids.append(client_id)

    def _forget_finished(self) -> None:
        """Drop the runs of the oldest sessions whose orders are all over."""
        for session in sorted(self.sessions)[: len(self.sessions) - self.keep_sessions]:
            left = [run_id for run_id in self.sessions[session] if not self._forget(run_id)]
            self.floor_session = max(self.floor_session, session)
            if left:
                self.sessions[session] = left
            else:
                del self.sessions[session]

    def _forget(self, run_id: str) -> bool:
        """True when nothing of the run was open, and all of it is dropped."""
        ids = self.runs[run_id]
        if any(client_id in self.open for client_id in ids):
            return False
        for client_id in ids:
            order = self.orders.pop(client_id, None)
            self.denied.pop(client_id, None)
            if order is not None and session_of(run_id):
                self.floor_ns = max(self.floor_ns, order.changed_ns)
        del self.runs[run_id]
        return True

    @property
    def current_run(self) -> str:
        """The run that was placed last."""
        return next(reversed(self.runs), "")

    def known(self, asked: Iterable[str]) -> OrdersKnown:
        """What the reconciler compares: open orders, and of those it asks for the ones that should not be there."""
        asked = tuple(asked)
        given_up = (self.orders[each] for each in asked if each in self.orders and each not in self.open)
        lost = (order for order in given_up if order.state is OrderState.LOST)
        found = tuple(_known(order) for order in (*self.open.values(), *lost))
        return OrdersKnown(found, tuple(each for each in asked if each not in self.orders))

    def close(self, order: Order) -> None:
        """Nothing more is expected of it, an answer to a change neither."""
        self.open.pop(order.spec.client_id, None)
        order.pending, order.asked = "", 0

    def took_stray(self, exec_id: str, run_id: str) -> bool:
        """True the first time an execution without an order of ours is seen."""
        if exec_id in self.stray:
            return False
        self.stray[exec_id] = run_id
        if len(self.stray) > 1_000:
            del self.stray[next(iter(self.stray))]
        return True

    # -- recovery

    def fold_planned(self, row: OrderPlanned, lot: Qty, collar: Px) -> None:
        if row.spec.client_id not in self.orders:
            self.add(new_order(row, lot, collar))

    def fold_moved(self, row: OrderMoved) -> None:
        order = self.orders.get(row.client_id)
        if order is None:
            return
        order.state = OrderState(row.now)
        order.venue_id = row.venue_id or order.venue_id
        order.changed_ns = row.at_ns
        if row.event == OrderEvent.RESENT:
            order.leave_again(row.at_ns)
        if row.event == OrderEvent.DECLARED_ABSENT:
            order.settled = True
        self._sort(order)

    def fold_repriced(self, row: OrderRepriced) -> None:
        order = self.orders.get(row.client_id)
        if order is not None:
            order.change(row.change_id, row.limit, row.at_ns)
            order.rungs += 1

    def fold_renewed(self, row: OrderRenewed) -> None:
        order = self.orders.get(row.client_id)
        if order is not None:
            order.change(row.change_id, order.wanted, row.at_ns)

    def fold_stands(self, row: OrderStands) -> None:
        order = self.orders.get(row.client_id)
        if order is not None:
            order.stand(row.change_id, row.limit, row.at_ns)

    def fold_filled(self, row: Filled) -> None:
        order = self.orders.get(row.fill.client_id)
        if order is None:
            self.took_stray(row.fill.exec_id, row.run_id)
            if row.voids:
                self.took_stray(row.voids, row.run_id)
        else:
            order.retake(row)
            order.changed_ns = max(order.changed_ns, row.fill.at_ns)

    def _sort(self, order: Order) -> None:
        if order.over:
            self.close(order)
        else:
            self.open[order.spec.client_id] = order

    def keep(self) -> OrdersKept:
        copies = tuple(
            msgspec.structs.replace(each, executions=dict(each.executions), given=list(each.given))
            for each in self.orders.values()
        )
        return OrdersKept(copies, tuple(self.denied.values()), self.floor_session, self.floor_ns, tuple(self.stray))

    @classmethod
    def restored(cls, kept: OrdersKept, keep_sessions: int) -> OrderBook:
        """The book that `keep` gave."""
        book = cls(keep_sessions)
        for order in kept.orders:
            book.add(msgspec.structs.replace(order, executions=dict(order.executions), given=list(order.given)))
        for denial in kept.denied:
            book.deny(denial)
        book.floor_session, book.floor_ns = kept.floor_session, kept.floor_ns
        book.stray = dict.fromkeys(kept.stray, "")
        return book


def _known(order: Order) -> KnownOrder:
    return KnownOrder(
        order.spec.client_id, order.spec.instrument, order.state, order.filled, order.planned_ns, order.resent_ns,
        order.limit, order.pending, order.asked, order.limit_ns,
    )  # fmt: skip


def new_order(row: OrderPlanned, lot: Qty, collar: Px) -> Order:
    """The order of a plan: durable, nothing heard of it yet."""
    return Order(
        intent=row.intent, spec=row.spec, approval=row.approval, arrival=row.arrival, planned_ns=row.at_ns, lot=lot,
        limit=row.spec.limit, collar=collar, executions={}, given=[0] * len(row.intent.shares), changed_ns=row.at_ns,
    )  # fmt: skip
