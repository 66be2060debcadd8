"""A year of real futures rolled leg by leg and rolled by spreads: other orders, the same money every day."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app import facts
from app.commands.run import replay
from model.combos import legs_of
from model.decisions import DayMarked
from model.order_events import OrderPlanned
from model.orders import Purpose
from state.journal import journal_rows
from tests.acceptance.conftest import SHARED

PROGRAM = Path(__file__).resolve().parents[2] / "config" / "programs" / "demo_futures.yaml"
POLICY = "  policy: close_auction\n"


def played(folder: Path, *, spreads: bool) -> Path:
    """The journal of 2019 by the demonstration's program on futures."""
    text = PROGRAM.read_text()
    assert POLICY in text
    program = folder / "rolls.yaml"
    program.write_text(text.replace(POLICY, f"{POLICY}  roll_as_spread: {str(spreads).lower()}\n"))
    arguments = ["--program", str(program), "--from", "20190102", "--to", "20191230", "--state", str(folder / "state")]
    done = CliRunner().invoke(
        replay, [*arguments, "--data", str(SHARED), "--no-report", "--json"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return folder / "state" / "journal"


@pytest.mark.timeout(300)
def test_a_year_rolled_by_spreads_has_the_same_positions_and_money_every_day(tmp_path: Path) -> None:
    """Both trade at the closes of both contracts with half a spread each, and commissions are by contract."""
    days: list[list[tuple[int, int, dict[str, int], dict[str, int]]]] = []
    orders: list[list[OrderPlanned]] = []
    for spreads in (False, True):
        folder = tmp_path / str(spreads)
        folder.mkdir()
        told = [row.event for row in journal_rows(played(folder, spreads=spreads), events=facts.events())]
        days.append([(e.session, e.nav, e.positions, e.cash) for e in told if isinstance(e, DayMarked)])
        orders.append([e for e in told if isinstance(e, OrderPlanned)])
    pairs, spread = orders
    assert len(days[0]) > 250
    assert days[0] == days[1]
    rolled = [each for each in spread if legs_of(each.spec.instrument)]
    assert len(rolled) >= 20
    assert not any(each.intent.purpose is Purpose.ROLL for each in spread if each not in rolled)
    assert len(spread) < len(pairs)
