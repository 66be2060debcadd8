"""A subset with ib_insync, unmodified, in a process of its own.

HEDGEROW_IB_INSYNC names a folder in which `pip install --target` has put ib_insync; without it these tests are skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from state.lake import Lake
from tests.tws.gateway.bourse import BARS
from tests.tws.gateway.kit import ACCOUNT, desk

FOLDER = os.environ.get("HEDGEROW_IB_INSYNC", "")
SCRIPT = Path(__file__).with_name("insync_client.py")
PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(not FOLDER, reason="HEDGEROW_IB_INSYNC names no folder with ib_insync in it")

Saw = dict[str, Any]


@pytest.fixture(scope="module")
def saw(lake: Lake) -> Saw:
    """What the older client saw at a gateway where ABC stands at 100.00 and 100.02."""

    async def run() -> Saw:
        async with desk(lake) as here:
            here.price("ABC", 100.00, 100.02, last=100.0)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(SCRIPT),
                str(here.gateway.port),
                env={**os.environ, "PYTHONPATH": FOLDER},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
            assert process.returncode == 0, err.decode()
            found: Saw = json.loads(out.splitlines()[-1])
            found["book"] = len(here.control.dump().orders)
            return found

    return asyncio.run(run())


def test_it_connects_in_its_own_version(saw: Saw) -> None:
    assert (saw["version"], saw["accounts"]) == (176, [ACCOUNT])


def test_it_reads_a_contract(saw: Saw) -> None:
    assert saw["details"] == ["Alphabet Soup Inc", 0.01, "SMART,ARCA,NASDAQ,NYSE,BATS,IEX"]
    assert saw["months"]


def test_it_reads_a_quote(saw: Saw) -> None:
    assert saw["quote"] == [100.0, 100.02, 102.0]


def test_its_order_fills_at_the_market(saw: Saw) -> None:
    assert saw["fill"] == [100.02, "old client"]


def test_it_changes_and_cancels_an_order(saw: Saw) -> None:
    assert saw["changed"] == 98.0
    assert saw["completed"] == 2
    assert saw["book"] == 1  # the stop


def test_it_reads_the_past(saw: Saw) -> None:
    assert saw["bars"] == [list(bar) for bar in BARS["ABC"][:2]]


def test_it_reads_its_position_and_its_executions(saw: Saw) -> None:
    assert saw["positions"] == [["ABC", 10.0, pytest.approx(100.12)]]
    assert saw["executions"] == 1


def test_it_asks_what_an_order_would_cost(saw: Saw) -> None:
    assert saw["margin"] == pytest.approx(100 * 100.01 / 2)  # half of the middle


def test_it_hears_no_error_but_its_own_cancel(saw: Saw) -> None:
    assert set(saw["errors"]) == {2104, 2106, 2158, 202}
