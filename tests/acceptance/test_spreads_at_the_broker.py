"""A roll as one spread order at the broker, and an engine that dies while it works."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from model.order_events import OrderPlanned
from model.orders import Filled
from tests.acceptance.broker_kit import Rehearsal


def test_a_restart_in_the_middle_of_a_spread_rolls_once(places: tuple[str, ...], tmp_path: Path) -> None:
    """The engine could not start again: it took the spread's name for a contract's."""
    spread = "SP500@202106-202109"

    async def two_days(here: Rehearsal) -> None:
        life = here.start()
        await here.until("2021-06-09T14:00:03")
        assert spread in [each.spec.instrument for each in here.process.kernel.actor("orders").book.open.values()]
        await here.crash(life)
        life = here.start()
        await here.until("2021-06-09T16:00:00")
        if life.done():
            life.result()
        await here.at_rest()
        here.process.stop("the roll is over")
        await life

    made = Rehearsal(
        places, "2021-06-08T13:00", 20210607, tmp_path / "state", seed=2, more=("execution.roll_as_spread=true",)
    )
    made.run(two_days)
    rows = [row.event for row in made.journal()]
    spreads = [each.spec for each in rows if isinstance(each, OrderPlanned) and each.spec.instrument == spread]
    assert len(spreads) == 1
    legs = Counter[str]()
    for each in rows:
        if isinstance(each, Filled) and each.fill.client_id == spreads[0].client_id:
            legs[each.fill.instrument] += each.fill.quantity * each.fill.side
    assert legs["SP500@202106"] == -legs["SP500@202109"] != 0
    assert "SP500@202106" not in made.ours()[0]
