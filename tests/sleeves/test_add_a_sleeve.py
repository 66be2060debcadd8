"""The sleeve in docs/add-a-sleeve.md is the one that is tested here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from actors.sleeve import SleeveHost
from config.loader import load_instruments
from engine.effects import Ref
from model.decisions import Targets
from model.market import Quality
from model.units import PX_SCALE, QTY_SCALE
from sleeves.base import Seat, Sleeve
from tests.actors_decide.made import clocked, told
from tests.sleeves.made import bar, decide, line

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-sleeve.md"


def example() -> str:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def breakout(closes: int = 60) -> Sleeve:
    """The page's sleeve after closes that rise by one a day."""
    names: dict[str, Any] = {}
    exec(compile(example(), str(PAGE), "exec"), names)
    seat = Seat("breakout", (load_instruments(["futures.yaml"])["SP500"],), 1e6, 1.0)
    sleeve: Sleeve = names["Breakout"](seat, units=10)
    for day in range(closes):
        sleeve.on_bar(bar("SP500", 20240101 + day, (100 + day) * PX_SCALE))
    return sleeve


def test_the_class_on_the_page_has_thirty_lines() -> None:
    lines = [row for row in example().splitlines() if row.strip()]
    assert len(lines) - 5 <= 30  # five imports
    assert max(map(len, lines)) <= 120


def test_the_host_takes_the_sleeve_on_the_page() -> None:
    basket: Ref[Targets] = Ref("basket")
    host = clocked(SleeveHost(sleeve=breakout(), basket=basket))
    targets = told(host.on_decide(decide(20240301)), Targets)[0]
    assert targets.wants[0].quantity == 10 * QTY_SCALE
    assert targets.wants[0].reason == "new high"


@pytest.mark.parametrize(("level", "expected"), [(200, 10), (50, -10), (130, 3)])
def test_highs_are_bought_lows_sold_and_all_else_kept(level: int, expected: int) -> None:
    sleeve = breakout()
    sleeve.on_bar(bar("SP500", 20240310, level * PX_SCALE))
    held = (line("SP500@202406", 3 * QTY_SCALE, {"breakout": 3 * QTY_SCALE}),)
    assert sleeve.decide(decide(20240310, lines=held)).wants[0].quantity == expected * QTY_SCALE


def test_it_keeps_the_promises_of_its_page() -> None:
    sleeve = breakout()
    before = sleeve.state()
    sleeve.on_bar(bar("SP500", 20240160, PX_SCALE))
    sleeve.on_bar(bar("SP500", 20240399, PX_SCALE, quality=Quality.SUSPECT))
    first = sleeve.decide(decide(20240301))
    assert sleeve.decide(decide(20240301)) == first
    assert sleeve.state() == before
    assert breakout(20).decide(decide(20240301)).wants[0].hold
    assert sleeve.decide(decide(20240301, degraded={"SP500": Quality.STALE})).wants[0].hold
    other = breakout(0)
    other.load(before)
    assert other.decide(decide(20240301)) == first
