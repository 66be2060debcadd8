"""The market that moves: the ticks of every contract that somebody watches, at their times.

A source for the driver of virtual time, and for a gateway that paces it by the real clock (`Pace`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from model.instruments import Kind
from model.units import NS_PER_DAY, PX_SCALE
from simulation.tws.catalogue.listed import Listed
from simulation.tws.catalogue.option_math import DAYS_PER_YEAR, Greeks, greeks
from simulation.tws.catalogue.record import Record
from simulation.tws.catalogue.streams import BarStream, QuoteStream, Tick

Listener = Callable[[Tick], None]
STEPS = 120
"""Ticks to a recorded bar unless said otherwise."""


class Tape:
    """begins_ns: nothing at or before it is told again.  seed: of everything simulated.  steps: ticks to a bar.

    ended: told a watched contract after its last tick.
    """

    def __init__(self, record: Record, begins_ns: int, *, seed: int = 0, steps: int = STEPS) -> None:
        self.now_ns = begins_ns
        self._record = record
        self._seed = seed
        self._steps = steps
        self._streams: dict[int, BarStream | QuoteStream | None] = {}
        self._coming: dict[int, Iterator[Tick]] = {}
        self._next: list[tuple[int, int, int, Tick]] = []
        self._watched: dict[int, tuple[int, int]] = {}
        self._turn = 0
        self._listeners: list[Listener] = []
        self._silent: set[int] = set()
        self.ended: Callable[[int], None] = lambda con_id: None

    def listen(self, listener: Listener) -> None:
        """Tell every tick of every watched contract, listeners in the order in which they came."""
        self._listeners.append(listener)

    def watch(self, con_id: int) -> Tick | None:
        """Tell a contract's ticks from now on; watched twice it must be let go twice. What it is now, as `look`.

        Raises Refused, 200, for a contract that nobody lists.
        """
        now = self.look(con_id)
        count, turn = self._watched.get(con_id, (0, 0))
        if not count:
            self._turn += 1
            turn = self._turn
            stream = self._stream(con_id)
            self._coming[con_id] = stream.after(self.now_ns) if stream is not None else iter(())
            self._watched[con_id] = (1, turn)
            self._draw(con_id, turn)
        else:
            self._watched[con_id] = (count + 1, turn)
        return now

    def let_go(self, con_id: int) -> None:
        """End one watch; the last one ends the ticks."""
        count, turn = self._watched.get(con_id, (0, 0))
        if count > 1:
            self._watched[con_id] = (count - 1, turn)
        elif count:
            del self._watched[con_id], self._coming[con_id]
            self._silent.discard(con_id)

    def goes_on(self, con_id: int) -> bool:
        """Whether any ticks of a watched contract are still to come; of others nobody knows, and they may."""
        return con_id not in self._silent

    def look(self, con_id: int) -> Tick | None:
        """A contract's market now, watched or not: frozen between sessions, None where nothing is recorded by now."""
        stream = self._stream(con_id)
        return stream.at(self.now_ns) if stream is not None else None

    def greeks(self, con_id: int) -> Greeks | None:
        """An option's Greeks at its recorded middle, in client's units; None for what is none or has no market."""
        listed = self._record.catalogue.listed(con_id)
        if listed.instrument.kind is not Kind.OPTION:
            return None
        series, under = self._record.chain(listed)
        i = int(series.at_ns.searchsorted(self.now_ns, side="right")) - 1
        if i < 0 or not (series.bid_size[i] and series.ask_size[i]) or under[i] != under[i]:
            return None
        last = self._record.catalogue.sessions(listed.instrument.calendar).on(int(listed.expiry))
        ends_ns = last.closes_ns if last is not None else int(series.at_ns[-1])
        years = (ends_ns - self.now_ns) / NS_PER_DAY / DAYS_PER_YEAR
        middle = int(series.bid[i] + series.ask[i]) / 2 / PX_SCALE
        return greeks(middle, float(under[i]), listed.strike, years, listed.right)

    def next_ns(self) -> int | None:
        """When the next tick of a watched contract is due."""
        while self._next and self._watched.get(self._next[0][2], (0, 0))[1] != self._next[0][1]:
            heappop(self._next)
        return self._next[0][0] if self._next else None

    def fire(self, now_ns: int) -> None:
        """Tell every tick that is due by `now_ns`, in time order; at one moment the contract watched first."""
        while (due_ns := self.next_ns()) is not None and due_ns <= now_ns:
            _, turn, con_id, tick = heappop(self._next)
            self.now_ns = max(self.now_ns, due_ns)
            self._draw(con_id, turn)
            for listener in self._listeners:
                listener(tick)
            if con_id in self._silent:
                self.ended(con_id)
        self.now_ns = max(self.now_ns, now_ns)

    def _draw(self, con_id: int, turn: int) -> None:
        tick = next(self._coming[con_id], None)
        if tick is not None:
            heappush(self._next, (tick.at_ns, turn, con_id, tick))
        else:
            self._silent.add(con_id)

    def _stream(self, con_id: int) -> BarStream | QuoteStream | None:
        if con_id not in self._streams:
            self._streams[con_id] = self._open(self._record.catalogue.listed(con_id))
        return self._streams[con_id]

    def _open(self, listed: Listed) -> BarStream | QuoteStream | None:
        """Minute bars where there are some, else quotes where no daily bars are, else daily bars."""
        record = self._record
        minutes, daily, quotes = record.minutes(listed), record.daily(listed), record.quotes(listed)
        bars = minutes[0] if minutes is not None else daily
        if bars is None:
            return QuoteStream(listed, quotes) if quotes is not None else None
        sessions = record.catalogue.sessions(listed.instrument.calendar)
        return BarStream(listed, bars, sessions, self._seed, self._steps)


class Pace:
    """Virtual time that runs `factor` times as fast as the real clock, from `begins_ns` at `real_ns`."""

    def __init__(self, begins_ns: int, real_ns: int, factor: float) -> None:
        if not factor > 0:
            raise ValueError(f"a pace of {factor} stands still; give a number above 0, such as 60")
        self._begins_ns = begins_ns
        self._real_ns = real_ns
        self.factor = factor

    def virtual_ns(self, real_ns: int) -> int:
        return self._begins_ns + round((real_ns - self._real_ns) * self.factor)

    def real_ns(self, virtual_ns: int) -> int:
        """When on the real clock a virtual moment has come."""
        wait = (virtual_ns - self._begins_ns) / self.factor
        return self._real_ns + -int(-wait // 1)
