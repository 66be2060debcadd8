"""A program that counts in euros over a record that is in dollars."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from actors.fx import FxFixed
from app import facts
from app.process import EngineProcess, Wanted
from config.loader import load
from model.decisions import DayMarked
from model.execution import Alarm
from model.market import Quality
from model.units import PX_SCALE
from state.journal import journal_rows
from state.lake import Lake


def test_the_dollar_has_a_rate_where_it_is_a_foreign_currency(places: tuple[str, ...], tmp_path: Path) -> None:
    """It used to be left out, as if every program counted in it: nothing was marked and nobody decided."""
    paper = load("ib_paper", environment={}, overrides=places)
    program = structs.replace(paper.program, base_currency="EUR")
    lake = Lake(paper.settings.data.lake_dir)
    EngineProcess(
        Wanted(
            configuration=structs.replace(paper, program=program),
            state_dir=tmp_path,
            lake=lake,
            first=20210607,
            last=20210611,
            control=False,
            log_level="error",
        )
    ).run_here()
    rows = [row.event for row in journal_rows(tmp_path / "journal", events=facts.events())]
    fixed = [each.fx.rates["USD"] for each in rows if isinstance(each, FxFixed)]
    assert len(fixed) == 5
    assert {each.quality for each in fixed} == {Quality.GOOD}
    assert all(
        0.81 < each.rate / PX_SCALE < 0.83 for each in fixed
    )  # the euro was worth 1.21 to 1.22 dollars that week
    assert [each.session for each in rows if isinstance(each, DayMarked)] == [
        20210607,
        20210608,
        20210609,
        20210610,
        20210611,
    ]
    assert [each for each in rows if isinstance(each, Alarm) and each.code == "NO_RATE"] == []
