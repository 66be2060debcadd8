"""The engine's port to a broker's gateway: requests in, facts out, and a connection whose life is a law.

What is said of orders is in `blotter`, of executions in `executions`, of everything at once in `look`. Absence is
claimed only in a snapshot behind which three clean looks stand; see `inquiry`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.message import Message, Told
from engine.ports import Outside
from model.execution import LockInstrument
from model.instruments import Instrument
from model.margin import AskMargin
from model.market import Quote
from model.orders import (
    CancelAtVenue,
    CashMoved,
    Fill,
    ModifyOrder,
    RequestSnapshot,
    SubmitOrder,
    VenueDown,
    VenueFact,
    VenueUp,
)
from model.sessions import Sessions
from ports.ib.account_guard import check_accounts, check_settings, is_paper
from ports.ib.blotter import Blotter
from ports.ib.cash_watch import CashWatch
from ports.ib.codes import ENDING, Action, Rule
from ports.ib.contracts import Pins
from ports.ib.counter import Counter
from ports.ib.days import Days
from ports.ib.errors import IBError, IdInUse, LinkLost, NotOpened, RequestRefused, Unanswered, WrongAccount
from ports.ib.executions import Executions
from ports.ib.heard import Complaint, CostSeen, ExecutionSeen, OrderSeen, StatusSeen
from ports.ib.inquiry import Inquiry
from ports.ib.lifecycle import Link, LinkEvent, LinkState
from ports.ib.maintenance import midnight_ns, window_at
from ports.ib.margin import MarginDesk
from ports.ib.order_ids import Durable
from ports.ib.pacer import Lane
from ports.ib.qualify import Qualifier
from ports.ib.rates import PairRates
from ports.ib.session import Session
from ports.ib.settings import IBSettings
from ports.ib.subscriptions import Subscriptions
from ports.simulated.venue import RISK, SYSTEM, TO_ORDERS, TOLD_TO, unfenced

UPSTREAM = {
    Action.DEGRADE: LinkEvent.UPSTREAM_LOST,
    Action.RESTORE: LinkEvent.UPSTREAM_BACK,
    Action.RESTORE_ANEW: LinkEvent.UPSTREAM_BACK,
}
HEARERS: dict[type, tuple[str, ...]] = {**TOLD_TO, VenueUp: (RISK, *TOLD_TO[VenueUp])}
"""As anywhere, and risk hears that margin can be asked for."""
PROOFS = 3
"""How often the first look of a session may fail before the session is given up."""
NAME = "ib"


class IBPort:
    """Keeps a session with the gateway for ever. Named `venue`, as the actors know every venue.

    instruments: what may be traded or held, futures by contract.  sessions: by calendar, to compare trading hours with.
    token: asked before each request leaves; None when this engine may not speak any more.  streamed: whose quotes are
    wanted without a pause; rotated: whose quotes may come now and then.  noted: hears every error message that no
    question waited for, with its rule: for the log.  days: makes what tells the program's days.  rates: takes quotes of
    pairs.
    """

    name = "venue"
    idle = True

    def __init__(
        self, settings: IBSettings, *, instruments: Iterable[Instrument], now_ns: Callable[[], int],
        sessions: Mapping[str, Sessions] | None = None, token: Callable[[], int | None] = unfenced,
        streamed: Iterable[str] = (), rotated: Iterable[str] = (),
        noted: Callable[[Complaint, Rule], None] | None = None, days: Callable[[IBPort], Days] | None = None,
        rates: PairRates | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self._noted = noted or (lambda complaint, rule: None)
        self.link = Link()
        self.pins = Pins(instruments)
        self._now_ns, self._token = now_ns, token
        self._durable = Durable(Path(settings.state_dir), settings.client_id)
        self._cash = CashWatch(settings.patience.cash_s)
        self.executions = Executions(
            self.pins, self._durable, tell=self._tell, stranger=self._stranger, wait_s=settings.patience.commission_s
        )
        self.blotter = Blotter(
            self.pins, client=settings.client_id, tell=self._tell, ask=self._ask, surplus=self._surplus,
            cancel_again=self._cancel_again, flush=self.executions.flush, now_ns=now_ns,
            cancel_s=settings.patience.cancel_s,
        )  # fmt: skip
        self._counter = Counter(settings, self.pins, self.blotter, self._durable, self._may_send, self._ask,
                                self.executions.ordered)  # fmt: skip
        self._margins = MarginDesk(ask=self._counter.what_if, tell=self._tell, now_ns=now_ns)
        self._qualifier = Qualifier(self.pins, sessions or {}, self._block)
        self.inquiry = Inquiry(
            settings, pins=self.pins, blotter=self.blotter, executions=self.executions, qualifier=self._qualifier,
            tell=self._tell, retake=lambda seen: self.heard_execution(seen, False), now_ns=now_ns, venue=NAME,
        )  # fmt: skip
        self.subscriptions = Subscriptions(settings, self.pins, streamed, rotated, self._tell_market, now_ns)
        self.rates = rates
        self.session: Session | None = None
        self.outside: Outside | None = None
        self._said_down, self._day_ns = "", 0
        self._retry_s = settings.patience.first_wait_s
        self._proving = asyncio.Event()
        self._more_contracts = asyncio.Event()
        self.ready = asyncio.Event()
        self.days = None if days is None else days(self)

    # -- the engine's side

    def deliver(self, message: Message, cause: int) -> Told:
        """Queue a request; FULL when nothing may leave now, and then nothing of it does."""
        session = self.session
        if isinstance(message, AskMargin):
            self._margins.want(message, ready=session is not None and self.link.ready)
            return Told.OK
        if session is None or not self.link.ready or self._token() is None:
            return Told.FULL
        if isinstance(message, SubmitOrder):
            self._counter.submit(session, message.order)
        elif isinstance(message, ModifyOrder):
            self._counter.modify(session, message)
        elif isinstance(message, CancelAtVenue):
            self._counter.cancel(session, message.client_id)
        elif isinstance(message, RequestSnapshot):
            self.inquiry.want(message)
        else:
            return Told.FULL
        return Told.OK

    async def run(self, outside: Outside) -> None:
        """Open, prove, serve, and begin again. Raises what a defect of ours raised."""
        self.outside = outside
        try:
            while True:
                wait_s = await self._one_session()
                await asyncio.sleep(wait_s)
        finally:
            self.link.step(LinkEvent.STOPPED)

    def also(self, instrument: Instrument) -> None:
        """One more contract, as the next month of a future: it is qualified at once where there is a session."""
        self.pins.instruments.setdefault(instrument.id, instrument)
        self._more_contracts.set()

    # -- one session

    async def _one_session(self) -> float:
        """How long to wait before the next."""
        self.link.step(LinkEvent.DUE)
        patience = self.settings.patience
        session = None
        try:
            check_settings(self.settings)
            session = Session(self.settings, self, self._cash, now_ns=self._now_ns)
            await session.open()
            check_accounts(self.settings, session.accounts)
            self.link.step(LinkEvent.OPENED)
            self.session = session
            await self._serve(session)
        except WrongAccount as error:
            self._step_down(LinkEvent.WRONG_ACCOUNT, f"{error}: {error.next}")
            return patience.refused_s
        except IdInUse as error:
            self._step_down(LinkEvent.ID_IN_USE, f"client id {self.settings.client_id} is in use: {error.next}")
            return patience.id_in_use_s
        except (NotOpened, LinkLost) as error:
            self._step_down(
                LinkEvent.NOT_OPENED if self.session is None else LinkEvent.SOCKET_LOST, f"{error}: {error.next}"
            )
        finally:
            self.session = None
            self.subscriptions.lost()
            if session is not None:
                session.close("the session is over")
        if session is not None and session.defect is not None:
            raise session.defect
        return self._next_wait()

    def _next_wait(self) -> float:
        window = window_at(self._now_ns())
        if window is not None:
            return window.retry_s
        wait_s = self._retry_s
        self._retry_s = min(2 * wait_s, self.settings.patience.longest_wait_s)
        return wait_s

    async def _serve(self, session: Session) -> None:
        """Until the session is over; raises LinkLost then."""
        self._durable.at_least(session.valid_id)
        self.blotter.new_session()
        self.inquiry.begin()
        self._proving.set()
        jobs = [
            asyncio.ensure_future(job)
            for job in (
                self._prove_again(session), self._heartbeat(session), self.inquiry.answer(session),
                self.inquiry.look_up(session), self.executions.keep(), self.subscriptions.keep(session),
                self._qualify_daily(session), self._margins.answer(session),
                *([self.days.keep(session)] if self.days else []),
            )
        ]  # fmt: skip
        try:
            waited: list[asyncio.Future[Any]] = [*jobs, session.over]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for job in jobs:
                if job.done() and (error := job.exception()) is not None and not isinstance(error, IBError):
                    raise error
            reasons = [str(job.exception()) for job in jobs if job.done()]
            raise LinkLost(session.over.result() if session.over.done() else reasons[0], "it is opened again by itself")
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _prove_again(self, session: Session) -> None:
        """Whenever nothing is believed: prove time, contracts and a complete look, then say that we are up."""
        patience, failed = self.settings.patience, 0
        while True:
            await self._proving.wait()
            self._proving.clear()
            if session.stretch:
                await asyncio.sleep(patience.settle_s)
            try:
                await session.server_time_ns()
                await self._qualifier.once_a_day(session, self._day(), self._now_ns())
                await self.inquiry.first_look(session)
            except IBError:
                failed += 1
                if failed >= PROOFS:
                    self._step_down(LinkEvent.NOT_PROVED, "the gateway does not answer completely")
                    raise
                if self.link.state is LinkState.PROVING:
                    self._proving.set()
                continue
            if self.link.step(LinkEvent.PROVED).moved:
                failed = 0
                self._up()

    async def _heartbeat(self, session: Session) -> None:
        """A half-open socket looks alive and answers nothing."""
        while True:
            await asyncio.sleep(self.settings.patience.heartbeat_s)
            try:
                await session.server_time_ns()
            except IBError as error:
                self._step_down(LinkEvent.SILENT, f"the gateway does not answer: {error}")
                raise

    async def _qualify_daily(self, session: Session) -> None:
        """Contracts are checked anew each day, and new ones when they come. What is silent is asked next minute."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(60.0):
                    await self._more_contracts.wait()
            self._more_contracts.clear()
            if self.link.ready:
                with contextlib.suppress(Unanswered, RequestRefused):
                    await self._qualifier.once_a_day(session, self._day(), self._now_ns())

    def _day(self) -> int:
        """When the gateway's day began; with a new one goes what it does not tell any more."""
        day_ns = midnight_ns(self._now_ns(), self.settings.day_zone)
        if day_ns != self._day_ns:
            self._day_ns = day_ns
            self._durable.forget_costs(day_ns)
            self.executions.new_day({held.ref for held in self.blotter.held.values() if not held.over})
        return day_ns

    # -- what is heard

    def heard_order(self, seen: OrderSeen) -> None:
        self.executions.ordered(seen.ref, seen.contract.legs)
        self.blotter.on_open(seen)

    def heard_status(self, seen: StatusSeen) -> None:
        self.blotter.on_status(seen)

    def heard_execution(self, seen: ExecutionSeen, live: bool) -> None:
        """Executions are taken in every state of the link. A live one happens now: printed times have no fractions."""
        at_ns = self._now_ns() if live else seen.at_ns
        self.executions.take(seen, at_ns, asyncio.get_running_loop().time())
        self.blotter.on_execution(seen, self.executions.filled(seen.ref))

    def heard_cost(self, cost: CostSeen) -> None:
        self.executions.cost(cost)

    def heard_price(self, req_id: int, kind: int, price: float, size: float) -> None:
        self.subscriptions.on_price(req_id, kind, price, size)

    def heard_size(self, req_id: int, kind: int, size: float) -> None:
        self.subscriptions.on_size(req_id, kind, size)

    def heard_data_kind(self, req_id: int, kind: int) -> None:
        self.subscriptions.on_data_kind(req_id, kind)

    def heard_complaint(self, complaint: Complaint, rule: Rule) -> None:
        """What no question waits for: the link's state, our orders, market data."""
        self._noted(complaint, rule)
        session = self.session
        event = UPSTREAM.get(rule.action)
        if event is not None:
            self._upstream(event, anew=rule.action is Action.RESTORE_ANEW, reason=rule.text)
        elif rule.action in ENDING and session is not None:
            session.end(f"{complaint.code}: {rule.text}")
        elif rule.action is Action.SLOW_DOWN and session is not None:
            session.pacer.halve()
        elif complaint.about > 0:
            self.blotter.on_complaint(complaint.about, complaint.code, complaint.text, rule)
        self.subscriptions.on_complaint(complaint, rule)

    def _upstream(self, event: LinkEvent, *, anew: bool, reason: str) -> None:
        session, was_ready = self.session, self.link.ready
        if session is None or not self.link.step(event).moved:
            return
        session.stretch += 1
        self.inquiry.doubt()
        if was_ready:
            self._down(reason)
        if event is LinkEvent.UPSTREAM_LOST:
            session.pacer.drop(reason, (Lane.ORDER,))
        else:
            self.subscriptions.back(anew=anew)
            self._proving.set()

    # -- what is told

    def _tell(self, fact: VenueFact | Fill | CashMoved) -> None:
        if self.outside is not None:
            for actor in HEARERS.get(type(fact), TO_ORDERS):
                self.outside.tell(actor, fact)

    def _tell_market(self, message: Message) -> None:
        if isinstance(message, Quote) and self.rates is not None and self.rates.take(message):
            return
        if self.outside is not None:
            self.outside.tell("market_data", message)

    def _up(self) -> None:
        self._said_down, self._retry_s = "", self.settings.patience.first_wait_s
        self.ready.set()
        paper = is_paper(self.settings.account)
        self._tell(VenueUp(NAME, self.settings.account, paper, self._now_ns(), margin=True))

    def _step_down(self, event: LinkEvent, reason: str) -> None:
        if not self.link.step(event).moved:
            return
        window = window_at(self._now_ns())
        self._down(f"{reason} ({window.name}: {window.todo or 'expected'})" if window else reason)

    def _down(self, reason: str) -> None:
        """Said once until it changes or the link was up again."""
        self.ready.clear()
        if reason != self._said_down:
            self._said_down = reason
            self._tell(VenueDown(NAME, reason, self._now_ns()))

    def _block(self, instrument: str, reason: str) -> None:
        """A contract that is not what the table says is not traded, and a person hears of it."""
        if self.outside is not None:
            self.outside.tell(SYSTEM, LockInstrument(instrument, reason, NAME))

    def _stranger(self, seen: ExecutionSeen) -> None:
        """An execution in a contract that is nobody's yet: look what it is."""
        self.inquiry.soon(seen.ref or f"con-{seen.contract.con_id}")

    def _ask(self, ref: str) -> None:
        self.inquiry.soon(ref)

    def _surplus(self, order_id: int) -> None:
        if self.session is not None:
            self._counter.cancel_id(self.session, order_id)

    def _cancel_again(self, ref: str) -> None:
        if self.session is not None and self.link.ready:
            self._counter.cancel(self.session, ref)

    def _may_send(self) -> bool:
        return self._token() is not None
