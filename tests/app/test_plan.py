"""What the next run would send, held against what a run really sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from app import facts
from app.plan import plan
from app.process import EngineProcess, Wanted
from config.execution import Policy
from config.loader import Configuration, load
from model.order_events import OrderPlanned
from state.journal import journal_rows
from state.lake import Lake
from tests.app.kit import contents

FIRST, EVE, DAY = 20080303, 20080408, 20080409
"""On DAY the trend sleeve wants oil that it has not got."""


@pytest.fixture(scope="module")
def configuration(places: tuple[str, ...]) -> Configuration:
    return load("demo", environment={}, overrides=places)


def wanted(configuration: Configuration, state: Path, last: int, *, trade: bool) -> Wanted:
    lake = Lake(configuration.settings.data.lake_dir)
    return Wanted(
        configuration=configuration, state_dir=state, lake=lake, first=FIRST, last=last, auto_trade=trade,
        control=False, log_level="error",
    )  # fmt: skip


@pytest.fixture(scope="module")
def held_back(configuration: Configuration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an engine that decided every day until DAY and was not allowed to trade."""
    state = tmp_path_factory.mktemp("held") / "state"
    EngineProcess(wanted(configuration, state, DAY, trade=False)).run_here()
    return state


def sent(state: Path) -> list[OrderPlanned]:
    rows = journal_rows(state / "journal", kinds=("OrderPlanned",), events=facts.events())
    return [row.event for row in rows if isinstance(row.event, OrderPlanned)]


def test_the_plan_is_what_a_run_on_the_same_prices_and_books_sends(
    configuration: Configuration, held_back: Path, tmp_path: Path
) -> None:
    EngineProcess(wanted(configuration, tmp_path, EVE, trade=False)).run_here()
    assert sent(tmp_path) == []
    EngineProcess(wanted(configuration, tmp_path, DAY, trade=True)).run_here()
    really = sent(tmp_path)

    planned = plan(wanted(configuration, held_back, DAY, trade=True))

    assert planned.session == DAY
    assert len(really) > 0

    def form(order: OrderPlanned) -> tuple[object, ...]:
        spec, intent = order.spec, order.intent
        return (
            spec.instrument, spec.side, spec.quantity, spec.type, spec.tif, spec.limit, spec.expires_ns,
            intent.purpose, intent.shares, intent.reference, intent.reason,
        )  # fmt: skip

    assert [form(order) for order in planned.orders] == [form(order) for order in really]


def test_what_would_not_be_sent_is_told_with_its_reason(configuration: Configuration, held_back: Path) -> None:
    planned = plan(wanted(configuration, held_back, DAY, trade=True))
    assert {denial.instrument for denial in planned.not_sent} >= {"NASDAQ_INDEX"}
    assert all(denial.text and denial.code for denial in planned.not_sent)
    named = {want.product for target in planned.targets for want in target.wants}
    assert named == {"SP500_INDEX", "NASDAQ_INDEX", "WTI_SPOT"}
    assert planned.risk is not None


def test_a_folder_that_was_planned_on_is_as_it_was_to_the_byte(configuration: Configuration, held_back: Path) -> None:
    before = contents(held_back)
    first = plan(wanted(configuration, held_back, DAY, trade=True))
    assert contents(held_back) == before
    assert plan(wanted(configuration, held_back, DAY, trade=True)) == first


def test_the_plan_says_the_mode_that_the_engine_is_in(configuration: Configuration, held_back: Path) -> None:
    planned = plan(wanted(configuration, held_back, DAY, trade=False))
    assert planned.mode == "OBSERVING"
    assert len(planned.orders) > 0  # what it would send if it were allowed to


def test_an_engine_that_has_never_run_can_be_planned_and_stays_so(configuration: Configuration, tmp_path: Path) -> None:
    planned = plan(wanted(configuration, tmp_path / "none", DAY, trade=True))
    assert planned.session == 20080229  # the last session before FIRST that has prices
    assert not (tmp_path / "none").exists()


def test_orders_that_a_quote_would_price_are_planned_all_the_same(
    configuration: Configuration, held_back: Path
) -> None:
    """A plan has no quotes: it used to say `no orders` for every program that crosses the spread."""
    execution = structs.replace(configuration.program.execution, policy=Policy.MARKETABLE_LIMIT)
    program = structs.replace(configuration.program, execution=execution)
    quoted = structs.replace(configuration, program=program)
    planned = plan(wanted(quoted, held_back, DAY, trade=True))
    priced = plan(wanted(configuration, held_back, DAY, trade=True))
    assert planned.orders == ()
    assert [intent.instrument for intent in planned.unpriced] == [order.intent.instrument for order in priced.orders]
    assert priced.unpriced == ()
