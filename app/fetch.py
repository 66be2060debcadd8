"""What `hedgerow data fetch` asks a broker for: a program's products and rates, and futures contract by contract."""

from __future__ import annotations

import asyncio
import datetime as dt
import difflib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import click
import msgspec

from app.ib_account import ib_settings
from app.sessions import FIRST
from config.loader import Configuration, load_instruments
from config.settings import IBVenue, Settings
from model.instruments import Instrument, Kind, contract_id
from model.rolls import Roll, RollSchedule
from model.rolls_ahead import held_by_rule, rolls_ahead, rolls_behind
from model.sessions import Sessions
from model.units import NS_PER_SECOND
from ports.ib.day_plan import Heard, heard
from ports.ib.errors import LinkLost, Unanswered
from ports.ib.history import HistoryFetch, HistoryFetched, HistoryPlan, HistoryWanted
from ports.ib.rates import pair_of
from ports.ib.settings import IBSettings
from state.lake import Lake
from state.lake.manifest import MANIFEST

AHEAD = dt.timedelta(days=21)
"""A roll so far ahead may already have its next contract heard, ten weekdays before it."""


class FetchError(Exception):
    """A download that cannot begin, or that ended in the middle."""

    code: ClassVar[str] = "FETCH"

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next = next_step


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to download.

    instruments: products, of futures also single contracts.  currencies: those whose dollar rates are wanted.
    first, last: both included; last None is the gateway's today.  size: `1 day` or `1 min`; rates are daily always.
    """

    instruments: Sequence[Instrument]
    currencies: Sequence[str]
    first: dt.date
    last: dt.date | None
    size: str


class Fetch:
    """A download into the lake at `root`. sessions: those of a calendar."""

    def __init__(self, request: Request, root: Path, sessions: Callable[[str], Sessions]) -> None:
        self._request, self._root, self._sessions = request, root, sessions

    def run(self, settings: IBSettings, say: Callable[[str], None]) -> list[HistoryFetched]:
        """Everything of the request. What came is kept: another run goes on from there.

        Raises FetchError when the session ends in between, and NotOpened, IdInUse and WrongAccount before.
        """
        history = HistoryFetch(settings, sessions=self._sessions, root=self._root, now_ns=time.time_ns, say=say)
        try:
            return asyncio.run(history.run(self.plan))
        except (LinkLost, Unanswered) as error:
            raise FetchError(
                f"the gateway was lost: {error}",
                "start it again: what has come is kept, and only the rest is asked for",
            ) from error

    def plan(self, now_ns: int) -> HistoryPlan:
        """What to ask for at a moment of the gateway's. Raises FetchError when nothing lies between the dates."""
        request = self._request
        today = dt.datetime.fromtimestamp(now_ns // NS_PER_SECOND, dt.UTC).date()
        last = min(request.last or today, today)
        if request.first > last:
            raise FetchError(
                f"--from {request.first:%Y%m%d} is after {last:%Y%m%d}, the last day that there is",
                "give an earlier one; the gateway's clock counts, not this machine's",
            )
        wanted = [
            HistoryWanted(instrument=pair_of(each), first=request.first, last=last, rate_of=each)
            for each in request.currencies
        ]
        rolls: dict[str, Sequence[Roll]] = {}
        for instrument in request.instruments:
            if instrument.roll is None:
                wanted.append(HistoryWanted(instrument=instrument, first=request.first, last=last, size=request.size))
                continue
            rolls[instrument.id], spans = self.chain(instrument, request.first, last)
            for each in spans:
                contract = instrument.contract(int(each.instrument.partition("@")[2]))
                span = (_date(each.first), _date(each.last))
                wanted.append(HistoryWanted(instrument=contract, first=span[0], last=span[1], size=request.size))
        return HistoryPlan(wanted=wanted, rolls=rolls)

    def chain(self, instrument: Instrument, first: dt.date, last: dt.date) -> tuple[list[Roll], list[Heard]]:
        """The contracts that a holder hears between two days, and the rolls between them: those of the lake, where it
        has some, and by the instrument's rule before and after them."""
        sessions, begin = self._sessions(instrument.calendar), _number(first)
        there = (self._root / MANIFEST).is_file()
        recorded = Lake(self._root).rolls(instrument.id) if there else []
        behind = rolls_behind(instrument, sessions, recorded, begin)
        until = min(_number(last + AHEAD), sessions.columns[0][-1])
        ahead = rolls_ahead(instrument, sessions, recorded, begin, until)
        every = [*behind, *recorded, *ahead]
        schedule = RollSchedule({instrument.id: every}, {instrument.id: held_by_rule(instrument, sessions, begin)})
        spans = heard(schedule, instrument.id, begin, _number(last))
        names = {each.instrument for each in spans}
        coming = [each for each in ahead if contract_id(instrument.id, each.to_contract) in names]
        return [*behind, *recorded, *coming], spans


def settings_of(
    settings: Settings, *, account: str | None, host: str | None, port: int | None, client_id: int | None
) -> IBSettings:
    """The connection that the settings describe, with what is given instead. Raises FetchError where nothing is."""
    venue = settings.venue
    if not isinstance(venue, IBVenue):
        if account is None:
            raise FetchError(
                "the settings name no account at Interactive Brokers",
                "give --account, or write venue: {kind: ib, account: ...} into the settings",
            )
        venue = IBVenue(account=account)
    given = {"account": account, "host": host, "port": port, "client_id": client_id}
    venue = msgspec.structs.replace(venue, **{key: value for key, value in given.items() if value is not None})
    return ib_settings(msgspec.structs.replace(settings, venue=venue), Path())


def request_of(
    configuration: Configuration | None, settings: Settings, ids: Sequence[str], first: dt.date, last: dt.date | None,
    size: str,
) -> Request:  # fmt: skip
    """What a program names, with the rates of its currencies, and single instruments. Raises FetchError for unknown
    ones, and where nothing is named."""
    chosen: dict[str, Instrument] = dict(configuration.instruments) if configuration is not None else {}
    table = load_instruments(settings.instruments) if ids else {}
    for each in ids:
        chosen[each] = _named(each, table)
    if _number(first) < FIRST:
        raise FetchError(f"--from {first:%Y%m%d}: no calendar reaches back so far", f"give {FIRST} or later")
    if not chosen:
        raise FetchError("nothing is named that could be fetched", "give --program NAME, or ids of instruments")
    currencies: set[str] = set()
    if configuration is not None:
        held = {one.currency for one in configuration.instruments.values()}
        currencies = {*held, configuration.program.base_currency} - {"USD"}
    return Request(
        instruments=[chosen[each] for each in sorted(chosen)], currencies=sorted(currencies), first=first, last=last,
        size=size,
    )  # fmt: skip


def tell(done: Sequence[HistoryFetched], root: Path, as_json: bool) -> None:
    """What each series has now, and what is missing with the reason."""
    missing = [each for each in done if each.failed]
    if as_json:
        document = {"lake": str(root), "complete": not missing, "series": done}
        click.echo(msgspec.json.encode(document).decode())
        return
    series: dict[tuple[str, str], list[HistoryFetched]] = {}
    for each in done:
        series.setdefault((each.kind, each.name), []).append(each)
    for (kind, name), parts in series.items():
        asked, kept = (sum(getattr(each, column) for each in parts) for column in ("asked", "kept"))
        rows = max(each.rows for each in parts)
        click.echo(f"{kind}/{name}: {rows:,} rows; {asked} pieces asked for, {kept} were there")
    for each in missing:
        click.echo(f"not complete: {each.kind}/{each.name}, {each.instrument}: {each.failed}")
    click.echo(f"{len(done) - len(missing)} of {len(done)} are complete in {root}")


def _named(wanted: str, table: Mapping[str, Instrument]) -> Instrument:
    product, _, month = wanted.partition("@")
    found = table.get(product)
    if found is None:
        near = difflib.get_close_matches(product, table, n=1)
        hint = f"; did you mean {near[0]}" if near else ""
        raise FetchError(f"no table of instruments has {product}{hint}", "`hedgerow config` names the tables")
    if found.kind is Kind.FUTURE and (month or found.roll is None):
        if not (month.isdigit() and len(month) == len("202612") and 1 <= int(month[4:]) <= 12):
            raise FetchError(f"{wanted} names no contract month", f"write {product}@YYYYMM")
        return found.contract(int(month))
    if month:
        raise FetchError(f"{wanted}: {product} is a {found.kind.value} and has no contract months", f"write {product}")
    return found


def _number(day: dt.date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _date(number: int) -> dt.date:
    return dt.date(number // 10_000, number // 100 % 100, number % 100)
