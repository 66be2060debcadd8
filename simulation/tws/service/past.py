"""History: bars, the beginning of a record and ticks, under the pacing rules; bars may be kept up to date."""

from __future__ import annotations

from model.units import NS_PER_SECOND
from simulation.tws import replies as tell
from simulation.tws import requests as ask
from simulation.tws.catalogue import Asked, Refused, no_query, spans
from simulation.tws.clock import Timer
from simulation.tws.service.client import PROCESSING, Client, Handler
from simulation.tws.service.running_bars import RunningBars
from simulation.tws.terms import Contract

CANCELLED = "Historical Market Data Service error message:API historical data query cancelled: {}"


class Past:
    """What one client asks of the past."""

    def __init__(self, client: Client) -> None:
        self._client, self._house = client, client.house
        self._waiting: dict[int, Timer] = {}
        self._kept: dict[int, RunningBars] = {}
        self.handlers: dict[type[ask.ClientMessage], Handler] = {
            ask.ReqHistoricalData: self.bars,
            ask.CancelHistoricalData: self.cancel,
            ask.ReqHeadTimestamp: self.head,
            ask.CancelHeadTimestamp: lambda asked: None,
            ask.ReqHistoricalTicks: self.ticks,
        }

    def bars(self, asked: ask.ReqHistoricalData) -> None:
        """Bars now, or once the pacing allows. Raises Refused: 162, 200, 321, 322 for an id in use."""
        if asked.req_id in self._waiting or asked.req_id in self._kept:
            raise Refused(322, f"{PROCESSING}Duplicate ticker id")
        if asked.keep_up_to_date and asked.end.strip():
            raise Refused(321, "Error validating request.-'bS' : cause - End date not supported with keepUpToDate")
        if _continuous(asked.contract) and asked.end.strip():
            raise Refused(10339, "Setting end date/time for continuous future security type is not allowed.")
        listed = self._house.catalogue.one(asked.contract)
        size = spans.bar_size(asked.bar_size)
        what = Asked(
            listed.con_id, asked.contract.exchange, asked.what, size, asked.end, asked.duration, asked.use_rth,
            _continuous(asked.contract),
        )  # fmt: skip
        now_ns = round(self._house.clock.seconds() * NS_PER_SECOND)
        wait_ns = self._client.pacing.ask(now_ns, what, asked.req_id)
        if wait_ns:
            later = self._house.clock.later
            self._waiting[asked.req_id] = later(wait_ns / NS_PER_SECOND, lambda: self._answer(asked, listed.con_id))
            return
        self._answer(asked, listed.con_id)

    def cancel(self, asked: ask.CancelHistoricalData) -> None:
        """Raises Refused: 162 for one that was still to be answered, 366 for one that is not open."""
        kept = self._kept.pop(asked.req_id, None)
        if kept is not None:
            kept.close()
            return
        timer = self._waiting.pop(asked.req_id, None)
        self._client.pacing.done(asked.req_id)
        if timer is None:
            raise no_query(asked.req_id)
        timer.cancel()
        raise Refused(162, CANCELLED.format(asked.req_id))

    def head(self, asked: ask.ReqHeadTimestamp) -> None:
        listed = self._house.catalogue.one(asked.contract)
        now_ns = self._house.clock.market_ns()
        continuous = _continuous(asked.contract)
        first = self._house.history.head(
            listed.con_id, asked.what, asked.use_rth, now_ns, asked.format_date, continuous=continuous
        )
        self._client.say(tell.HeadTimestamp(req_id=asked.req_id, time=first))

    def ticks(self, asked: ask.ReqHistoricalTicks) -> None:
        listed = self._house.catalogue.one(asked.contract)
        now_ns = self._house.clock.market_ns()
        middles, sides = self._house.history.ticks(
            listed.con_id, asked.start, asked.end, asked.count, asked.what, asked.use_rth, now_ns
        )
        if asked.what == "BID_ASK":
            self._client.say(tell.HistoricalTicksBidAsk(req_id=asked.req_id, ticks=tuple(sides), done=True))
        else:
            self._client.say(tell.HistoricalTicks(req_id=asked.req_id, ticks=tuple(middles), done=True))

    def close(self) -> None:
        for timer in self._waiting.values():
            timer.cancel()
        for kept in self._kept.values():
            kept.close()

    def _answer(self, asked: ask.ReqHistoricalData, con_id: int) -> None:
        waited = self._waiting.pop(asked.req_id, None) is not None
        house, client = self._house, self._client
        now_ns = house.clock.market_ns()
        try:
            found = house.history.bars(
                con_id, asked.end, asked.duration, asked.bar_size, asked.what, asked.use_rth, now_ns, asked.format_date,
                continuous=_continuous(asked.contract),
            )  # fmt: skip
        except Refused as refused:
            if not waited:
                raise
            client.refuse(asked.req_id, refused.code, refused.text)
            return
        finally:
            client.pacing.done(asked.req_id)
        client.say(tell.HistoricalData(req_id=asked.req_id, start=found[0].date, end=found[-1].date, bars=tuple(found)))
        if asked.keep_up_to_date:
            self._kept[asked.req_id] = RunningBars(client, asked, con_id)


def _continuous(contract: Contract) -> bool:
    """Whether the months that were held one after the other are meant."""
    return contract.sec_type == "CONTFUT"
