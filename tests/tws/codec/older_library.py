"""Runs in an environment that has ib_insync: tells on stdout what it hears and writes, as JSON. No part of the project
is imported here, because that library and ib_async bring different modules of one name.

stdin: {"heard": [[version, [field, ...]], ...], "written": [version, ...]}.
stdout: {"heard": [[[method, text], ...], ...], "written": [[[name, hex bytes], ...], ...]}.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from typing import Any

import ib_insync
from ib_insync.client import Client
from ib_insync.decoder import Decoder


class Recorder:
    """Keeps every call as text."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self.calls.append([name, [plain(each) for each in args]])


def plain(value: Any) -> Any:
    """A value as JSON can say it."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def heard(version: int, fields: list[str]) -> list[Any]:
    recorder = Recorder()
    decoder = Decoder(recorder, version)
    decoder.handlers[int(fields[0])](fields)
    return recorder.calls


def written(version: int) -> list[list[str]]:
    """The bytes of some requests, by names."""
    stock = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)
    legs = [ib_insync.ComboLeg(1, 1, "BUY", "SMART"), ib_insync.ComboLeg(2, 1, "SELL", "SMART")]
    spread = ib_insync.Bag(symbol="SPY", exchange="SMART", currency="USD", comboLegs=legs)
    adaptive = ib_insync.LimitOrder("BUY", 100, 10.25, orderRef="a|1", algoStrategy="Adaptive")
    adaptive.algoParams = [ib_insync.TagValue("adaptivePriority", "Patient")]
    told = ib_insync.LimitOrder("SELL", 3, -1.5, tif="GTC", transmit=False)
    told.conditions = [ib_insync.PriceCondition(price=99.5, conId=265598, exch="SMART")]
    says = {
        "stock": lambda c: c.placeOrder(11, stock, adaptive),
        "spread": lambda c: c.placeOrder(12, spread, told),
        "details": lambda c: c.reqContractDetails(7, stock),
        "history": lambda c: c.reqHistoricalData(7, stock, "", "1 D", "5 mins", "TRADES", True, 1, False, []),
        "quotes": lambda c: c.reqMktData(7, spread, "233", False, False, []),
        "cancel": lambda c: c.cancelOrder(11, ""),
    }
    return [[name, bytes_of(version, say).hex()] for name, say in says.items()]


def bytes_of(version: int, say: Callable[[Client], None]) -> bytes:
    client = Client(None)
    client.MaxRequests = 0
    client.connState, client._serverVersion = Client.CONNECTED, version
    sent = bytearray()
    client.conn.sendMsg = sent.extend
    say(client)
    return bytes(sent)


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    answers = {
        "heard": [heard(version, fields) for version, fields in asked["heard"]],
        "written": [written(version) for version in asked["written"]],
    }
    json.dump(answers, sys.stdout)
