"""The simulated exchange: a venue in virtual time, without an event loop, that commits before it speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.drive import ASK, Due
from engine.message import Message
from engine.timers import NEVER
from model.instruments import Instrument
from model.leases import CancelAfter
from model.market import BarClosed, Quote
from model.orders import (
    CancelAtVenue,
    CashMoved,
    ModifyOrder,
    OrderSpec,
    RequestSnapshot,
    SubmitOrder,
    VenueDown,
    VenueFact,
    VenueSnapshot,
    VenueUp,
)
from model.sessions import Session, Sessions
from model.units import Cash, Px
from simulation.exchange.account import Account, Rates
from simulation.exchange.back_office import BackOffice
from simulation.exchange.book import Market
from simulation.exchange.clearing import Clearing
from simulation.exchange.desk import Desk
from simulation.exchange.door import Door
from simulation.exchange.faults import FaultPlan
from simulation.exchange.keeper import Keeper
from simulation.exchange.listing import Listings
from simulation.exchange.prices import Prices
from simulation.exchange.record import MemoryRecord, Resumed, VenueRecord
from simulation.exchange.restore import restore
from simulation.exchange.rules import VenueRules
from simulation.exchange.statement import statement
from simulation.exchange.timetable import Alarm, Moment, Timetable
from simulation.exchange.wire import Wire

REQUESTS: dict[str, type[Message]] = {
    kind.__name__: kind for kind in (SubmitOrder, ModifyOrder, CancelAtVenue, CancelAfter, RequestSnapshot)
}


class Exchange:
    """Matches orders against replayed quotes and bars, keeps the account, and remembers everything in its record.

    Give it prices (`on_bar`, `on_quote`) and requests (`receive`) as virtual time goes on, ask `next_ns` when it wants
    a turn, and `take` what it says: facts leave only after the step that made them is committed. A record that already
    holds steps is resumed: bars and quotes that it has seen are then ignored when they are told again.

    cash: opening balances by currency.  fx: money of `base_currency` for one unit of a currency, in 1e-9, or None.
    """

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument] | Callable[[str], Instrument | None],
        sessions: Mapping[str, Sessions],
        cash: Mapping[str, Cash],
        base_currency: str,
        fx: Rates,
        rules: VenueRules | None = None,
        record: VenueRecord | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        self.rules = rules = rules or VenueRules()
        self._record: VenueRecord = record if record is not None else MemoryRecord()
        self._inbox = Wire(rules.latency_ns, faults)
        self._outbox = Wire(rules.latency_ns, faults)
        self._direct = rules.latency_ns == 0 and faults is None
        self._timetable, self._prices = Timetable(rules.close_grace_ns), Prices()
        self.account = Account(cash, base_currency, fx, self._prices)
        self.listings = Listings(instruments, sessions)
        self.clearing = Clearing(self.account, self._say)
        self.desk = Desk(rules, self.listings, self._timetable, self.account, self._prices, self._say, self.clearing)
        self.back_office = BackOffice(self.desk, self.account)
        self._markets = self.account.markets
        self._last_bars, self._quotes = self._prices.bars, self._prices.quotes
        self.door = Door(self._inbox, self._timetable)
        self._keeper = Keeper(
            self._record, self.desk, self.account, self.clearing, self._inbox, self.door, self._quotes
        )
        self._bars = self._keeper.bars
        self._quoted = False
        self.up = True
        self._links: list[tuple[int, bool]] = []
        self._wake = 0  # nothing happens by itself before this moment; 0 for not known
        self.due = Due()
        self._committed_ns = self._resumed_ns = -1
        self._handlers = self._requests()
        resumed = self._record.resume()
        if resumed is not None:
            self._restore(resumed)

    def _requests(self) -> dict[type[Message], Callable[..., None]]:
        requests: dict[type[Message], Callable[..., None]] = {
            SubmitOrder: self.desk.submit,
            ModifyOrder: self.desk.modify,
            CancelAtVenue: self.desk.cancel,
            RequestSnapshot: self._answer,
        }
        if self.rules.cancel_timer:
            requests[CancelAfter] = lambda request: self.door.arm(request, self.desk.now_ns)
        return requests

    @property
    def now_ns(self) -> int:
        """The venue's time: that of the last thing it was told."""
        return self.desk.now_ns

    @property
    def committed_ns(self) -> int:
        """Time of the last committed step, -1 before the first: where a killed run goes on."""
        return self._committed_ns

    @property
    def duplicates(self) -> int:
        """How often a client id was submitted again: zero when every order was sent once."""
        return len(self.desk.duplicates)

    # -- prices

    def on_bar(self, bar: BarClosed) -> None:
        """A bar of one instrument closed. Bars of one instrument come in time order; one seen before is ignored."""
        if bar.at_ns > self.desk.now_ns:
            self._move_to(bar.at_ns)
        name = bar.instrument
        before = self._last_bars.get(name)
        if bar.history or (before is not None and bar.at_ns <= before.at_ns):
            return
        self._last_bars[name] = bar
        self._bars.append(bar)
        self.due.at_ns = ASK
        market = self._markets.get(name)
        if market is not None and not market.idle():
            session = self._timetable.dated(market.listing, bar.session)
            if session is not None and not self._over(session, before):
                self._match(market, bar, before, session)

    def on_quote(self, quote: Quote) -> None:
        """The best bid and ask of one instrument changed."""
        desk = self.desk
        if quote.at_ns > desk.now_ns:
            if quote.at_ns > self._wake:
                self._move_to(quote.at_ns)
            else:
                desk.now_ns = quote.at_ns
        elif quote.at_ns <= self._resumed_ns:
            return
        name = quote.instrument
        self._quotes[name] = quote
        self._quoted = True
        market = self._markets.get(name)
        if market is not None and (quote.ask <= market.buys_to or quote.bid >= market.sells_from):
            desk.match_quote(market, quote)
        if desk.combos.open:
            desk.combos.on_quote(name)

    def last_price(self, instrument: str) -> Px | None:
        """What the venue values a position at: the newer of last close and middle of the quote; None before either."""
        return self._prices.last(instrument)

    def _over(self, session: Session, before: BarClosed | None) -> bool:
        """Whether the session's last bar has been taken already: what follows is after hours."""
        if before is None or before.session != session.date:
            return False
        return self.rules.daily_bars or before.at_ns >= session.closes_ns

    def _match(self, market: Market, bar: BarClosed, before: BarClosed | None, session: Session) -> None:
        last = self.rules.daily_bars or bar.at_ns >= session.closes_ns
        if market.rests():
            first = before is None or before.session != bar.session
            began_ns = session.opens_ns if before is None or first else before.at_ns
            self.desk.match_bar(market, bar, session, began_ns, first=first, last=last)
        if last:
            ended = self.clearing.end_session(market, bar.close, session, self.desk.now_ns)
            if self.account.settling():
                self._wake = 0
            if ended and market.rests():
                self.desk.expire_in(market)

    # -- requests

    def receive(self, message: Message, at_ns: int, token: int = 0) -> bool:
        """Take a request from a client's port; False when the link is down or the token is not the highest any more.

        Raises ValueError for a message that is no request to a venue.
        """
        if type(message) not in self._handlers:
            raise ValueError(f"{type(message).__name__} is not a request to a venue; send one of {', '.join(REQUESTS)}")
        if not self.up or not self.door.admits(token):
            return False
        if at_ns > self.desk.now_ns:
            self._move_to(at_ns)
        self._wake = 0
        self.due.at_ns = ASK
        if self._direct:
            self._handlers[type(message)](message)
        else:
            self._inbox.send(message, self.desk.now_ns)
        return True

    def submit(self, order: OrderSpec, at_ns: int) -> bool:
        return self.receive(SubmitOrder(order), at_ns)

    def modify(self, change: ModifyOrder, at_ns: int) -> bool:
        return self.receive(change, at_ns)

    def cancel(self, client_id: str, at_ns: int) -> bool:
        return self.receive(CancelAtVenue(client_id), at_ns)

    # -- what happens to the account

    def dividend(self, instrument: str, per_share: Px, ex_date: int, at_ns: int) -> None:
        """Pay a dividend on what is held now: longs receive it, shorts pay it. A repeat is ignored."""
        if at_ns > self.desk.now_ns:
            self._move_to(at_ns)
        market = self._markets.get(instrument)
        if market is not None:
            self.clearing.dividend(market, per_share, ex_date, self.desk.now_ns)

    def move_cash(self, id: str, kind: str, currency: str, amount: Cash, instrument: str, at_ns: int) -> None:
        """Move cash of the venue's own accord: funding, interest, a deposit. A repeated id is ignored."""
        if at_ns > self.desk.now_ns:
            self._move_to(at_ns)
        self.clearing.move(CashMoved(id, kind, currency, amount, instrument, self.desk.now_ns))

    # -- the link

    def connect(self, at_ns: int) -> None:
        """The link is there (again). What was said meanwhile is not repeated: a snapshot tells it."""
        if at_ns > self.desk.now_ns:
            self._move_to(at_ns)
        self.up = True
        self._links.append((self.desk.now_ns, True))
        self.due.at_ns = ASK
        self._outbox.put_back(self.desk.now_ns, self._greeting())

    def disconnect(self, at_ns: int, reason: str = "link lost") -> None:
        """Break the link: reports under way are lost, requests under way still arrive, orders go on working."""
        if at_ns > self.desk.now_ns:
            self._move_to(at_ns)
        self.up = False
        self._links.append((self.desk.now_ns, False))
        self._outbox.lose()
        self.due.at_ns = ASK
        self._outbox.put_back(self.desk.now_ns, VenueDown(self.rules.venue, reason, self.desk.now_ns))

    def linked(self, since_ns: int, until_ns: int) -> bool:
        """Whether the link stood all the time from one moment to another."""
        before = [up for at_ns, up in self._links if at_ns < since_ns]
        return before[-1:] == [True] and all(up for at_ns, up in self._links if since_ns <= at_ns <= until_ns)

    def _greeting(self) -> VenueUp:
        rules = self.rules
        return VenueUp(rules.venue, rules.account, True, self.desk.now_ns, rules.cancel_timer)

    def let_go(self, at_ns: int) -> int:
        """Let nothing wait to be overtaken any more, and say when the last message now under way arrives."""
        self._inbox.let_go(at_ns)
        self._outbox.let_go(at_ns)
        self._wake = 0
        self.due.at_ns = ASK
        return max((due for due, _ in (*self._inbox.under_way(), *self._outbox.under_way())), default=at_ns)

    def under_way(self) -> list[Message]:
        """Requests that have not reached the venue yet, in the order in which they will."""
        return [message for _, message in self._inbox.under_way()]

    def lose_requests(self) -> None:
        """Requests under way never arrive."""
        self._inbox.lose()
        self.due.at_ns = ASK

    def acknowledge_again(self, client_id: str, at_ns: int) -> None:
        """Say once more that an order was taken."""
        self.advance(at_ns)
        self.back_office.acknowledge_again(client_id)

    def _say(self, fact: VenueFact) -> None:
        self.due.at_ns = ASK
        if self.up:
            self._outbox.send(fact, self.desk.now_ns)

    # -- time

    def next_ns(self) -> int | None:
        """When the venue wants to be asked again; now, when something waits to be committed or said."""
        due = self.due.at_ns
        if due < 0:
            if self._keeper.uncommitted() or self.account.settling():
                return self.desk.now_ns
            due = min(self._inbox.next_ns(), self._outbox.next_ns(), self._timetable.next_ns(self._awaits))
            self.due.at_ns = due
        return None if due == NEVER else due

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due by now: arrivals, expiries, sessions that ended without a bar."""
        if now_ns >= self._wake:
            self._run(now_ns)
        if now_ns > self.desk.now_ns:
            self.desk.now_ns = now_ns

    def take(self, now_ns: int) -> list[VenueFact]:
        """Commit the step, then hand out the facts that have reached the client by now, in order."""
        self.advance(now_ns)
        self.clearing.settle_up(self.desk.now_ns)
        now = self.desk.now_ns
        if self._keeper.uncommitted() or now - self._committed_ns >= self.rules.commit_every_ns:
            self._commit()
        facts: list[VenueFact] = []
        self.due.at_ns = ASK
        while self._outbox.due(now):
            _, fact = self._outbox.take()
            assert isinstance(fact, VenueFact)
            facts.append(fact)
        return facts

    def _move_to(self, at_ns: int) -> None:
        """Let everything happen that is due before a moment, and make it the present."""
        if at_ns > self._wake:
            self._run(at_ns - 1)
        self.clearing.settle_up(self.desk.now_ns)
        self.desk.now_ns = at_ns

    def _run(self, until_ns: int) -> None:
        self.due.at_ns = ASK
        inbox, timetable, desk = self._inbox, self._timetable, self.desk
        while True:
            arrival, alarm = inbox.next_ns(), timetable.first_ns()
            due = min(arrival, alarm)
            if due > until_ns:
                break
            if due > desk.now_ns:
                self.clearing.settle_up(self.desk.now_ns)
                desk.now_ns = due
            if arrival <= alarm:
                _, message = inbox.take()
                self._handlers[type(message)](message)
            else:
                self._alarm(until_ns)
        self._wake = 0 if self.account.settling() else due

    def _alarm(self, until_ns: int) -> None:
        moment = self._timetable.pop_due(until_ns)
        if moment is None or not self._awaits(moment):
            return
        _, alarm, name, session = moment
        if alarm == Alarm.LAPSE:
            self.desk.lapse(name)
        elif alarm == Alarm.CLOSE:
            self.desk.expire_in(self._markets[name], before=session + 1)
        elif alarm == Alarm.TIMER:
            self.door.lapsed()
            self.desk.cancel_leased()
        else:
            market, price = self._markets[name], self._prices.last(name)
            if market.listing.variation and price is not None:
                self.clearing.settle(market, price, session, final=True)
            self.desk.expire_in(market)

    def _awaits(self, moment: Moment) -> bool:
        return self.door.awaits(moment) if moment[1] == Alarm.TIMER else self.desk.awaits(moment)

    # -- the record

    def snapshot(self, id: str, since_ns: int) -> VenueSnapshot:
        """The venue's account of everything since a moment, as `RequestSnapshot` would bring it."""
        return statement(
            id, self.rules.venue, since_ns, self.desk, self.account, self.clearing.moves, self.clearing.settlements,
            ids_enforced=self.rules.ids_enforced,
        )  # fmt: skip

    def _answer(self, request: RequestSnapshot) -> None:
        self._say(self.snapshot(request.id, request.since_ns))

    def _commit(self) -> None:
        self._keeper.commit(quoted=self._quoted)
        self._quoted = False
        self._committed_ns = self.desk.now_ns

    def _restore(self, resumed: Resumed) -> None:
        restore(resumed, self.desk, self.account, self._prices, self.listings, self._timetable)
        self.clearing.restore(resumed.booked)
        for parcel in resumed.inbox:
            self._inbox.put_back(parcel.due_ns, msgspec.msgpack.decode(parcel.body, type=REQUESTS[parcel.kind]))
        self.door.restore(resumed.door)
        self._keeper.resumed()
        self._committed_ns = self._resumed_ns = resumed.at_ns
