"""What is wrong with a connection, in plain words, with what to click."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from ports.ib.doctor import Finding, diagnose
from ports.ib.settings import AccountMode
from simulation.tws.broker import Permissions
from simulation.tws.faults import Harm
from state.lake import Lake
from tests.ib.kit import CONTRACTS, QUICK, Stand, replace, stand


async def examined(here: Stand, **settings: object) -> dict[str, Finding]:
    found = await diagnose(here.settings(**settings), CONTRACTS["ABC"], here.now_ns)
    return {each.code: each for each in found}


async def first_wrong(here: Stand, **settings: object) -> Finding:
    return next(each for each in (await examined(here, **settings)).values() if not each.well)


async def test_a_connection_in_order_is_well_in_every_point(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        found = await examined(here)
        assert list(found) == ["PORT", "ACCOUNT", "ANSWERS", "DATA", "ORDERS"]
        assert all(each.well for each in found.values())
        assert here.control.dump().orders == []


async def test_a_closed_port_is_told_with_where_to_find_its_number(lake: Lake, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with stand(lake, tmp_path) as here:
        wrong = await first_wrong(here, port=port)
        assert wrong.code == "PORT_CLOSED"
        assert "API > Settings" in wrong.todo


async def test_a_socket_that_hangs_up_at_once_is_a_disabled_api(lake: Lake, tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, stand(lake, tmp_path) as here:
        wrong = await first_wrong(here, port=server.sockets[0].getsockname()[1])
        assert wrong.code == "API_DISABLED"


async def test_a_handshake_that_does_not_end_waits_for_a_person(lake: Lake, tmp_path: Path) -> None:
    held: list[asyncio.StreamWriter] = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server, stand(lake, tmp_path) as here:
        patience = replace(QUICK, connect_s=0.2)
        wrong = await first_wrong(here, port=server.sockets[0].getsockname()[1], patience=patience)
        assert wrong.code == "LOG_IN_PENDING"
        assert "second factor" in wrong.todo
        for writer in held:
            writer.close()


async def test_a_client_id_in_use_is_told(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start()
        await here.up()
        assert (await first_wrong(here)).code == "CLIENT_ID"


async def test_another_account_is_told(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        wrong = await first_wrong(here, account="DU9999999")
        assert wrong.code == "ACCOUNT"
        assert "DU1000001" in wrong.what


async def test_live_mode_on_a_paper_account_is_told_before_any_socket_is_opened(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        assert (await first_wrong(here, mode=AccountMode.LIVE)).code == "ACCOUNT"
        assert here.gateway.known == set()


async def test_a_read_only_api_is_told_with_the_box_to_untick(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path, permissions=Permissions(read_only=True)) as here:
        wrong = await first_wrong(here)
        assert wrong.code == "READ_ONLY"
        assert "Read-Only API" in wrong.todo


@pytest.mark.parametrize("code", [354, 10089, 10168])
async def test_missing_data_permission_is_told(lake: Lake, tmp_path: Path, code: int) -> None:
    async with stand(lake, tmp_path) as here:
        here.control.inject("ReqMarketData", Harm.REFUSE, code=code, text="Requested market data is not subscribed.")
        assert (await first_wrong(here)).code == "DATA"


async def test_a_gateway_without_its_broker_is_told(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.control.lose_link()
        assert (await first_wrong(here)).code == "UPSTREAM"


async def test_an_unknown_contract_is_told(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        wrong = await diagnose(here.settings(), replace(CONTRACTS["ABC"], symbol="NOSUCH"), here.now_ns)
        assert [each.code for each in wrong if not each.well] == ["CONTRACT"]
