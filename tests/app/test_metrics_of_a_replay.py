"""What three months of the real engine move in the metrics, and what they do not, with the reason."""

from __future__ import annotations

import urllib.request
from pathlib import Path

from app import facts
from ports.metrics import MetricsPort
from state.journal import journal_rows
from tests.app.kit import hedgerow, replay_words, running
from tests.ports.test_metrics import scrape, serving

UNMOVED = {
    "hedgerow_orders_unknown": "the simulated exchange answers every order of a replay",
    "hedgerow_risk_regime": "the quarter is NORMAL throughout, which is 0",
    "hedgerow_regime_inputs_missing": "no input is missing, which is 0",
}


def families(text: str) -> dict[str, list[float]]:
    """Values of every declared metric by name, without the suffix of counters."""
    found: dict[str, list[float]] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            found[line.split()[2].removesuffix("_total")] = []
        elif not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name.partition("{")[0].removesuffix("_total")].append(float(value))
    return found


async def test_every_metric_is_moved_by_a_replay_or_there_is_a_reason(finished: Path) -> None:
    port = MetricsPort(0, dict)
    ever: set[str] = set()
    async with serving(port):
        declared = set(families(await scrape(port)))
        rows = list(journal_rows(finished / "journal", events=facts.events()))
        for place, row in enumerate(rows):
            port.fold(row)
            if place % 200 == 0 or place == len(rows) - 1:
                ever |= {name for name, values in families(await scrape(port)).items() if any(values)}
    assert declared - ever == set(UNMOVED)
    assert len(declared) > 15


def test_an_engine_that_goes_on_is_scraped_with_the_books_it_had_and_figures_of_its_runtime(
    places: tuple[str, ...], copied: Path
) -> None:
    port = _free_port()
    words = replay_words(places, copied, "--to", "20080630", "--speed", "0.5", "--metrics-port", str(port))
    with running(words, copied):
        found: dict[str, list[float]] = {}
        for _ in range(400):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                    found = families(answer.read().decode())
            except OSError:
                continue
            if found["hedgerow_mode"] == [3.0]:
                break
        assert found["hedgerow_portfolio_nav"][0] > 900_000
        assert found["hedgerow_mode"] == [3.0]
        for name in ("turns", "messages", "journal_rows"):
            assert found[f"hedgerow_runtime_{name}"][0] > 0
        assert found["hedgerow_runtime_dead_letters"] == [0.0]
        stopped = hedgerow("stop", "--state", copied)
    assert stopped.status == 0, stopped.err


def _free_port() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
