"""The metrics port: what a scrape over HTTP says after the rows that it was shown."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from engine.message import Event, Message, Told
from engine.ports import Row
from model.decisions import Approved, Denial, Mode, ModeEntered, Regime, RegimeDecided, RiskDecision, RunMoved
from model.order_events import OrderMoved
from model.orders import Fill, Filled, Side
from model.units import cash, px, qty
from ports.metrics import MetricsPort
from tests.research.days import book

FIGURES = {"turns": 7.0, "messages": 40.0, "dead_letters": 2.0}


class Nobody:
    """An engine that metrics never speak to."""

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        raise AssertionError(f"metrics told {to} {message}")


@asynccontextmanager
async def serving(port: MetricsPort) -> AsyncIterator[None]:
    task = asyncio.create_task(port.run(Nobody()))
    while not port.listening:
        assert not (await asyncio.wait([task], timeout=0))[0], task.result()
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def scrape(port: MetricsPort) -> str:
    def read() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port.listening}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    return await asyncio.to_thread(read)


async def samples(*events: Event, figures: Mapping[str, float] = FIGURES) -> dict[str, float]:
    """Every sample of a scrape after these rows, by name with labels."""
    port = MetricsPort(0, lambda: figures)
    for seq, event in enumerate(events, 1):
        port.fold(Row(seq=seq, at_ns=0, actor="test", cause=0, event=event))
    async with serving(port):
        return parsed(await scrape(port))


def parsed(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def filled(exec_id: str, quantity: str, fee: str, corrects: str = "", side: Side = Side.BUY) -> Filled:
    fill = Fill(exec_id, "o1", "v1", "SP500", side, qty(quantity), px("10"), cash(fee), "USD", 0, corrects)
    return Filled(fill, "r1", ())


async def test_the_books_of_a_day_are_shown_in_whole_money() -> None:
    found = await samples(
        book(20240102, "100", gross="30"), book(20240103, "90", gross="45", sleeves={"trend": "-10"}, growth=0.9)
    )
    assert found["hedgerow_portfolio_nav"] == 90
    assert found["hedgerow_portfolio_gross_exposure"] == 45
    assert found["hedgerow_portfolio_daily_return_ratio"] == pytest.approx(-0.1)
    assert found["hedgerow_portfolio_drawdown_ratio"] == pytest.approx(-0.1)
    assert found['hedgerow_sleeve_pnl{sleeve="trend"}'] == -10


async def test_money_paid_in_is_neither_return_nor_the_end_of_a_drawdown() -> None:
    days = (
        book(20240102, "100"), book(20240103, "90", growth=0.9), book(20240104, "190", flows="100", growth=0.9)
    )  # fmt: skip
    found = await samples(*days)
    assert found["hedgerow_portfolio_daily_return_ratio"] == pytest.approx(0.0)
    assert found["hedgerow_portfolio_drawdown_ratio"] == pytest.approx(-0.1)


async def test_modes_and_regimes_are_numbers_that_can_be_alarmed_on() -> None:
    halted = ModeEntered(Mode.HALTED, Mode.TRADING, "fire", "anna", 0)
    crisis = RegimeDecided("r", 1, Regime.CRISIS, Regime.CRISIS, 0, ("VIX",), "", {}, 0)
    risk = RiskDecision("r", 1, Mode.HALTED, Regime.CRISIS, 0.25, 0.3, -0.1, 0, "", (), 0)
    found = await samples(halted, crisis, risk, RunMoved("r", "ABORTED", "", 0))
    assert found["hedgerow_mode"] == 5
    assert found["hedgerow_risk_regime"] == 2
    assert found["hedgerow_regime_inputs_missing"] == 1
    assert found["hedgerow_risk_scaling_factor"] == 0.25
    assert found["hedgerow_risk_realized_vol_annual"] == 0.3
    assert found["hedgerow_run_ledger_status"] == 4


async def test_fills_and_commissions_are_counted_by_side_and_currency() -> None:
    found = await samples(filled("e1", "2", "1.5"), filled("e2", "1", "0.5"), filled("e3", "1", "0.25", side=Side.SELL))
    assert found['hedgerow_order_fills_total{side="BUY"}'] == 2
    assert found['hedgerow_order_fills_total{side="SELL"}'] == 1
    assert found['hedgerow_execution_commission_total{currency="USD"}'] == 2.25


async def test_a_correction_is_not_another_execution() -> None:
    found = await samples(filled("e1", "2", "1.5"), filled("e1.1", "3", "2", corrects="e1"))
    assert found['hedgerow_order_fills_total{side="BUY"}'] == 1
    assert found['hedgerow_execution_commission_total{currency="USD"}'] == 2.0


async def test_an_order_that_ends_is_counted_once_and_one_that_is_unknown_when_it_becomes_so() -> None:
    def moved(was: str, now: str) -> OrderMoved:
        return OrderMoved("o1", "e", was, now, "", "", 0)

    steps = [
        moved("SENT", "UNKNOWN"),
        moved("UNKNOWN", "UNKNOWN"),
        moved("UNKNOWN", "FILLED"),
        moved("FILLED", "FILLED"),
    ]
    found = await samples(*steps)
    assert found["hedgerow_orders_unknown_total"] == 1
    assert found['hedgerow_orders_ended_total{state="FILLED"}'] == 1


async def test_refusals_are_counted_by_code_and_not_by_their_words() -> None:
    denials = tuple(Denial("COST_GATE", f"P{n}", f"not worth it {n}", f"i{n}") for n in range(50))
    found = await samples(Approved("a", "r", (), denials, 0))
    assert found == {**found, 'hedgerow_orders_denied_total{code="COST_GATE"}': 50.0}
    assert sum(name.startswith("hedgerow_orders_denied_total") for name in found) == 1


async def test_no_label_grows_with_orders_runs_or_instruments() -> None:
    events = [
        event
        for n in range(200)
        for event in (
            OrderMoved(f"o{n}", "e", "SENT", "FILLED", f"v{n}", f"proof {n}", n),
            RunMoved(f"r{n}", "DONE", f"reason {n}", n),
            filled(f"e{n}", "1", "1"),
        )
    ]
    few, many = await samples(*events[:3]), await samples(*events)
    assert set(few) == set(many)
    assert {label for name in many for label in re.findall(r'(\w+)="', name)} == {"state", "side", "currency"}


async def test_nothing_says_when_a_counter_was_made() -> None:
    assert [name for name in await samples(filled("e1", "1", "1")) if "_created" in name] == []


async def test_figures_of_the_runtime_are_read_at_the_scrape_and_not_before() -> None:
    figures = {"turns": 1.0}
    port = MetricsPort(0, lambda: figures)
    figures["turns"] = 9.0
    async with serving(port):
        assert "hedgerow_runtime_turns 9.0" in await scrape(port)
        figures["turns"] = 10.0
        assert "hedgerow_runtime_turns 10.0" in await scrape(port)


async def test_the_page_is_for_this_machine_only_and_every_figure_says_what_it_is() -> None:
    port = MetricsPort(0, lambda: FIGURES)
    async with serving(port):
        text = await scrape(port)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port.listening), timeout=2)
    helped = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")}
    typed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert helped == typed
    assert all(len(line.split(maxsplit=3)) == 4 for line in text.splitlines() if line.startswith("# HELP"))
    assert all(name.startswith("hedgerow_") for name in helped)


async def test_a_start_goes_on_with_the_books_and_the_peak_of_the_one_before() -> None:
    port = MetricsPort(0, lambda: FIGURES)
    port.recall(book(20240102, "90", growth=0.9), 1.2)
    async with serving(port):
        found = parsed(await scrape(port))
        assert found["hedgerow_portfolio_nav"] == 90
        assert found["hedgerow_portfolio_drawdown_ratio"] == pytest.approx(-0.25)
        port.fold(Row(seq=9, at_ns=0, actor="test", cause=0, event=book(20240103, "99", growth=0.99)))
        found = parsed(await scrape(port))
    assert found["hedgerow_portfolio_drawdown_ratio"] == pytest.approx(-0.175)
    assert found["hedgerow_portfolio_daily_return_ratio"] == pytest.approx(0.1)


async def test_a_port_that_is_taken_is_an_error_of_the_port_alone_and_a_stopped_one_is_free_again() -> None:
    first = MetricsPort(0, lambda: FIGURES)
    async with serving(first):
        taken = first.listening
        with pytest.raises(OSError, match="in use"):
            await MetricsPort(taken, lambda: FIGURES).run(Nobody())
    second = MetricsPort(taken, lambda: FIGURES)
    async with serving(second):
        assert second.listening == taken
    assert second.listening == 0
