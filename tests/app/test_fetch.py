"""`hedgerow data fetch` over a real socket: what it brings, how it goes on, what it says when it cannot."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import shutil
import socket
import sys
from pathlib import Path

import pytest

from model.rolls import Roll
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.app.kit import ROOT, START_WITHIN_S, Said, hedgerow
from tests.app.recorded_gateway import LAST, WEDNESDAY, make_lake, recorded_gateway, words

PROGRAM = """
id: two
title: Trend on two index futures
base_currency: USD
capital: 20_000_000
calendar: WEEKDAYS
sleeves:
  - id: trend
    kind: trend
    capital_share: 1.0
    params:
      instruments: [SP500, EURO600]
      pairs: [[8, 32], [16, 64]]
      vol_target_annual: 0.12
      warmup_sessions: 64
risk: {max_gross_leverage: 15, max_net_leverage: 12, max_order_share: 3, max_daily_turnover_share: 15}
execution: {policy: close_auction, allow_market_orders: true}
"""
ROLLS_2023 = [
    # by hand: the S&P by the 10th, the STOXX by the 11th of the month, or the Monday after
    ("SP500", 20230310, 20230309), ("SP500", 20230612, 20230609),
    ("EURO600", 20230313, 20230310), ("EURO600", 20230612, 20230609),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("past")


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Lake:
    return make_lake(folder)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "two.yaml"
    path.write_text(PROGRAM)
    return path


def replayed(program: Path, lake: Path, folder: Path, state: Path) -> Said:
    settings = [part for word in (*words(folder), f"data.lake_dir={lake}") for part in ("--set", word)]
    span = ("--from", "20220901", "--to", str(LAST))
    return hedgerow("replay", "--program", program, "--state", state, *span, "--no-report", "--json", *settings)


def test_a_fetched_lake_replays_like_the_one_behind_the_gateway(
    recorded: Lake, folder: Path, program: Path, tmp_path: Path
) -> None:
    async def fetched() -> Said:
        async with recorded_gateway(recorded, folder) as here:
            return await here.fetch("--program", program, "--from", "20220103", "--to-lake", tmp_path / "lake")

    said = asyncio.run(fetched())
    assert said.status == 0, said.err
    mine_lake = Lake(tmp_path / "lake")
    assert mine_lake.products() == ["EURO600", "SP500"]
    assert mine_lake.currencies() == ["EUR"]
    behind = tmp_path / "behind"
    shutil.copytree(recorded.path, behind)
    shutil.copytree(mine_lake.path / "rolls", behind / "rolls")
    manifest = json.loads((behind / "manifest.json").read_text())
    ours = json.loads((mine_lake.path / "manifest.json").read_text())
    manifest["sets"] |= {key: one for key, one in ours["sets"].items() if key.startswith("rolls/")}
    (behind / "manifest.json").write_text(json.dumps(manifest))
    there = replayed(program, behind, folder, tmp_path / "there")
    mine = replayed(program, mine_lake.path, folder, tmp_path / "mine")
    assert (there.status, mine.status) == (0, 0), there.err + mine.err
    assert mine.document["fills"] > 20
    unlike = {"seconds"}
    assert {k: v for k, v in mine.document.items() if k not in unlike} == {
        k: v for k, v in there.document.items() if k not in unlike
    }


async def test_futures_come_contract_by_contract_with_the_rolls_between_them(
    recorded: Lake, folder: Path, program: Path, tmp_path: Path
) -> None:
    async with recorded_gateway(recorded, folder) as here:
        said = await here.fetch("--program", program, "--from", "20230301", "--to-lake", tmp_path / "lake", "--json")
    lake = Lake(tmp_path / "lake")
    for name, session, decided in ROLLS_2023:
        month = session // 100
        assert Roll(session, month, month + 3, decided) in lake.rolls(name)
    bars = lake.bars("SP500")
    # 10 March less ten weekdays is 24 February, before the beginning; 10 March and five weekdays is the 17th
    assert sorted(set(bars.of(202303).session.tolist()))[-1] == 20230315  # the last that there was of it
    assert int(bars.of(202306).session[0]) == 20230301
    # 12 June less ten weekdays is 29 May; 12 June and five weekdays is the 19th
    assert int(bars.of(202309).session[0]) == 20230529
    assert [each["instrument"] for each in said.document["series"]] == [
        "EURUSD", "EURO600@202303", "EURO600@202306", "EURO600@202309",
        "SP500@202303", "SP500@202306", "SP500@202309",
    ]  # fmt: skip
    assert said.document["complete"]


async def test_what_the_time_is_the_gateway_says(recorded: Lake, folder: Path, program: Path, tmp_path: Path) -> None:
    async with recorded_gateway(recorded, folder) as here:
        said = await here.fetch("SP500", "--from", "20230601", "--to-lake", tmp_path / "lake")
        late = await here.fetch("SP500", "--from", "20230629", "--to-lake", tmp_path / "other")
    assert said.status == 0
    assert "the gateway's time is 2023-06-28 14:00 UTC" in said.err
    assert int(Lake(tmp_path / "lake").bars("SP500").session[-1]) == LAST  # and nothing of the day that runs
    assert late.status == 2
    assert "--from 20230629 is after 20230628, the last day that there is" in late.err
    assert not (tmp_path / "other").exists()


async def test_an_ended_download_goes_on_where_it_was(
    recorded: Lake, folder: Path, program: Path, tmp_path: Path
) -> None:
    wanted = ("--program", program, "--from", "20220103", "--to", "20221230", "--to-lake", tmp_path / "lake")
    async with recorded_gateway(recorded, folder) as here:
        here.control.inject("ReqHistoricalData", Harm.CLOSE_BEFORE, nth=6)
        ended = await here.fetch(*wanted)
        assert ended.status == 2
        assert "the gateway was lost" in ended.err
        assert "start it again" in ended.err
        here.passed.clear()
        again = await here.fetch(*wanted, "--json")
        assert again.status == 0, again.err
        parts = again.document["series"]
        assert sum(each["kept"] for each in parts) == 5
        assert here.asked == sum(each["asked"] for each in parts) > 5
        here.passed.clear()
        whole = await here.fetch(*wanted, "--json")
        assert whole.document["complete"]
        assert (here.asked, here.passed["ReqContractDetails"]) == (0, 0)
    assert len(Lake(tmp_path / "lake").bars("SP500")) == max(
        each["rows"] for each in whole.document["series"] if each["name"] == "SP500"
    )


async def test_a_killed_download_goes_on_where_it_was(
    recorded: Lake, folder: Path, program: Path, tmp_path: Path
) -> None:
    wanted = ("--program", program, "--from", "20220103", "--to", "20221230", "--to-lake", tmp_path / "lake")
    async with recorded_gateway(recorded, folder) as here:
        here.control.inject("ReqHistoricalData", Harm.DROP, nth=4)
        fourth = here.piece_asked_for(4)  # it waits for this one when it is killed
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", *map(str, here.words(*wanted)), cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        pieces = 0
        async with asyncio.timeout(START_WITHIN_S):
            while pieces < 3:
                line = await process.stderr.readline()
                assert line, "it ended by itself"
                pieces += b" bars before " in line
            await fourth.wait()
        process.kill()
        await process.wait()
        again = await here.fetch(*wanted, "--json")
    assert again.status == 0, again.err
    assert sum(each["kept"] for each in again.document["series"]) == 3
    assert again.document["complete"]


async def test_an_unknown_contract_is_named_and_the_others_come(recorded: Lake, folder: Path, tmp_path: Path) -> None:
    async with recorded_gateway(recorded, folder, without="CSPX") as here:
        said = await here.fetch("CSPX", "SP500", "--from", "20230601", "--to-lake", tmp_path / "lake")
    assert said.status == 1
    assert "not complete: bars/CSPX, CSPX: 200: No security definition has been found" in said.out
    assert "2 of 3 are complete" in said.out
    assert Lake(tmp_path / "lake").products() == ["SP500"]


async def test_a_market_without_permission_is_named_and_the_others_come(
    recorded: Lake, folder: Path, tmp_path: Path
) -> None:
    async with recorded_gateway(recorded, folder) as here:
        text = "Historical Market Data Service error message:No market data permissions for EUREX FUT"
        here.control.inject("ReqHistoricalData", Harm.REFUSE, code=162, text=text)
        said = await here.fetch("EURO600@202306", "SP500", "--from", "20230501", "--to-lake", tmp_path / "lake")
    assert said.status == 1
    assert "not complete: bars/EURO600, EURO600@202306: 162" in said.out
    assert "No market data permissions for EUREX FUT" in said.out
    assert Lake(tmp_path / "lake").products() == ["SP500"]


async def test_a_product_of_which_nothing_is_recorded_is_not_complete(
    recorded: Lake, folder: Path, tmp_path: Path
) -> None:
    async with recorded_gateway(recorded, folder) as here:
        said = await here.fetch("CSPX", "--from", "20230601", "--to-lake", tmp_path / "lake")
    assert said.status == 1
    assert "CSPX: the gateway has nothing of it from 2023-06-01 to 2023-06-28" in said.out
    assert not (tmp_path / "lake" / "manifest.json").exists()


async def test_a_series_of_another_source_is_left_alone_and_not_asked_for(
    recorded: Lake, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(recorded.path, tmp_path / "lake")
    before = (tmp_path / "lake" / "manifest.json").read_bytes()
    async with recorded_gateway(recorded, folder) as here:
        said = await here.fetch("SP500", "--from", "20230601", "--to-lake", tmp_path / "lake")
        assert here.asked == 0
    assert said.status == 1
    assert "comes from by hand: choose another lake" in said.out
    assert (tmp_path / "lake" / "manifest.json").read_bytes() == before


async def test_an_index_that_nobody_can_trade_is_fetched_all_the_same(
    recorded: Lake, folder: Path, tmp_path: Path
) -> None:
    async with recorded_gateway(recorded, folder) as here:
        said = await here.fetch("SPX_INDEX", "--from", "20230620", "--to-lake", tmp_path / "lake")
    assert said.status == 0, said.err
    assert (
        Lake(tmp_path / "lake").bars("SPX_INDEX").close.tolist() == recorded.bars("SPX_INDEX", 20230620).close.tolist()
    )


async def test_rolls_of_the_lake_are_followed_and_continued_both_ways(
    recorded: Lake, folder: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    source = tmp_path / "rolls.csv"  # a holder who left December for March a month early
    source.write_text(
        "product,session,from_contract,to_contract,decided\nSP500,20221110,202212,202303,20221109\n", encoding="utf-8"
    )
    assert hedgerow("data", "import", source, "--to", lake, "--set", words(folder)[0]).status == 0
    async with recorded_gateway(recorded, folder) as here:
        said = await here.fetch("SP500", "--from", "20220901", "--to-lake", lake)
    assert said.status == 0, said.err
    # 10 September 2022 is a Saturday, 10 March 2023 a Friday, 10 June a Saturday; September of 2023 is held at the end
    assert Lake(lake).rolls("SP500") == [
        Roll(20220912, 202209, 202212, decided=20220909),
        Roll(20221110, 202212, 202303, decided=20221109),
        Roll(20230310, 202303, 202306, decided=20230309),
        Roll(20230612, 202306, 202309, decided=20230609),
    ]
    march = Lake(lake).bars("SP500").of(202303)
    assert int(march.session[0]) == 20221027  # ten weekdays before the recorded roll, not before the rule's


async def test_a_later_download_adds_to_an_earlier_one(recorded: Lake, folder: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    may = int(dt.datetime(2023, 5, 3, 14, tzinfo=dt.UTC).timestamp()) * 10**9
    async with recorded_gateway(recorded, folder, may) as here:
        assert (await here.fetch("SP500", "--from", "20230401", "--to-lake", lake)).status == 0
    assert Lake(lake).rolls("SP500") == []
    assert Lake(lake).roll_schedule(["SP500"]).active("SP500", 20230502) == "SP500@202306"
    async with recorded_gateway(recorded, folder, WEDNESDAY) as here:
        assert (await here.fetch("SP500", "--from", "20230401", "--to-lake", lake)).status == 0
    assert [each.session for each in Lake(lake).rolls("SP500")] == [20230612]
    held = recorded.bars("SP500", 20230401, 20230612).of(202306)
    assert Lake(lake).bars("SP500", 20230401, 20230612).of(202306).close.tolist() == held.close.tolist()


async def test_another_account_than_the_gateways_is_refused(recorded: Lake, folder: Path, tmp_path: Path) -> None:
    async with recorded_gateway(recorded, folder) as here:
        said = await here.fetch("SP500", "--from", "20230601", "--to-lake", tmp_path, account="DU9")
    assert said.status == 2
    assert "the gateway has DU1000001, and not DU9" in said.err


async def test_the_connection_is_that_of_the_settings(recorded: Lake, folder: Path, tmp_path: Path) -> None:
    async with recorded_gateway(recorded, folder) as here:
        settings = tmp_path / "settings.yaml"
        venue = f"{{kind: ib, account: DU1000001, port: {here.gateway.port}}}"
        settings.write_text(f"venue: {venue}\ndata: {{cache_dir: {folder / 'cache'}, lake_dir: {tmp_path / 'lake'}}}\n")
        said = await asyncio.to_thread(hedgerow, "data", "fetch", "--settings", settings, "SP500", "--from", "20230601")
    assert said.status == 0, said.err
    assert Lake(tmp_path / "lake").products() == ["SP500"]


def test_nobody_at_the_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = hedgerow("data", "fetch", "SP500", "--from", "20230601", "--account", "DU1", "--port", str(port))
    assert said.status == 2
    assert f"nobody listens at 127.0.0.1:{port}" in said.err


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (("SP50", "--from", "20230601", "--account", "DU1"), "no table of instruments has SP50; did you mean SP500"),
        (("SP500@soon", "--from", "20230601", "--account", "DU1"), "SP500@soon names no contract month"),
        (("SP500@202313", "--from", "20230601", "--account", "DU1"), "SP500@202313 names no contract month"),
        (("CSPX@202306", "--from", "20230601", "--account", "DU1"), "CSPX is a etf and has no contract months"),
        (("--from", "20230601", "--account", "DU1"), "nothing is named that could be fetched"),
        (("SP500", "--from", "20230601"), "the settings name no account at Interactive Brokers"),
        (("SP500", "--from", "last year", "--account", "DU1"), "'last year' does not match the format '%Y%m%d'"),
        (("SP500", "--from", "19800102", "--account", "DU1"), "--from 19800102: no calendar reaches back so far"),
        (("SP500", "--from", "20230601", "--size", "1 hour", "--account", "DU1"), "'1 hour' is not one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_fetched_is_one_sentence(bad: tuple[str, ...], sentence: str) -> None:
    said = hedgerow("data", "fetch", *bad)
    assert said.status == 2
    assert sentence in said.err
