"""The order manager: carries every intent to a state that the venue has proved, at most once."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from actors import pricing
from actors.contracts import Contract, Contracts
from actors.deadlines import DeadlinesDue
from actors.order import Order, new_order
from actors.order_book import OrderBook, OrdersKept, session_of
from actors.order_desk import Clients, OrderDesk
from actors.order_lease import LEASE
from actors.order_pacing import ACK, CANCEL, CHANGE, RUNG, TTL, WAIT, Pacing
from actors.order_reports import OrderReports, Report
from actors.order_resend import OrderResend
from actors.pricing import ExecutionPolicy
from actors.system import TELLING
from engine.actor import Actor
from engine.effects import Effect, Effects, Journal, Reply, ToPort
from engine.message import Event, Refused
from model.combos import contracts_of, worth
from model.decisions import InstrumentLocked, InstrumentReleased, Mode, ModeChanged, ModeEntered
from model.execution import AdoptOrder, AskOrders, OrderDenied, ProvenAbsent, SeenAtVenue
from model.instruments import Instrument
from model.leases import OrdersLeased
from model.market import Quote, WatchAgain
from model.order_events import OrderMoved, OrderPlanned, OrderRenewed, OrderRepriced, OrderStands
from model.orders import (
    CancelOrder,
    CancelRejected,
    Fill,
    Filled,
    Intent,
    OrderAcked,
    OrderSpec,
    Place,
    Reprice,
    SubmitOrder,
    VenueDown,
    VenueUp,
)
from model.units import Px, qty_float
from state.order_law import OrderEvent, OrderState
from state.system_law import Act, allows, may_place

ENDING_MODES = (Mode.HALTED, Mode.SAFE_STOP)


class Orders(Actor):
    """Carry every order from intent to a terminal state the venue has proved.

    The same intent asked again is answered with where its order stands, and nothing is sent. The row OrderPlanned is
    the permission to send. An order whose fate is not known stays UNKNOWN until the reconciler has evidence.
    """

    folds_rows_of = ("system",)

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument],
        clients: Clients,
        policy: ExecutionPolicy | None = None,
        venue: str = "venue",
    ) -> None:
        self.policy = policy or ExecutionPolicy()
        self.contracts = Contracts(instruments)
        self.book = OrderBook(self.policy.keep_sessions)
        self.mode = Mode.BOOT
        self.halted = False  # by the last word that says so; no restart is one
        self.locked: dict[str, str] = {}
        self.venue = venue
        self.desk = OrderDesk(self.book, clients)
        self.reports = OrderReports(self.desk, self.contracts)
        self.pacing = Pacing(self.desk, self.contracts, self.policy, venue)
        self.resend = OrderResend(self.desk, self.pacing, self.locked)

    def on_start(self) -> Effects:
        """What was open before the restart may or may not be at the venue; a halt's cancels may never have left."""
        self.desk.clock = self.clock
        effects: list[Effect] = []
        for order in list(self.book.open.values()):
            order.cancel_asked = False
            order.wants_cancel |= self.halted and self.policy.halt_cancels
            effects += self.desk.move(order, OrderEvent.RESTARTED)
            self.pacing.recovered(order)
        self.pacing.lease.started()
        return effects + self.pacing.deadlines.arm()

    # -- intents

    def on_place(self, place: Place) -> Effects:
        intent = place.intent
        known = self.book.orders.get(intent.id)
        if known is not None:
            return self.desk.told(known, "known")
        denied = self.book.denied.get(intent.id)
        if denied is not None:
            return self.desk.told_denied(intent, denied)
        if intent.id in self.pacing.waiting:
            return None
        contract = self.contracts.get(intent.instrument)
        objection = self._objection(intent, contract)
        if objection is not None:
            return self.desk.deny(intent, *objection)
        assert contract is not None
        if not self.pacing.link_up or pricing.needs_quote(self.policy, intent):
            effects = self.pacing.wait(place)
            return effects + self._try_with_mates(place)
        return self._plain(place, contract)

    def _objection(self, intent: Intent, contract: Contract | None) -> tuple[str, str] | None:
        """(code, text) when the intent may not become an order."""
        if contract is None or not contract.tradeable:
            return "NOT_TRADEABLE", f"{intent.instrument} is not in the instrument table or may not be traded"
        if not may_place(self.mode, reduces=intent.reduces):
            return f"MODE_{self.mode.value}", f"nothing of this kind is placed in {self.mode.value}"
        if self.locked and not intent.reduces:
            for name in contracts_of(intent.instrument):
                if name in self.locked:
                    return "LOCKED", f"{name} is locked: {self.locked[name]}"
        if intent.quantity <= 0 or intent.quantity % contract.lot:
            lot = qty_float(contract.lot)
            return "LOT", f"quantity {qty_float(intent.quantity):g} is not a positive multiple of the lot {lot:g}"
        if intent.run_id not in self.book.runs and 0 < session_of(intent.run_id) <= self.book.floor_session:
            return "STALE_RUN", f"run {intent.run_id} is too old to be new"
        if not (intent.limit or worth(intent) or pricing.needs_quote(self.policy, intent)):
            return "NO_REFERENCE", "an auction order needs the price of its decision"
        return None

    def _plain(self, place: Place, contract: Contract) -> list[Effect]:
        return self._send(place, pricing.plain_spec(self.policy, contract, place.intent), contract, 0, 0)

    def _try_with_mates(self, place: Place) -> list[Effect]:
        """One leg may be what the others wait for; they leave in the order in which they came."""
        effects: list[Effect] = []
        for each in self.pacing.mates(place.intent) or [place]:
            effects += self._try(each)
        return effects

    def _try(self, place: Place) -> list[Effect]:
        """Send an intent that waits, if link and quote allow it now."""
        intent = place.intent
        if not self.pacing.link_up:
            return []
        contract = self.contracts[intent.instrument]
        if not pricing.needs_quote(self.policy, intent):
            _, effects = self.pacing.drop(intent.id)
            return effects + self._plain(place, contract)
        quote = self.pacing.fresh(intent.instrument)
        if quote is None:
            return []
        if not self.pacing.sane(intent):
            _, effects = self.pacing.drop(intent.id)
            text = f"mid {pricing.mid(quote)} is too far from the decision's {intent.reference}"
            return effects + self.desk.deny(intent, "PRICE_SANITY", text)
        if not self.pacing.together(intent):
            return []
        spec = pricing.quoted_spec(self.policy, contract, intent, quote)
        collar = self._collar(contract, spec, intent, pricing.mid(quote))
        sent = self._send(place, spec, contract, pricing.mid(quote), collar)
        _, effects = self.pacing.drop(intent.id)
        return sent + effects

    def _collar(self, contract: Contract, spec: OrderSpec, intent: Intent, arrival: Px) -> Px:
        """The worst price the order may show; it follows from the plan, so a fold finds the same."""
        if not arrival and not (intent.leg_references and pricing.quoted(spec, intent)):
            return 0 if intent.limit else spec.limit
        bps = pricing.collar_bps(self.policy, contract)
        return pricing.collar_of(contract, spec.side, arrival, bps, pricing.measure(intent))

    def _send(self, place: Place, spec: OrderSpec, contract: Contract, arrival: Px, collar: Px) -> list[Effect]:
        spec = self.pacing.lease.term(spec, place.intent)
        planned = OrderPlanned(spec, place.intent, place.approval, arrival, self.clock.now_ns)
        order = new_order(planned, contract.lot, collar)
        self.book.add(order)
        return [
            Journal(planned),
            *self.pacing.lease.leaving(spec),
            ToPort(self.venue, SubmitOrder(spec)),
            *self.desk.told(order),
            *self.pacing.started(order, laddered=self.pacing.laddered(order)),
        ]

    def on_change(self, change: CancelOrder | Reprice) -> Effects:
        place, effects = self.pacing.drop(change.client_id)
        if place is not None:
            return effects + self.desk.deny(place.intent, "WITHDRAWN", change.reason)
        order = self.book.orders.get(change.client_id)
        if order is None:
            return self.desk.alarm("NOT_OURS", change.client_id, f"{type(change).__name__} of an order not in the book")
        if order.over:
            return self.desk.told(order, "already over")
        if isinstance(change, CancelOrder):
            return self._cancel(order)
        return self.pacing.reprice(order, change.limit) if change.limit else self.pacing.step_up(order)

    def on_quote(self, quote: Quote) -> Effects:
        if quote.instrument not in self.pacing.watched:
            return None
        self.pacing.quotes[quote.instrument] = quote
        effects: list[Effect] = []
        for place in list(self.pacing.waiting.values()):
            if quote.instrument in contracts_of(place.intent.instrument):
                effects += self._try_with_mates(place)
        return effects

    def on_watch_again(self, again: WatchAgain) -> Effects:
        return self.pacing.watch_again()

    # -- the venue

    def on_report(self, report: Report) -> Effects:
        if isinstance(report, AdoptOrder):
            return self._adopt(report) + self.pacing.lease.found()
        effects = self.reports.take(report)
        if isinstance(report, ProvenAbsent):
            effects += self.resend.resend(self.book.orders.get(report.client_id), self.mode)
        elif isinstance(report, CancelRejected):
            effects += self.pacing.cancel_later(self.book.orders.get(report.client_id))
        elif isinstance(report, OrderAcked | SeenAtVenue):
            effects += self.pacing.cancel_found(self.book.orders.get(report.client_id))
        return effects + self.pacing.lease.found()

    def _adopt(self, adopt: AdoptOrder) -> list[Effect]:
        """A halt ends what is found in it, too."""
        effects = self.reports.adopt(adopt)
        if effects and self.halted and self.policy.halt_cancels:
            effects += self.pacing.cancel(self.book.orders[adopt.order.client_id])
        return effects

    def on_fill(self, fill: Fill) -> Effects:
        return self.reports.fill(fill)

    def on_link(self, link: VenueUp | VenueDown) -> Effects:
        self.pacing.link_up = isinstance(link, VenueUp)
        effects: list[Effect] = []
        if isinstance(link, VenueDown):
            for order in list(self.book.open.values()):
                effects += self.desk.move(order, OrderEvent.DISCONNECTED, link.reason)
            return effects
        effects += self.pacing.lease.linked(link.cancel_timer)
        for order in list(self.book.open.values()):
            order.cancel_asked = False  # what was asked in another session may never have arrived
            if order.wants_cancel:
                effects += self._cancel(order)
            elif order.state is OrderState.LOST:
                effects += self.resend.resend(order, self.mode)
        for place in list(self.pacing.waiting.values()):
            effects += self._try(place)
        return effects

    # -- the house

    def on_restriction(self, word: ModeChanged | InstrumentLocked | InstrumentReleased) -> Effects:
        if isinstance(word, InstrumentLocked):
            self.locked[word.instrument] = word.reason
            return None
        if isinstance(word, InstrumentReleased):
            self.locked.pop(word.instrument, None)
            return [each for order in list(self.book.open.values()) for each in self.resend.resend(order, self.mode)]
        self._enter(word.mode)
        effects: list[Effect] = []
        ending = word.mode in ENDING_MODES and self.policy.halt_cancels
        for order in list(self.book.open.values()):
            reduced = word.mode is Mode.REDUCE_ONLY and not order.intent.reduces
            if ending or reduced:
                effects += self._cancel(order)
            elif order.state is OrderState.LOST:
                effects += self.resend.resend(order, self.mode)
        for place in list(self.pacing.waiting.values()):
            if not may_place(self.mode, reduces=place.intent.reduces):
                effects += self.pacing.drop(place.intent.id)[1]
                effects += self.desk.deny(place.intent, f"MODE_{word.mode.value}", word.reason)
        return effects

    def _cancel(self, order: Order) -> list[Effect]:
        """Ask for a cancel; an order that is not at the venue is over by that."""
        return self.pacing.cancel(order) + self.resend.resend(order, self.mode)

    def _enter(self, mode: Mode) -> None:
        self.mode = mode
        self.pacing.may_change = allows(mode, Act.MODIFY)
        if mode in TELLING:
            self.halted = mode is Mode.HALTED

    def on_ask_orders(self, ask: AskOrders) -> Effects:
        return [Reply(ask, self.book.known(ask.ids))]

    def on_deadlines(self, due: DeadlinesDue) -> Effects:
        effects: list[Effect] = []
        for what, client_id in self.pacing.deadlines.due(self.clock.now_ns):
            if what == WAIT:
                effects += self._tired(client_id)
                continue
            if what == LEASE and not client_id:
                effects += self.pacing.lease.due()
                continue
            order = self.book.orders.get(client_id)
            if order is None:
                continue
            if what == ACK:
                effects += self.pacing.overdue(order)
            elif what == CHANGE:
                effects += self.pacing.unanswered(order)
            elif what == RUNG:
                effects += self.pacing.rung(order)
            elif what == CANCEL:
                effects += self.pacing.uncancelled(order)
            elif what == TTL:
                effects += self._cancel(order)
            elif what == LEASE:
                effects += self.pacing.renew(order)
        return effects + self.pacing.deadlines.arm()

    def _tired(self, intent_id: str) -> list[Effect]:
        """An intent waited long enough for a quote or the link."""
        waiting = self.pacing.waiting.get(intent_id)
        text = "" if waiting is None else self._unquoted(waiting.intent)
        place, effects = self.pacing.drop(intent_id)
        if place is None:
            return []
        if not self.pacing.link_up:
            return effects + self.desk.deny(
                place.intent, "LINK_DOWN", "the link to the venue did not come back in time"
            )
        return effects + self.desk.deny(place.intent, "NO_QUOTE", text)

    def _unquoted(self, intent: Intent) -> str:
        if intent.pair and self.pacing.fresh(intent.instrument) is not None:
            return "another leg had no quote to price it in time, and legs leave together"
        return "no fresh two-sided quote came in time"

    def on_refused(self, refused: Refused) -> Effects:
        return self.resend.refused(refused)

    # -- recovery

    def fold_planned(self, row: OrderPlanned) -> None:
        contract = self.contracts.get(row.spec.instrument)
        if contract is None:
            self.book.fold_planned(row, 1, 0)
        else:
            self.book.fold_planned(row, contract.lot, self._collar(contract, row.spec, row.intent, row.arrival))

    def fold_moved(self, row: OrderMoved) -> None:
        self.book.fold_moved(row)

    def fold_repriced(self, row: OrderRepriced) -> None:
        self.book.fold_repriced(row)

    def fold_stands(self, row: OrderStands) -> None:
        self.book.fold_stands(row)

    def fold_renewed(self, row: OrderRenewed) -> None:
        self.book.fold_renewed(row)

    def fold_leased(self, row: OrdersLeased) -> None:
        self.pacing.lease.offered = row.within_ns > 0

    def fold_filled(self, row: Filled) -> None:
        self.book.fold_filled(row)

    def fold_denied(self, row: OrderDenied) -> None:
        self.book.deny(row)

    def fold_mode(self, row: ModeEntered) -> None:
        self._enter(row.mode)

    def fold_lock(self, row: InstrumentLocked | InstrumentReleased) -> None:
        if isinstance(row, InstrumentLocked):
            self.locked[row.instrument] = row.reason
        else:
            self.locked.pop(row.instrument, None)

    def snapshot(self) -> OrdersKept:
        return structs.replace(
            self.book.keep(), halted=self.halted, timer=self.pacing.lease.offered, mode=self.mode,
            locked=tuple(self.locked.items()),
        )  # fmt: skip

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, OrdersKept)
        self.book = self.desk.book = OrderBook.restored(snapshot, self.policy.keep_sessions)
        self._enter(snapshot.mode)
        self.locked.update(snapshot.locked)
        self.halted, self.pacing.lease.offered = snapshot.halted, snapshot.timer
