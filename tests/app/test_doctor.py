"""`hedgerow doctor` against the simulated gateway: findings in words, as JSON, and bad input in one sentence."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from state.lake import Lake
from tests.app.kit import Said, hedgerow
from tests.ib.kit import ACCOUNT, Stand, stand
from tests.tws.gateway.bourse import make_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_lake(tmp_path_factory.mktemp("bourse") / "lake")


async def examined(here: Stand, *words: str, port: int = 0) -> Said:
    said = (
        "doctor",
        "--account",
        ACCOUNT,
        "--port",
        str(port or here.gateway.port),
        "--state",
        str(here.state),
        *words,
    )
    return await asyncio.to_thread(hedgerow, *said)


@pytest.fixture
def closed_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


async def test_a_closed_port_is_told_with_what_to_do(lake: Lake, tmp_path: Path, closed_port: int) -> None:
    async with stand(lake, tmp_path) as here:
        said = await examined(here, port=closed_port)
    assert said.status == 1
    assert f"WRONG PORT_CLOSED: nobody listens at 127.0.0.1:{closed_port}" in said.out
    assert "API > Settings" in said.out
    assert "Not affiliated with Interactive Brokers." in said.out


async def test_findings_can_be_read_by_a_script(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        said = await examined(here, "--json", "--instrument", "CSPX")
    document = json.loads(said.out)
    assert said.status == 1
    assert [each["code"] for each in document["findings"] if each["well"]][:2] == ["PORT", "ACCOUNT"]
    wrong = [each for each in document["findings"] if not each["well"]]
    assert all(each["todo"] for each in wrong)
    assert not document["well"]


async def test_an_account_of_another_mode_is_refused_before_anything_is_asked(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        said = await examined(here, "--live")
    assert said.status == 1
    assert "WRONG ACCOUNT" in said.out


@pytest.mark.parametrize(
    ("instrument", "sentence"),
    [
        ("NOWHERE", "--instrument NOWHERE: no table of instruments has NOWHERE"),
        ("SP500", "--instrument SP500: a future is traded by its month"),
        ("SP500@soon", "--instrument SP500@soon: a future is traded by its month"),
    ],
)
def test_an_instrument_that_cannot_be_tried_is_one_sentence(instrument: str, sentence: str) -> None:
    said = hedgerow("doctor", "--account", ACCOUNT, "--instrument", instrument)
    assert said.status == 2
    assert sentence in said.err
