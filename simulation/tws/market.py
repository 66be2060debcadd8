"""The market behind a gateway: the tape's ticks, or prices set by hand, told to the broker and to who listens."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from model.market import BarClosed, Quote
from model.units import QTY_SCALE, Px, Qty
from simulation.tws.broker import Broker
from simulation.tws.catalogue import History, Tape, Tick
from simulation.tws.clock import Clock, Timer

Listener = Callable[[Tick], None]
NEVER = 1 << 62
PRINTED = 1_000_000 * QTY_SCALE
"""Size of an opening or closing print, so that it limits no auction order."""


class Market:
    """Drives a tape and a broker by a clock. `step` after everything that may have changed what comes next.

    delayed: the same tape as it was some time ago, for those who may not see the present; its ticks are told `delay_ns`
    after their time.  stepped: takes what the broker has to say by now and passes it on.
    """

    def __init__(
        self, history: History, tape: Tape, delayed: Tape, delay_ns: int, broker: Broker, clock: Clock
    ) -> None:
        self.stepped: Callable[[], None] = lambda: None
        self._record, self._catalogue = history.record, history.catalogue
        self._tape, self._delayed, self._delay_ns = tape, delayed, delay_ns
        self._broker, self._clock = broker, clock
        self._listeners: dict[int, list[Listener]] = {}
        self._late_listeners: dict[int, list[Listener]] = {}
        self._held: dict[int, int] = {}  # con id -> the session that has opened
        self._pinned: dict[int, Tick] = {}
        self._armed: Timer | None = None
        self._armed_ns = NEVER
        tape.listen(self._on_tick)
        tape.ended = self._on_end
        broker.prices_from(lambda con_id: con_id in self._pinned or tape.goes_on(con_id))
        delayed.listen(self._on_late_tick)

    # -- who hears what

    def look(self, con_id: int) -> Tick | None:
        """A contract's market now; None where nothing is known. Raises Refused, 200, for an unknown contract."""
        pinned = self._pinned.get(con_id)
        return pinned if pinned is not None else self._tape.look(con_id)

    def look_back(self, con_id: int) -> Tick | None:
        """The market as it was when what is told late happened."""
        pinned = self._pinned.get(con_id)
        return pinned if pinned is not None else self._delayed.look(con_id)

    def watch(self, con_id: int, listener: Listener, *, late: bool = False) -> Tick | None:
        """Tell a contract's ticks from now on. What it is now, as `look`. Raises Refused, 200."""
        tape, listeners = (self._delayed, self._late_listeners) if late else (self._tape, self._listeners)
        tape.watch(con_id)
        listeners.setdefault(con_id, []).append(listener)
        self.arm()
        return self.look_back(con_id) if late else self.look(con_id)

    def let_go(self, con_id: int, listener: Listener, *, late: bool = False) -> None:
        """Tell them no more."""
        tape, listeners = (self._delayed, self._late_listeners) if late else (self._tape, self._listeners)
        listeners[con_id] = [each for each in listeners[con_id] if each != listener]
        tape.let_go(con_id)

    def hold(self, con_id: int) -> None:
        """Let the broker know a contract's market from now on, beginning with what it is. Raises Refused, 200."""
        if con_id in self._held:
            return
        tick = self._tape.watch(con_id)
        self._held[con_id] = tick.session if tick is not None else 0
        tick = self._pinned.get(con_id, tick)
        if tick is not None:
            self._tell_broker(tick)
        self.arm()

    # -- time

    def step(self) -> None:
        """Let everything happen that is due by now."""
        now_ns = self._clock.market_ns()
        self._tape.fire(now_ns)
        self._delayed.fire(now_ns - self._delay_ns)
        self.stepped()
        self.arm()

    def arm(self) -> None:
        """Make the clock call for the next tick or the broker's next turn."""
        late_ns = self._delayed.next_ns()
        wanted = (self._tape.next_ns(), None if late_ns is None else late_ns + self._delay_ns, self._broker.next_ns())
        due_ns = min((each for each in wanted if each is not None), default=NEVER)
        if due_ns == self._armed_ns and self._armed is not None:
            return
        if self._armed is not None:
            self._armed.cancel()
        self._armed, self._armed_ns = None, due_ns
        if due_ns < NEVER:
            self._armed = self._clock.at_market(due_ns, self._ring)

    def stop(self) -> None:
        """Nothing moves any more."""
        if self._armed is not None:
            self._armed.cancel()

    def _ring(self) -> None:
        self._armed, self._armed_ns = None, NEVER
        self.step()

    # -- by hand

    def pin(self, con_id: int, bid: Px, ask: Px, sizes: tuple[Qty, Qty], last: Px = 0, last_size: Qty = 0) -> None:
        """Set a contract's market; the tape is silent about it until it is let loose. Sizes 0 for no side.

        Who may see only late prices sees these at once. Raises Refused, 200, for an unknown contract.
        """
        before = self.look(con_id)
        now_ns = self._clock.market_ns()
        name = before.quote.instrument if before is not None else ""
        quote = Quote(name, bid, ask, sizes[0], sizes[1], now_ns)
        tick = replace(before, quote=quote, bar=None) if before is not None else Tick(con_id, quote, 0)
        if last:
            tick = replace(
                tick, last=last, last_size=last_size, high=max(tick.high, last), low=min(tick.low or last, last),
                volume=tick.volume + last_size,
            )  # fmt: skip
        self._pinned[con_id] = tick
        self._tell(tick, traded=bool(last))
        for listener in tuple(self._late_listeners.get(con_id, ())):
            listener(tick)
        self.step()

    def loosen(self, con_id: int) -> None:
        """Let the tape speak again of a contract."""
        if self._pinned.pop(con_id, None) is not None:
            tick = self._tape.look(con_id)
            if tick is not None:
                self._tell(tick)
            self.step()

    # -- telling

    def _on_tick(self, tick: Tick) -> None:
        pinned = self._pinned.get(tick.con_id)
        held = tick.con_id in self._held
        if held and self._held[tick.con_id] != tick.session:
            self._held[tick.con_id] = tick.session
            self._print(tick, pinned or tick, tick.at_ns)
        if pinned is None:
            self._tell(tick)
        if held and tick.bar is not None:
            self._close(tick, pinned or tick)

    def _on_end(self, con_id: int) -> None:
        if con_id in self._held:
            self._broker.on_end_of_prices(con_id)

    def _on_late_tick(self, tick: Tick) -> None:
        if tick.con_id not in self._pinned:
            for listener in tuple(self._late_listeners.get(tick.con_id, ())):
                listener(tick)

    def _tell(self, tick: Tick, *, traded: bool = True) -> None:
        if tick.con_id in self._held:
            self._tell_broker(tick, traded=traded)
        for listener in tuple(self._listeners.get(tick.con_id, ())):
            listener(tick)

    def _tell_broker(self, tick: Tick, *, traded: bool = True) -> None:
        quote, broker = tick.quote, self._broker
        if quote.bid_size or quote.ask_size:
            broker.on_quote(tick.con_id, quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.at_ns)
        if traded and tick.last:
            broker.on_trade(tick.con_id, tick.last, quote.at_ns)

    def _close(self, tick: Tick, priced: Tick) -> None:
        """A bar ended; if its session did so too, that has a closing print, never before the calendar's close."""
        listed = self._catalogue.listed(tick.con_id)
        session = self._catalogue.sessions(listed.instrument.calendar).on(tick.session)
        if session is None or tick.at_ns >= session.closes_ns:
            self._print(tick, priced, tick.at_ns)
        elif self._record.minutes(listed) is None:
            self._clock.at_market(session.closes_ns, lambda: self._print(tick, priced, session.closes_ns))

    def _print(self, tick: Tick, priced: Tick, at_ns: int) -> None:
        """The auctions of a session's ends trade at one price. What happens between is told by quotes."""
        quote = priced.quote
        price = priced.last or (quote.bid + quote.ask) // 2
        name = self._catalogue.instrument(tick.con_id).id
        if price:
            bar = BarClosed(name, tick.session, price, price, price, price, PRINTED, at_ns)
            self._broker.on_bar(tick.con_id, bar)
