"""Market data: bid, ask, last and the day's figures of a contract, live, frozen, late, or once."""

from __future__ import annotations

from model.units import QTY_SCALE
from simulation.tws import requests as ask
from simulation.tws.catalogue import Tick
from simulation.tws.catalogue.listed import Listed
from simulation.tws.catalogue.refused import Refused, invalid
from simulation.tws.replies import (
    MarketDataType,
    ServerMessage,
    TickOption,
    TickPrice,
    TickReqParams,
    TickSize,
    TickSnapshotEnd,
    TickString,
)
from simulation.tws.service.client import PROCESSING, Client, Handler

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
BID, ASK, LAST, HIGH, LOW, CLOSE, OPEN = 1, 2, 4, 6, 7, 9, 14
BID_SIZE, ASK_SIZE, LAST_SIZE, VOLUME, LAST_TIME = 0, 3, 5, 8, 45
MODEL_OPTION, RT_VOLUME, MARK = 13, 48, 37
LATE = {
    BID: 66, ASK: 67, LAST: 68, HIGH: 72, LOW: 73, CLOSE: 75, OPEN: 76,
    BID_SIZE: 69, ASK_SIZE: 70, LAST_SIZE: 71, VOLUME: 74, LAST_TIME: 88, MODEL_OPTION: 83,
}  # fmt: skip
"""The kinds in which the same is told late."""
NO_PRICE = -1.0
BBO = "a60001"
NS = 10**9

NOT_SUBSCRIBED = (
    "Requested market data is not subscribed. Delayed market data is available; ask for market data type 3 to see it."
)
DISPLAYING_DELAYED = "Requested market data is not subscribed. Displaying delayed market data."


class Line:
    """One subscription. Only what differs from what was told before is told."""

    __slots__ = (
        "_ask", "_bid", "_client", "_day", "_generic", "_kinds", "_last", "_listed", "_req_id", "_told", "late",
        "stale",
    )  # fmt: skip

    def __init__(self, client: Client, req_id: int, listed: Listed, generic: frozenset[str], *, late: bool) -> None:
        self._client, self._req_id, self._listed = client, req_id, listed
        self._generic = generic
        self._told = listed.told
        self._kinds = LATE if late else {kind: kind for kind in LATE}
        self.late = late
        self.stale = False
        self._bid: tuple[int, int] | None = None
        self._ask: tuple[int, int] | None = None
        self._last: tuple[int, int, int] | None = None
        self._day: tuple[int, ...] = (0, 0, 0, 0, 0)

    @property
    def con_id(self) -> int:
        return self._listed.con_id

    def on_tick(self, tick: Tick) -> None:
        """Tell what has changed; later, when the client does not read or prices do not flow."""
        if self._client.congested or not self._client.house.link.flows:
            self.stale = True
            return
        self.tell(tick)

    def tell(self, tick: Tick) -> None:
        self.stale = False
        quote = tick.quote
        bid, ask_ = (quote.bid, quote.bid_size), (quote.ask, quote.ask_size)
        if bid != self._bid:
            self._side(BID, BID_SIZE, bid, self._bid)
            self._bid = bid
        if ask_ != self._ask:
            self._side(ASK, ASK_SIZE, ask_, self._ask)
            self._ask = ask_
        if tick.last:
            self._tell_last(tick)
        day = (tick.high, tick.low, tick.volume, tick.open, tick.close)
        if day != self._day:
            self._tell_day(day)

    def _side(self, price: int, size: int, now: tuple[int, int], before: tuple[int, int] | None) -> None:
        """A price with its size, or the size alone where the price stands; -1 and 0 for a side that is empty."""
        units = now[1] / QTY_SCALE
        if before is not None and before[0] == now[0] and before[1] and now[1]:
            self._client.say(TickSize(req_id=self._req_id, kind=self._kinds[size], size=units))
        elif now[1] or before is None or before[1]:
            told = self._told(now[0]) if now[1] else NO_PRICE
            self._client.say(
                TickPrice(req_id=self._req_id, kind=self._kinds[price], price=told, size=units, attributes=1)
            )

    def _tell_last(self, tick: Tick) -> None:
        last, before = (tick.last, tick.last_size, tick.volume), self._last
        if last == before:
            return
        self._last = last
        say, kinds, req_id = self._client.say, self._kinds, self._req_id
        size = tick.last_size / QTY_SCALE
        stamp = tick.at_ns // NS
        say(TickString(req_id=req_id, kind=kinds[LAST_TIME], value=str(stamp)))
        if before is None or before[0] != tick.last:
            say(TickPrice(req_id=req_id, kind=kinds[LAST], price=self._told(tick.last), size=size))
        else:
            say(TickSize(req_id=req_id, kind=kinds[LAST_SIZE], size=size))
        if "233" in self._generic and not self.late:
            price, volume = self._told(tick.last), tick.volume / QTY_SCALE
            text = f"{price:g};{size:g};{tick.at_ns // 10**6};{volume:g};{price:g};true"
            say(TickString(req_id=req_id, kind=RT_VOLUME, value=text))
        if self._generic & {"221", "232"} and not self.late:
            say(TickPrice(req_id=req_id, kind=MARK, price=self._told(tick.last)))

    def _tell_day(self, day: tuple[int, ...]) -> None:
        say, kinds, req_id = self._client.say, self._kinds, self._req_id
        for kind, now, before in zip((HIGH, LOW, VOLUME, OPEN, CLOSE), day, self._day, strict=True):
            if now == before:
                continue
            if kind == VOLUME:
                say(TickSize(req_id=req_id, kind=kinds[VOLUME], size=now / QTY_SCALE))
            else:
                say(TickPrice(req_id=req_id, kind=kinds[kind], price=self._told(now)))
        self._day = day

    def tell_greeks(self) -> None:
        """The model's figures of an option, where it has any."""
        found = self._client.house.tape.greeks(self.con_id)
        if found is None or not self._client.house.link.flows:
            return
        self._client.say(
            TickOption(
                req_id=self._req_id,
                kind=self._kinds[MODEL_OPTION],
                implied_vol=found.implied_vol,
                delta=found.delta,
                price=found.price,
                pv_dividend=0.0,
                gamma=found.gamma,
                vega=found.vega,
                theta=found.theta,
                under_price=found.under_price,
            )
        )


