"""Margin before a basket."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.units import cash
from ports.ib.errors import LinkLost, NotPinned, RequestRefused
from state.lake import Lake
from tests.ib.kit import ACCOUNT, stand


async def test_margin_and_commission_are_told_and_no_order_is_made(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        spec = here.spec("100")
        told = await here.port.what_if(spec)
        assert told.initial_change is not None
        assert told.initial_change > cash("4000")
        assert told.commission == cash("1")
        assert here.at_broker(spec) == 0
        assert here.control.dump().orders == []


async def test_what_would_be_refused_says_why(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, accounts={ACCOUNT: {"USD": "100"}}) as here:
        here.start()
        with pytest.raises(LinkLost):
            await here.port.what_if(here.spec())
        await here.up()
        with pytest.raises(NotPinned):
            await here.port.what_if(here.spec(instrument="SP500@203009"))
        with pytest.raises(RequestRefused):
            await here.port.what_if(here.spec("10", "0.001"))
