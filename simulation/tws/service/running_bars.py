"""Bars that are still being made: of five seconds in real time, and the running one of a request kept up to date."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from model.units import NS_PER_SECOND, QTY_SCALE
from simulation.tws.catalogue import Tick, spans
from simulation.tws.catalogue.hours import zone_of
from simulation.tws.replies import HistoricalUpdate, RealTimeBar
from simulation.tws.requests import ReqHistoricalData, ReqRealTimeBars
from simulation.tws.service.client import Client
from simulation.tws.terms import HistoricalBar

FIVE_NS = 5 * NS_PER_SECOND
DAY_S = spans.DAY_S


class Making(msgspec.Struct):
    """Prices of one bar so far, in our units; volume is 0 except of trades."""

    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    worth: int = 0
    count: int = 0

    def add(self, price: int, size: int) -> None:
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.volume += size
        self.worth += price * size
        self.count += 1 if size else 0


def price_of(what: str) -> Callable[[Tick], tuple[int, int]]:
    """How a tick reads as one kind of data: price, 0 for none, and size traded."""

    def sided(tick: Tick) -> tuple[int, int]:
        quote = tick.quote
        if what == "BID":
            return (quote.bid if quote.bid_size else 0), 0
        if what == "ASK":
            return (quote.ask if quote.ask_size else 0), 0
        return ((quote.bid + quote.ask) // 2 if quote.bid_size and quote.ask_size else 0), 0

    def traded(tick: Tick) -> tuple[int, int]:
        return tick.last, tick.last_size

    return traded if what == "TRADES" else sided


class RealTimeBars:
    """A bar every five seconds of the market while it is open, told when it has ended."""

    def __init__(self, client: Client, asked: ReqRealTimeBars, con_id: int) -> None:
        self._client, self._req_id, self._con_id = client, asked.req_id, con_id
        listed = client.house.catalogue.listed(con_id)
        self._told = listed.told
        self._sessions = client.house.catalogue.sessions(listed.instrument.calendar)
        self._read = price_of(asked.what)
        self._making: Making | None = None
        self._last = 0
        tick = client.house.market.watch(con_id, self.on_tick)
        if tick is not None:
            self._last = self._read(tick)[0]
        now_ns = client.house.clock.market_ns()
        self._ends_ns = now_ns // FIVE_NS * FIVE_NS + FIVE_NS
        self._timer = client.house.clock.at_market(self._ends_ns, self._end)

    def on_tick(self, tick: Tick) -> None:
        price, size = self._read(tick)
        if not price:
            return
        self._last = price
        if self._making is None:
            self._making = Making(price, price, price, price)
        self._making.add(price, size)

    def close(self) -> None:
        self._timer.cancel()
        self._client.house.market.let_go(self._con_id, self.on_tick)

    def _end(self) -> None:
        ended_ns, house = self._ends_ns, self._client.house
        bar = self._making or (Making(self._last, self._last, self._last, self._last) if self._last else None)
        self._making = None
        if bar is not None and house.link.flows and self._sessions.open_at(ended_ns - FIVE_NS) is not None:
            self._tell(bar, (ended_ns - FIVE_NS) // NS_PER_SECOND)
        self._ends_ns += FIVE_NS
        self._timer = house.clock.at_market(self._ends_ns, self._end)

    def _tell(self, bar: Making, epoch_s: int) -> None:
        told = self._told
        average = bar.worth // bar.volume if bar.volume else bar.close
        self._client.say(
            RealTimeBar(
                req_id=self._req_id,
                epoch_s=epoch_s,
                open=told(bar.open),
                high=told(bar.high),
                low=told(bar.low),
                close=told(bar.close),
                volume=bar.volume / QTY_SCALE,
                average=told(average),
                count=bar.count,
            )
        )


class RunningBars:
    """The bar that runs, told whenever a tick changes it."""

    def __init__(self, client: Client, asked: ReqHistoricalData, con_id: int) -> None:
        self._client, self._asked, self._con_id = client, asked, con_id
        listed = client.house.catalogue.listed(con_id)
        self._told = listed.told
        self._zone = zone_of(listed.instrument.calendar)
        self._size_ns = spans.bar_size(asked.bar_size) * NS_PER_SECOND
        self._read = price_of("TRADES" if asked.what == "ADJUSTED_LAST" else asked.what)
        self._begins_ns = 0
        self._making: Making | None = None
        client.house.market.watch(con_id, self.on_tick)

    def on_tick(self, tick: Tick) -> None:
        price, size = self._read(tick)
        if not price or not self._client.house.link.flows or self._client.congested:
            return
        daily = self._size_ns >= DAY_S * NS_PER_SECOND
        begins_ns = tick.session if daily else tick.at_ns // self._size_ns * self._size_ns
        if self._making is None or begins_ns != self._begins_ns:
            self._making = Making(price, price, price, price)
            self._begins_ns = begins_ns
        self._making.add(price, size)
        if daily and tick.last and self._asked.what in ("TRADES", "ADJUSTED_LAST"):
            bar = self._client.house.history.running(tick, self._asked.format_date)
        else:
            bar = self._printed(self._making, begins_ns, daily=daily)
        self._client.say(HistoricalUpdate(req_id=self._asked.req_id, bar=bar))

    def close(self) -> None:
        self._client.house.market.let_go(self._con_id, self.on_tick)

    def _printed(self, bar: Making, begins: int, *, daily: bool) -> HistoricalBar:
        form = self._asked.format_date
        date = spans.date_text(begins, form) if daily else spans.time_text(begins, form, self._zone)
        told = self._told
        average = bar.worth // bar.volume if bar.volume else bar.close
        return HistoricalBar(
            date, told(bar.open), told(bar.high), told(bar.low), told(bar.close),
            bar.volume / QTY_SCALE, told(average), bar.count,
        )  # fmt: skip