class Quotes:
    """Subscriptions and snapshots of one client."""

    def __init__(self, client: Client) -> None:
        self._client, self._house = client, client.house
        self._lines: dict[int, tuple[Line, bool]] = {}
        self._listeners: dict[int, object] = {}
        self.handlers: dict[type[ask.ClientMessage], Handler] = {
            ask.ReqMarketData: self.subscribe,
            ask.CancelMarketData: self.cancel,
        }

    def subscribe(self, asked: ask.ReqMarketData) -> None:
        """Raises Refused: 101 for a line too many, 322 for an id in use, 354 without permission, 321 and 200."""
        if asked.req_id in self._lines:
            raise Refused(322, f"{PROCESSING}Duplicate ticker id")
        if asked.snapshot and asked.generic_ticks:
            raise invalid("Snapshot market data subscription is not applicable to generic ticks")
        if not asked.snapshot and len(self._lines) >= self._house.rules.data_lines:
            raise Refused(101, "Max number of tickers has been reached")
        if asked.contract.sec_type == "BAG":
            raise invalid("Market data of a combination is not simulated; ask for its legs")
        listed = self._house.catalogue.one(asked.contract)
        line = Line(self._client, asked.req_id, listed, _words(asked.generic_ticks), late=self._is_late(asked, listed))
        self._begin(asked, line, listed)

    def cancel(self, asked: ask.CancelMarketData) -> None:
        if not self.drop(asked.req_id):
            raise Refused(300, f"Can't find EId with tickerId:{asked.req_id}")

    def drop(self, req_id: int) -> bool:
        """End a subscription; whether there was one."""
        found = self._lines.pop(req_id, None)
        if found is None:
            return False
        line, _ = found
        self._house.market.let_go(line.con_id, line.on_tick, late=line.late)
        return True

    def catch_up(self) -> None:
        """Prices flow again, or the client reads again: tell what it missed, as it is now."""
        for line, _ in list(self._lines.values()):
            tick = self._look(line) if line.stale else None
            if tick is not None:
                line.on_tick(tick)

    def suspend(self, code: int, text: str) -> None:
        """Say under every subscription why it stands still."""
        for req_id in self._lines:
            self._client.refuse(req_id, code, text)

    def close(self) -> None:
        for req_id in list(self._lines):
            self.drop(req_id)

    # -- inside

    def _is_late(self, asked: ask.ReqMarketData, listed: Listed) -> bool:
        """Whether the client gets late prices. Raises Refused, 354, when it would have to and has not agreed."""
        if not self._house.rules.is_late(listed.exchange):
            return False
        if self._client.market_data_type in (LIVE, FROZEN):
            raise Refused(354, NOT_SUBSCRIBED)
        self._client.refuse(asked.req_id, 10167, DISPLAYING_DELAYED)
        return True

    def _begin(self, asked: ask.ReqMarketData, line: Line, listed: Listed) -> None:
        self._say(
            TickReqParams(
                req_id=asked.req_id,
                min_tick=min(tick for _, tick in listed.steps),
                bbo_exchange=BBO,
                snapshot_permissions=3,
            )
        )
        self._say(MarketDataType(req_id=asked.req_id, kind=self._kind(line, listed)))
        if asked.snapshot:
            tick = self._look(line)
        else:
            tick = self._house.market.watch(line.con_id, line.on_tick, late=line.late)
            self._lines[asked.req_id] = (line, listed.sec_type in ("OPT", "FOP"))
        if tick is not None:
            line.on_tick(tick)
        if listed.sec_type in ("OPT", "FOP"):
            line.tell_greeks()
        if asked.snapshot:
            self._say(TickSnapshotEnd(req_id=asked.req_id))

    def _kind(self, line: Line, listed: Listed) -> int:
        """What is told: frozen only while the market is closed and the client has asked for it."""
        wanted = self._client.market_data_type
        now_ns = self._house.clock.market_ns()
        closed = self._house.catalogue.sessions(listed.instrument.calendar).open_at(now_ns) is None
        frozen = closed and wanted in (FROZEN, DELAYED_FROZEN)
        if line.late:
            return DELAYED_FROZEN if frozen else DELAYED
        return FROZEN if frozen else LIVE

    def _look(self, line: Line) -> Tick | None:
        market = self._house.market
        return market.look_back(line.con_id) if line.late else market.look(line.con_id)

    def _say(self, message: ServerMessage) -> None:
        self._client.say(message)


def _words(generic: str) -> frozenset[str]:
    """Generic ticks that are told: 233, 221 and 232. Raises Refused, 321, for what is no number."""
    words = {word.strip().removeprefix("mdoff").partition(":")[0] for word in generic.split(",")} - {""}
    wrong = [word for word in sorted(words) if not word.isdecimal()]
    if wrong:
        raise invalid(f"Incorrect generic tick list of {generic}")
    return frozenset(words)
