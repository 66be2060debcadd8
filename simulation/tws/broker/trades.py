"""Executions and their commissions: what a client may ask for since midnight, and how corrections are told."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from model.units import Cash, Px, Qty
from simulation.tws.broker.listing import money_out
from simulation.tws.broker.zone import Zone
from simulation.tws.replies import CommissionReport
from simulation.tws.terms import Contract, Execution, ExecutionFilter


class Trade(msgspec.Struct, frozen=True):
    """One execution as it was told. stem: its id without the number of its correction.  source: the id of the fill at
    the exchange; a combo's summary has none, and no commission either.  quantity, price and fee are exact, in units of
    the currency."""

    stem: str
    contract: Contract
    execution: Execution
    commission: CommissionReport | None
    at_ns: int
    source: str = ""
    quantity: Qty = 0
    price: Px = 0
    fee: Cash = 0


class Trades:
    """Every execution of every account."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._trades: list[Trade] = []
        self._by_source: dict[str, Trade] = {}

    def add(self, trade: Trade) -> None:
        self._trades.append(trade)
        if trade.source:
            self._by_source[trade.source] = trade

    def since(self, number: int) -> list[Trade]:
        """All but the first so many."""
        return self._trades[number:]

    def count(self) -> int:
        return len(self._trades)

    def of_source(self, source: str) -> Trade | None:
        """The execution that a fill at the exchange became."""
        return self._by_source.get(source)

    def called(self, exec_id: str) -> Trade | None:
        return next((trade for trade in self._trades if trade.execution.exec_id == exec_id), None)

    def today(self, asked: ExecutionFilter, now_ns: int) -> list[Trade]:
        """What passes the filter of the executions since the gateway's midnight. Raises ValueError for a bad time."""
        since = self._zone.midnight(now_ns)
        if asked.time:
            since = max(since, self._zone.parse(asked.time))
        return [trade for trade in self._trades if trade.at_ns >= since and passes(trade, asked)]


def passes(trade: Trade, asked: ExecutionFilter) -> bool:
    """Whether an execution is asked for; time apart."""
    done, contract = trade.execution, trade.contract
    sides = {"BUY": "BOT", "SELL": "SLD"}
    wanted = (
        (asked.client_id, done.client_id),
        (asked.account, done.account),
        (asked.symbol, contract.symbol),
        (asked.sec_type, contract.sec_type),
        (asked.exchange, done.exchange),
        (sides.get(asked.side, asked.side), done.side),
    )
    return all(not want or want == have for want, have in wanted)


def stem_of(perm_id: int, number: int) -> str:
    """The name of an order's n-th execution, as gateways write it, without the correction."""
    digest = hashlib.sha256(f"{perm_id}|{number}".encode()).hexdigest()
    return f"{perm_id & 0xFFFFFFFF:08x}.{digest[:8]}.{number:02d}"


def exec_id(stem: str, correction: int = 1) -> str:
    """`0000e0d5.69dd7411.01.01`: the last group counts corrections."""
    return f"{stem}.{correction:02d}"


def corrected(trade: Trade, execution: Execution) -> Execution:
    """The same execution with the next number of correction."""
    number = int(trade.execution.exec_id.rpartition(".")[2]) + 1
    return replace(execution, exec_id=exec_id(trade.stem, number))


def commission_report(name: str, fee: int, currency: str, realized: int | None) -> CommissionReport:
    """fee and realized in 1e-6 of the currency."""
    return CommissionReport(
        exec_id=name,
        commission=money_out(fee),
        currency=currency,
        realized=None if realized is None else money_out(realized),
    )
