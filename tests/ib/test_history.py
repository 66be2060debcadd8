"""History from the gateway into a lake."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from model.units import px, qty
from ports.ib.history import HistoryFetch, HistoryFetched, HistoryWanted
from ports.ib.history_pace import MINUTE, HistoryPace, PaceLimits
from ports.ib.history_parts import MINUTE_NS
from simulation.tws.faults import Harm
from state.lake import Lake
from state.lake.manifest import Import
from state.lake.sealed import Column
from state.lake.writer import Draft, constant, write
from tests.ib.kit import CONTRACTS, Stand, stand
from tests.tws.gateway.bourse import BARS, CALENDARS, DAYS, SATURDAY, make_lake

FAST = PaceLimits(again_s=0.0, penalty_s=0.05)
FIRST, LAST = dt.date(2019, 6, 10), dt.date(2019, 6, 14)


async def fetched(here: Stand, root: Path, *wanted: HistoryWanted) -> list[HistoryFetched]:
    fetch = HistoryFetch(
        here.settings(), instruments=CONTRACTS, sessions=CALENDARS, root=root, now_ns=here.now_ns, limits=FAST,
        say=lambda line: None,
    )  # fmt: skip
    return await fetch.run(wanted)


async def test_daily_bars_arrive_in_the_lake_as_they_were_recorded(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        (done,) = await fetched(here, tmp_path / "lake", HistoryWanted(instrument="ABC", first=FIRST, last=LAST))
        assert (done.name, done.rows, done.failed) == ("ABC", 5, "")
        bars = Lake(tmp_path / "lake").bars("ABC")
        assert bars.session.tolist() == list(DAYS)
        assert bars.close.tolist() == [px(str(row[3])) for row in BARS["ABC"]]
        assert bars.volume.tolist() == [qty(str(row[4])) for row in BARS["ABC"]]
        assert bars.at_ns.tolist() == lake.bars("ABC").at_ns.tolist()


async def test_pence_arrive_as_pounds(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        await fetched(here, tmp_path / "lake", HistoryWanted(instrument="IUKD", first=FIRST, last=LAST))
        assert set(Lake(tmp_path / "lake").bars("IUKD").close.tolist()) == {px("7.55")}


async def test_a_future_is_kept_under_its_product_and_month(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        await fetched(here, tmp_path / "lake", HistoryWanted(instrument="SP500@201909", first=FIRST, last=LAST))
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


async def test_minute_bars_are_a_series_of_their_own_known_when_they_end(tmp_path: Path) -> None:
    async with stand(with_minutes(tmp_path / "recorded"), tmp_path, now_ns=SATURDAY) as here:
        wanted = HistoryWanted(instrument="XYZ", first=FIRST, last=LAST, size=MINUTE)
        (done,) = await fetched(here, tmp_path / "lake", wanted)
        assert (done.name, done.rows, done.failed) == ("XYZ_1min", 390, "")
        bars = Lake(tmp_path / "lake").bars("XYZ_1min")
        session = CALENDARS["NYSE"].on(DAYS[0])
        assert session is not None
        assert (int(bars.at_ns[0]), int(bars.at_ns[-1])) == (session.opens_ns + MINUTE_NS, session.closes_ns)
        assert bars.close.tolist() == [px("50") + number * px("0.01") for number in range(390)]


async def test_what_has_come_is_not_asked_for_again(lake: Lake, tmp_path: Path) -> None:
    wanted = HistoryWanted(instrument="ABC", first=dt.date(2018, 3, 1), last=LAST)
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        here.control.inject("ReqHistoricalData", Harm.REFUSE, nth=2, code=162, text="Historical data: not permitted")
        (first,) = await fetched(here, tmp_path / "lake", wanted)
        assert (first.asked, first.kept) == (1, 0)
        assert "not permitted" in first.failed
        (second,) = await fetched(here, tmp_path / "lake", wanted)
        assert (second.asked, second.kept, second.failed) == (1, 1, "")
        assert second.rows == 5


async def test_an_objection_to_our_pace_is_waited_out(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, now_ns=SATURDAY) as here:
        here.control.inject("ReqHistoricalData", Harm.REFUSE, code=162, text="Historical data: pacing violation")
        (done,) = await fetched(here, tmp_path / "lake", HistoryWanted(instrument="ABC", first=FIRST, last=LAST))
        assert (done.rows, done.failed) == (5, "")


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
