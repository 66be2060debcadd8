"""Tick by tick, and bars of five seconds."""

from __future__ import annotations

from model.units import NS_PER_SECOND, QTY_SCALE
from simulation.tws import requests as ask
from simulation.tws.catalogue import Refused, Tick
from simulation.tws.catalogue.refused import invalid
from simulation.tws.replies import TickByTickBidAsk, TickByTickLast, TickByTickMidPoint
from simulation.tws.service.client import PROCESSING, Client, Handler
from simulation.tws.service.running_bars import RealTimeBars

KINDS = ("Last", "AllLast", "BidAsk", "MidPoint")
BAR_KINDS = ("TRADES", "MIDPOINT", "BID", "ASK")
ALL_LAST = 2


class TickStream:
    """Every trade or every quote of one contract."""

    def __init__(self, client: Client, asked: ask.ReqTickByTick, con_id: int) -> None:
        self._client, self._asked, self._con_id = client, asked, con_id
        listed = client.house.catalogue.listed(con_id)
        self._told, self._exchange = listed.told, listed.exchange
        self._before: tuple[int, ...] = ()
        tick = client.house.market.watch(con_id, self.on_tick)
        if tick is not None and asked.kind in ("BidAsk", "MidPoint"):
            self.on_tick(tick)

    def on_tick(self, tick: Tick) -> None:
        if not self._client.house.link.flows or self._client.congested:
            return
        quote, at_s = tick.quote, tick.at_ns // NS_PER_SECOND
        if self._asked.kind in ("Last", "AllLast"):
            now: tuple[int, ...] = (tick.last, tick.volume, tick.at_ns)
            if tick.last and now != self._before:
                self._trade(tick, at_s)
        elif self._asked.kind == "MidPoint":
            now = (quote.bid + quote.ask,)
            if quote.bid_size and quote.ask_size and now != self._before:
                price = (self._told(quote.bid) + self._told(quote.ask)) / 2
                self._client.say(TickByTickMidPoint(req_id=self._asked.req_id, epoch_s=at_s, price=price))
        else:
            sizes = () if self._asked.ignore_size else (quote.bid_size, quote.ask_size)
            now = (quote.bid, quote.ask, *sizes)
            if now != self._before:
                self._sides(tick, at_s)
        self._before = now

    def close(self) -> None:
        self._client.house.market.let_go(self._con_id, self.on_tick)

    def _trade(self, tick: Tick, at_s: int) -> None:
        self._client.say(
            TickByTickLast(
                req_id=self._asked.req_id,
                kind=ALL_LAST if self._asked.kind == "AllLast" else 1,
                epoch_s=at_s,
                price=self._told(tick.last),
                size=tick.last_size / QTY_SCALE,
                exchange=self._exchange,
            )
        )

    def _sides(self, tick: Tick, at_s: int) -> None:
        quote = tick.quote
        self._client.say(
            TickByTickBidAsk(
                req_id=self._asked.req_id,
                epoch_s=at_s,
                bid=self._told(quote.bid),
                ask=self._told(quote.ask),
                bid_size=quote.bid_size / QTY_SCALE,
                ask_size=quote.ask_size / QTY_SCALE,
            )
        )


class Streams:
    """Streams of one client."""

    def __init__(self, client: Client) -> None:
        self._client, self._house = client, client.house
        self._ticks: dict[int, TickStream] = {}
        self._bars: dict[int, RealTimeBars] = {}
        self.handlers: dict[type[ask.ClientMessage], Handler] = {
            ask.ReqTickByTick: self.tick_by_tick,
            ask.CancelTickByTick: self.cancel_ticks,
            ask.ReqRealTimeBars: self.real_time_bars,
            ask.CancelRealTimeBars: self.cancel_bars,
        }

    def tick_by_tick(self, asked: ask.ReqTickByTick) -> None:
        """Raises Refused: 10190 for a stream too many, 10189 where there is no permission, 321, 322 and 200."""
        if asked.kind not in KINDS:
            raise invalid(f"{asked.kind} is no tick-by-tick type; give one of {', '.join(KINDS)}")
        if asked.req_id in self._ticks:
            raise Refused(322, f"{PROCESSING}Duplicate ticker id")
        if len(self._ticks) >= self._house.rules.tick_streams:
            raise Refused(10190, "Max number of tick-by-tick requests has been reached.")
        listed = self._house.catalogue.one(asked.contract)
        if self._house.rules.is_late(listed.exchange):
            raise Refused(10189, "Failed to request tick-by-tick data: No market data permissions for this exchange")
        if listed.sec_type == "IND" and asked.kind in ("BidAsk", "MidPoint"):
            raise Refused(10189, "Failed to request tick-by-tick data: an index has no bid and no ask")
        self._ticks[asked.req_id] = TickStream(self._client, asked, listed.con_id)

    def cancel_ticks(self, asked: ask.CancelTickByTick) -> None:
        found = self._ticks.pop(asked.req_id, None)
        if found is None:
            raise Refused(300, f"Can't find EId with tickerId:{asked.req_id}")
        found.close()

    def real_time_bars(self, asked: ask.ReqRealTimeBars) -> None:
        """Raises Refused: 420 without permission, 321, 322 and 200."""
        if asked.what not in BAR_KINDS:
            raise invalid(f"{asked.what} is not told in real-time bars; give one of {', '.join(BAR_KINDS)}")
        if asked.bar_size != 5:
            raise invalid("Real-time bars have five seconds")
        if asked.req_id in self._bars:
            raise Refused(322, f"{PROCESSING}Duplicate ticker id")
        listed = self._house.catalogue.one(asked.contract)
        if self._house.rules.is_late(listed.exchange):
            raise Refused(420, "Invalid Real-time Query:No market data permissions for this exchange")
        self._bars[asked.req_id] = RealTimeBars(self._client, asked, listed.con_id)

    def cancel_bars(self, asked: ask.CancelRealTimeBars) -> None:
        found = self._bars.pop(asked.req_id, None)
        if found is None:
            raise Refused(300, f"Can't find EId with tickerId:{asked.req_id}")
        found.close()

    def catch_up(self) -> None:
        """What was missed is lost: a stream has no present to be told of."""

    def suspend(self, code: int, text: str) -> None:
        """Say under every stream why it stands still."""
        for req_id in (*self._ticks, *self._bars):
            self._client.refuse(req_id, code, text)

    def close(self) -> None:
        streams: list[TickStream | RealTimeBars] = [*self._ticks.values(), *self._bars.values()]
        for stream in streams:
            stream.close()
        self._ticks.clear()
        self._bars.clear()
