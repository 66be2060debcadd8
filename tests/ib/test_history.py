"""History from the gateway into a lake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ib_async import BarData

from model.units import px, qty
from ports.ib.errors import LinkLost
from ports.ib.history import HistoryFetch, HistoryFetched, HistoryPlan, HistoryWanted
from ports.ib.history_pace import DAILY, MINUTE, HistoryPace, PaceLimits
from ports.ib.history_parts import MINUTE_NS, rows_of
from ports.ib.rates import pair_of
from simulation.tws.faults import Harm
from state.lake import Lake
from state.lake.manifest import Import
from state.lake.sealed import Column
from state.lake.writer import Draft, constant, write
from tests.ib.kit import CONTRACTS, QUICK, Stand, replace, stand
from tests.ib.virtual import on_virtual_time
from tests.tws.gateway.bourse import BARS, CALENDARS, DAYS, EURUSD, SATURDAY, WEDNESDAY, at, make_lake, sessions

FAST = PaceLimits(again_s=0.0, penalty_s=0.05)
NOON = at("2019-06-10T12:00")
FIRST, LAST = dt.date(2019, 6, 10), dt.date(2019, 6, 14)


def week(contract: str, size: str = DAILY) -> HistoryWanted:
    return HistoryWanted(instrument=CONTRACTS[contract], first=FIRST, last=LAST, size=size)


async def fetched(
    here: Stand, root: Path, *wanted: HistoryWanted, say: Callable[[str], None] = lambda line: None, **settings: object
) -> list[HistoryFetched]:
    fetch = HistoryFetch(
        here.settings(**settings), sessions=sessions, root=root, now_ns=here.now_ns, limits=FAST, say=say
    )
    return await fetch.run(lambda now_ns: HistoryPlan(wanted=wanted))


@on_virtual_time
async def test_daily_bars_arrive_in_the_lake_as_they_were_recorded(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        (done,) = await fetched(here, tmp_path / "lake", week("ABC"))
        assert (done.name, done.rows, done.failed) == ("ABC", 5, "")
        bars = Lake(tmp_path / "lake").bars("ABC")
        assert bars.session.tolist() == list(DAYS)
        assert bars.close.tolist() == [px(str(row[3])) for row in BARS["ABC"]]
        assert bars.volume.tolist() == [qty(str(row[4])) for row in BARS["ABC"]]
        assert bars.at_ns.tolist() == lake.bars("ABC").at_ns.tolist()


@on_virtual_time
async def test_pence_arrive_as_pounds(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        await fetched(here, tmp_path / "lake", week("IUKD"))
        assert set(Lake(tmp_path / "lake").bars("IUKD").close.tolist()) == {px("7.55")}


@on_virtual_time
async def test_a_future_is_kept_under_its_product_and_month(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        await fetched(here, tmp_path / "lake", week("SP500@201909"))
        bars = Lake(tmp_path / "lake").bars("SP500")
        assert set(bars.contract.tolist()) == {201909}
        assert set(bars.close.tolist()) == {px("2900")}


def with_minutes(root: Path) -> Lake:
    """The week, and XYZ in minutes on its Monday: 50.00, a cent more with each minute."""
    make_lake(root)
    session = CALENDARS["NYSE"].on(DAYS[0])
    assert session is not None
    at_ns = np.arange(session.opens_ns + MINUTE_NS, session.closes_ns + 1, MINUTE_NS)
    price = px("50") + np.arange(len(at_ns)) * px("0.01")
    columns: dict[str, Column] = {
        "contract": np.zeros(len(at_ns), np.int32), "session": np.full(len(at_ns), DAYS[0], np.int32), "at_ns": at_ns,
        "open": price, "high": price, "low": price, "close": price,
        "volume": np.full(len(at_ns), qty("100")), "source": constant("hand", len(at_ns)),
    }  # fmt: skip
    draft = Draft(kind="bars", id="XYZ", columns=columns, source="by hand", licence="none")
    write(root, [draft], Import(fingerprint="minutes", source="by hand", made=(), report=()))
    return Lake(root)


@on_virtual_time
async def test_minute_bars_are_a_series_of_their_own_known_when_they_end(tmp_path: Path) -> None:
    async with stand(with_minutes(tmp_path / "recorded"), tmp_path, now_ns=SATURDAY) as here:
        wanted = week("XYZ", MINUTE)
        (done,) = await fetched(here, tmp_path / "lake", wanted)
        assert (done.name, done.rows, done.failed) == ("XYZ_1min", 390, "")
        bars = Lake(tmp_path / "lake").bars("XYZ_1min")
        session = CALENDARS["NYSE"].on(DAYS[0])
        assert session is not None
        assert (int(bars.at_ns[0]), int(bars.at_ns[-1])) == (session.opens_ns + MINUTE_NS, session.closes_ns)
        assert bars.close.tolist() == [px("50") + number * px("0.01") for number in range(390)]


@on_virtual_time
async def test_what_has_come_is_not_asked_for_again(lake: Lake, tmp_path: Path) -> None:
    wanted = HistoryWanted(instrument=CONTRACTS["ABC"], first=dt.date(2018, 3, 1), last=LAST)
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        here.control.inject("ReqHistoricalData", Harm.REFUSE, nth=2, code=162, text="Historical data: not permitted")
        (first,) = await fetched(here, tmp_path / "lake", wanted)
        assert (first.asked, first.kept) == (1, 0)
        assert "not permitted" in first.failed
        (second,) = await fetched(here, tmp_path / "lake", wanted)
        assert (second.asked, second.kept, second.failed) == (1, 1, "")
        assert second.rows == 5


@on_virtual_time
async def test_an_objection_to_our_pace_is_waited_out(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        here.control.inject("ReqHistoricalData", Harm.REFUSE, code=162, text="Historical data: pacing violation")
        (done,) = await fetched(here, tmp_path / "lake", week("ABC"))
        assert (done.rows, done.failed) == (5, "")


@on_virtual_time
async def test_rates_are_dollars_for_one_unit_whichever_way_the_pair_is_quoted(tmp_path: Path) -> None:
    make_lake(tmp_path / "recorded")
    rate = np.array([px("0.0092"), px("0.00925"), px("0.0093"), px("0.00935"), px("0.0094")], np.int64)
    columns: dict[str, Column] = {
        "session": np.array(DAYS, np.int32), "at_ns": np.array([NOON + i * 86_400 * 10**9 for i in range(5)], np.int64),
        "rate": rate,
    }  # fmt: skip
    draft = Draft(kind="fx", id="JPY", columns=columns, source="by hand", licence="none")
    write(tmp_path / "recorded", [draft], Import(fingerprint="yen", source="by hand", made=(), report=()))
    async with stand(Lake(tmp_path / "recorded"), tmp_path, now_ns=SATURDAY) as here:
        pairs = [
            HistoryWanted(instrument=pair_of(each), first=FIRST, last=LAST, rate_of=each) for each in ("EUR", "JPY")
        ]
        assert [each.instrument.id for each in pairs] == ["EURUSD", "USDJPY"]
        done = await fetched(here, tmp_path / "lake", *pairs)
        assert [(each.kind, each.name, each.rows, each.failed) for each in done] == [
            ("fx", "EUR", 5, ""),
            ("fx", "JPY", 5, ""),
        ]
        lake = Lake(tmp_path / "lake")
        assert lake.fx("EUR").rate.tolist() == [px(str(each)) for each in EURUSD]
        assert lake.fx("JPY").rate.tolist() == rate.tolist()
        closes = [each.closes_ns for each in CALENDARS["24x5"].between(DAYS[0], DAYS[-1])]
        assert lake.fx("JPY").at_ns.tolist() == closes


@on_virtual_time
async def test_a_piece_that_is_not_answered_is_asked_for_once_more(lake: Lake, tmp_path: Path) -> None:
    patience = replace(QUICK, history_s=0.2)
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        here.control.inject("ReqHistoricalData", Harm.DROP)
        (done,) = await fetched(here, tmp_path / "lake", week("ABC"), patience=patience)
        assert (done.rows, done.failed) == (5, "")
        here.control.inject("ReqHistoricalData", Harm.DROP)
        here.control.inject("ReqHistoricalData", Harm.DROP, nth=4)
        (done,) = await fetched(here, tmp_path / "other", week("ABC"), patience=patience)
        assert done.rows == 0
        assert "within 0.2 s" in done.failed


@on_virtual_time
async def test_no_data_from_a_farm_that_is_not_reached_is_no_answer(lake: Lake, tmp_path: Path) -> None:
    nothing = "Historical Market Data Service error message:HMDS query returned no data: ABC"
    wanted = HistoryWanted(instrument=CONTRACTS["ABC"], first=dt.date(2018, 3, 1), last=LAST)
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        told: list[str] = []

        def say(line: str) -> None:
            told.append(line)
            if len(told) == 1:  # before the first piece
                here.control.say(code=2105, text="HMDS data farm connection is broken:ushmds")

        here.control.inject("ReqHistoricalData", Harm.REFUSE, code=162, text=nothing)
        (done,) = await fetched(here, tmp_path / "lake", wanted, say=say)
        assert "no data" in done.failed
        assert (done.asked, done.kept) == (0, 0)  # nothing is kept as empty: the year is asked for again
        (done,) = await fetched(here, tmp_path / "lake", wanted)
        assert (done.asked, done.kept, done.rows) == (2, 0, 5)


@on_virtual_time
async def test_a_link_that_ends_ends_the_download_at_once(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        here.control.inject("ReqHistoricalData", Harm.CLOSE_BEFORE)
        with pytest.raises(LinkLost):
            await fetched(here, tmp_path / "lake", week("ABC"), patience=replace(QUICK, history_s=3_600.0))


def test_the_day_that_runs_is_not_told_as_if_it_were_over() -> None:
    bars = [BarData(date=f"201906{day}", open=99, high=101, low=98, close=100, volume=5) for day in (11, 12)]
    rows = rows_of(bars, DAILY, CONTRACTS["ABC"], CALENDARS["NYSE"], WEDNESDAY)  # at two o'clock, of 20:00 UTC
    assert [row[1] for row in rows] == [20190611]


def test_sixty_requests_in_ten_minutes_are_not_passed() -> None:
    pace, now_s, asked = HistoryPace(), 0.0, []
    for number in range(200):
        now_s += pace.wait_s(now_s, number, number)
        pace.asked(now_s, number, number)
        asked.append(now_s)
    assert all(sum(1 for each in asked if start <= each < start + 600.0) < 60 for start in asked)


def test_one_line_and_one_request_are_not_asked_for_too_often() -> None:
    pace = HistoryPace()
    for number in range(5):
        assert pace.wait_s(0.0, "ABC", number) == 0.0
        pace.asked(0.0, "ABC", number)
    assert pace.wait_s(0.0, "ABC", 99) == 2.0
    assert pace.wait_s(0.0, "XYZ", 4) == 16.0
