"""What the order manager remembers: every open order, and every finished one of the last runs.

State only: which step an order takes is the table's word (`state/order_law.py`), what is told to whom is the actor's.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.order import Order, copied, new_order
from engine.message import Event
from model.decisions import Mode
from model.execution import KnownOrder, OrderDenied, OrdersKnown
from model.order_events import OrderMoved, OrderPlanned, OrderRenewed, OrderRepriced, OrderStands
from model.orders import Filled, TimeInForce
from model.units import Px, Qty
from state.order_law import OrderEvent, OrderState

CARETAKER = "caretaker"
FOREIGN = "foreign"


class OrdersKept(Event, frozen=True, gc=False):
    """The order manager's snapshot."""

    orders: tuple[Order, ...]
    denied: tuple[OrderDenied, ...]
    floor_session: int
    floor_ns: int
    stray: tuple[str, ...]
    halted: bool = False
    timer: bool = False
    mode: Mode = Mode.BOOT
    locked: tuple[tuple[str, str], ...] = ()


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
        copies = tuple(copied(each) for each in self.orders.values())
        return OrdersKept(copies, tuple(self.denied.values()), self.floor_session, self.floor_ns, tuple(self.stray))

    @classmethod
    def restored(cls, kept: OrdersKept, keep_sessions: int) -> OrderBook:
        """The book that `keep` gave."""
        book = cls(keep_sessions)
        for order in kept.orders:
            book.add(copied(order))
        for denial in kept.denied:
            book.deny(denial)
        book.floor_session, book.floor_ns = kept.floor_session, kept.floor_ns
        book.stray = dict.fromkeys(kept.stray, "")
        return book


def _known(order: Order) -> KnownOrder:
    return KnownOrder(
        order.spec.client_id, order.spec.instrument, order.state, order.filled, order.planned_ns, order.resent_ns,
        order.limit, order.pending, order.asked, order.limit_ns, order.spec.side, _lapses(order),
    )  # fmt: skip


def _lapses(order: Order) -> bool:
    """Whether the venue surely had the order as it last left, and ends it with its day."""
    told = order.state is OrderState.WORKING or (bool(order.venue_id or order.executions) and not order.resent_ns)
    return told and order.spec.tif is not TimeInForce.GTC
