"""What docs/gateway.md shows can be done as it stands."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from simulation.tws.control import VERBS
from simulation.tws.faults import Harm
from simulation.tws.plan import plan_of
from state.lake import Lake
from tests.docs.pages import code_blocks, read
from tests.project.house import ROOT
from tests.tws.gateway.kit import desk

PAGE = read("docs/gateway.md")
MAKING_A_LAKE_S = 60.0


async def test_the_ten_lines_buy_a_hundred_shares_from_the_command_above_them(tmp_path: Path) -> None:
    """As a newcomer has it: no data of one's own, only what ships."""
    words = shlex.split(next(line for line in PAGE.splitlines() if line.startswith("    hedgerow gateway ")))[1:]
    words[words.index("4002")] = "0"
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", *words, "--set", f"data.lake_dir={tmp_path / 'lake'}", cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        port = await asyncio.wait_for(_port(gateway), MAKING_A_LAKE_S)
        program = code_blocks(PAGE, "python")[0].replace("4002", port)
        newcomer = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(newcomer.communicate(), MAKING_A_LAKE_S)
        assert out.decode().startswith("Filled [100.0]")
    finally:
        gateway.terminate()
        await gateway.communicate()


async def _port(gateway: asyncio.subprocess.Process) -> str:
    """The one that it says it listens at."""
    assert gateway.stdout is not None
    while line := (await gateway.stdout.readline()).decode():
        if found := re.search(r"listens on 127\.0\.0\.1:(\d+)\.", line):
            return found[1]
    raise AssertionError("the gateway ended before it listened")


def test_the_plan_can_be_read() -> None:
    plan = plan_of(code_blocks(PAGE, "yaml")[0])
    assert len(plan.faults) == 4
    assert [event.do for event in plan.events] == ["lose_link", "restart", "compete"]


async def test_the_command_can_be_given(lake: Lake) -> None:
    line = next(line for line in PAGE.splitlines() if line.strip().startswith('{"token"'))
    asked = json.loads(line)
    async with desk(lake) as here:
        assert here.control.do(asked["do"], asked["args"]) is None


@pytest.mark.parametrize("harm", list(Harm))
def test_every_harm_is_told(harm: Harm) -> None:
    assert f"`{harm.value}`" in PAGE


def test_every_command_that_is_named_exists() -> None:
    named = PAGE.partition("Others are ")[2].partition(", which says")[0].replace(" and ", ", ").replace("\n", " ")
    words = {word.strip().strip("`") for word in named.split(",")}
    assert words <= set(VERBS)


def test_non_affiliation_is_said_where_a_user_reads_it() -> None:
    assert "not affiliated with Interactive Brokers" in PAGE
