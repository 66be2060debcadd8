"""ib_insync, in a process and an environment of its own, hears and is heard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulation.tws.codec import Framer, decode_request, encode_reply, encode_request, fields_of
from simulation.tws.replies import (
    CompletedOrder,
    ContractData,
    ErrorMessage,
    ExecDetails,
    OpenOrder,
    OrderStatus,
    Position,
    ServerMessage,
    TickPrice,
)
from simulation.tws.requests import (
    CancelOrder,
    ClientMessage,
    PlaceOrder,
    ReqContractDetails,
    ReqHistoricalData,
    ReqMarketData,
)
from simulation.tws.terms import ComboLeg, Contract, ContractDetails, Execution, Order, OrderState

PLACE = "HEDGEROW_IB_INSYNC"
"""An environment variable: the folder that holds ib_insync and what it needs, apart from everything else."""
VERSIONS = (157, 160, 164, 170, 176)
APPLE = Contract(con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
LEGS = (
    ComboLeg(con_id=1, ratio=1, action="BUY", exchange="SMART"),
    ComboLeg(con_id=2, ratio=1, action="SELL", exchange="SMART"),
)
ORDER = Order(order_id=11, perm_id=9, action="BUY", quantity=100.0, order_type="LMT", limit=10.25, order_ref="a|1")
EXECUTION = Execution(
    exec_id="0001.01.01", order_id=11, client_id=1, perm_id=9, time="20261120 10:00:00 US/Eastern", account="DU1",
    exchange="ARCA", side="BOT", shares=100.0, price=10.25, cum_quantity=100.0, avg_price=10.25, order_ref="a|1",
)  # fmt: skip
SAID: tuple[tuple[ServerMessage, str, dict[str, Any]], ...] = (
    (TickPrice(req_id=7, kind=1, price=10.25, size=3.0), "priceSizeTick", {"": [7, 1, 10.25, 3.0]}),
    (ErrorMessage(req_id=7, code=200, text="no"), "error", {"": [7, 200, "no", ""]}),
    (
        OrderStatus(order_id=11, status="Filled", filled=100.0, remaining=0.0, perm_id=9),
        "orderStatus",
        {"": [11, "Filled", 100.0, 0.0, 0.0, 9, 0, 0.0, 0, "", 0.0]},
    ),
    (
        Position(account="DU1", contract=APPLE, quantity=-7.0, average_cost=180.5),
        "position",
        {"conId": 265598, "symbol": "AAPL"},
    ),
    (
        OpenOrder(contract=APPLE, order=ORDER, state=OrderState(status="Submitted")),
        "openOrder",
        {"orderId": 11, "permId": 9, "lmtPrice": 10.25, "orderRef": "a|1", "status": "Submitted", "conId": 265598},
    ),
    (
        CompletedOrder(contract=APPLE, order=ORDER, state=OrderState(completed_status="Filled Size: 100")),
        "completedOrder",
        {"permId": 9, "orderRef": "a|1", "completedStatus": "Filled Size: 100"},
    ),
    (
        ExecDetails(contract=APPLE, execution=EXECUTION),
        "execDetails",
        {"execId": "0001.01.01", "shares": 100.0, "orderRef": "a|1", "time": "2026-11-20 15:00:00+00:00"},
    ),
    (
        ContractData(req_id=7, details=ContractDetails(contract=APPLE, long_name="APPLE INC", min_size=2.0)),
        "contractDetails",
        {"longName": "APPLE INC", "conId": 265598, "priceMagnifier": 1},
    ),
)


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What the other process heard of our replies and wrote by itself, at every version."""
    place = os.environ.get(PLACE)
    if not place:
        pytest.skip(f"{PLACE} does not name a folder with ib_insync")
    asked = {
        "heard": [(v, fields_of(encode_reply(message, v))) for v in VERSIONS for message, _, _ in SAID],
        "written": VERSIONS,
    }
    script = Path(__file__).with_name("older_library.py")
    environment = {**os.environ, "PYTHONPATH": place}
    done = subprocess.run(
        [sys.executable, str(script)], input=json.dumps(asked), capture_output=True, text=True, env=environment,
        timeout=60, check=True,
    )  # fmt: skip
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def flat(args: list[Any]) -> dict[str, Any]:
    """The values of all structs in a call by their names, and the call's own under no name."""
    found: dict[str, Any] = {"": args}
    for each in args:
        if isinstance(each, dict):
            found |= {**flat(list(each.values())), **each}
    return found


def test_an_older_library_hears_what_was_said(told: dict[str, Any]) -> None:
    expected = [(method, values) for _ in VERSIONS for _, method, values in SAID]
    for calls, (method, values) in zip(told["heard"], expected, strict=True):
        ((called, args),) = calls
        found = flat(args)
        assert (called, {name: found[name] for name in values}) == (method, values)


def test_an_older_library_is_understood_to_the_last_field(told: dict[str, Any]) -> None:
    placed = Order(
        action="BUY", quantity=100.0, order_type="LMT", limit=10.25, order_ref="a|1", algo_strategy="Adaptive",
        algo_params=(("adaptivePriority", "Patient"),),
    )  # fmt: skip
    held = Order(
        action="SELL", quantity=3.0, order_type="LMT", limit=-1.5, tif="GTC", transmit=False,
        conditions=(("1", "a", "1", "99.5", "265598", "SMART", "0"),),
    )  # fmt: skip
    meant: dict[str, ClientMessage] = {
        "stock": PlaceOrder(order_id=11, contract=APPLE, order=placed),
        "spread": PlaceOrder(order_id=12, contract=bag(LEGS), order=held),
        "details": ReqContractDetails(req_id=7, contract=APPLE),
        "history": ReqHistoricalData(req_id=7, contract=APPLE, bar_size="5 mins", duration="1 D", what="TRADES"),
        "quotes": ReqMarketData(req_id=7, contract=bag(LEGS), generic_ticks="233"),
        "cancel": CancelOrder(order_id=11),
    }
    for version, frames in zip(VERSIONS, told["written"], strict=True):
        assert [name for name, _ in frames] == list(meant)
        for name, data in frames:
            (payload,) = Framer().feed(bytes.fromhex(data))
            said = decode_request(fields_of(payload), version)
            assert said == meant[name]
            written = [field.removesuffix(".0") for field in fields_of(payload)]
            assert [field.removesuffix(".0") for field in fields_of(encode_request(said, version))] == written


def bag(legs: tuple[ComboLeg, ...]) -> Contract:
    return Contract(symbol="SPY", sec_type="BAG", exchange="SMART", currency="USD", legs=legs)
