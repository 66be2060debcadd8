"""A gateway that is killed goes on: from its record, and from what its exchange did since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from simulation.tws.broker import BrokerRules, MemoryBrokerRecord, SqliteBrokerRecord
from simulation.tws.broker.record import Row
from simulation.tws.replies import CompletedOrder, ExecDetails, OpenOrder, OrderStatus
from simulation.tws.terms import ExecutionFilter

from .kit import ACCOUNT, CONTRACTS, OPTION, OTHER_OPTION, SPREAD, STOCK, Desk, at, buy, errors, executions, sell, story


class DiedError(Exception):
    """The process dies here."""


class DyingRecord(MemoryBrokerRecord):
    """Dies at its n-th write from now on, before (or just after) it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.left = -1
        self.after = False

    def write(self, rows: Sequence[Row]) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise DiedError
        super().write(rows)
        if self.left == 0:
            raise DiedError


def seen(desk: Desk) -> tuple[list[tuple[str, float, float]], list[tuple[float, float]], list[tuple[int, float]]]:
    """Open orders, executions and positions as a client is told them."""
    desk.broker.answers.executions(1, 7, ExecutionFilter())
    done = [(e.execution.shares, e.execution.price) for e in executions(desk.take())]
    shown = [m for _, m in desk.ask_all() if isinstance(m, OrderStatus)]
    held = [(each.contract.con_id, each.quantity) for each in desk.broker.answers.positions()]
    return [(m.status, m.filled, m.remaining) for m in shown], done, held


def test_orders_executions_positions_and_ids_come_back() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, order_ref="a"))
    desk.place(2, buy(5, limit=99.0, order_ref="b", tif="GTC"))
    desk.place(3, sell(5, order_type="STP", aux=95.0, order_ref="c"))
    desk.place(4, buy(5, transmit=False))
    desk.broker.enter_by_hand(CONTRACTS[STOCK], buy(1, limit=98.0))
    desk.broker.accrue(ACCOUNT, "USD", 5_000_000)
    desk.take()
    before = seen(desk), desk.value("NetLiquidation"), desk.value("RealizedPnL")
    desk.kill(1)
    assert (seen(desk), desk.value("NetLiquidation"), desk.value("RealizedPnL")) == before
    assert desk.broker.next_order_id(1) == 5
    assert errors(desk.place(1, buy(1))) == [104]
    assert story(desk.quote(STOCK, "94", "94.1"))[:1] == ["execDetails 5 at 99"]
    assert desk.last_status(3).status == "Filled"
    assert story(desk.place(4, buy(5)))[-1] == "commissionReport"


def test_a_killed_gateway_still_ends_the_day_and_opens_the_next() -> None:
    desk = Desk(rules=BrokerRules(route_ns=10**9))
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, sell(5, order_type="STP", aux=95.0))
    desk.place(2, buy(5, limit=99.0, tif="GTD", good_till="20200106 11:00:00"))
    desk.kill(1)  # both were still under way
    assert [status for status, _, _ in seen(desk)[0]] == ["PreSubmitted", "Submitted"]
    desk.kill(1)
    assert errors(desk.wait(at(0, 16))) == [202]
    assert errors(desk.wait(at(0, 21))) == [202]
    assert seen(desk)[0] == []


def test_what_was_completed_and_corrected_is_still_known() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    was = executions(desk.place(1, buy(10, order_ref="a")))[0].execution
    desk.broker.correct(was.exec_id, 10 * 10**8, 99_000_000_000)
    desk.kill(1)
    said = desk.ask(lambda: desk.broker.answers.completed_orders(1))
    assert [m.order.order_ref for m in said if isinstance(m, CompletedOrder)] == ["a"]
    assert [price for _, price in seen(desk)[1]] == [100.1, 99.0]
    assert desk.broker.answers.positions()[0].average_cost == 99.1


def test_after_ids_were_rolled_back_a_killed_gateway_does_not_remember_them_again() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(5, limit=99.0))
    desk.broker.roll_back_ids(1, 1)
    desk.take()
    desk.kill(1)
    assert desk.broker.next_order_id(1) == 1
    assert errors(desk.place(1, sell(5, limit=120.0))) == []


def place_and_fill(desk: Desk) -> None:
    desk.place(1, buy(10))


def rest(desk: Desk) -> None:
    desk.place(1, buy(10, limit=100.0))


def combo(desk: Desk) -> None:
    desk.place(1, buy(3, limit=3.2), contract=SPREAD)


def fill_later(desk: Desk) -> None:
    desk.place(1, buy(10, limit=99.0))
    desk.quote(STOCK, "98.9", "99")


def cancel(desk: Desk) -> None:
    desk.place(1, buy(10, limit=99.0))
    desk.cancel(1)


def change(desk: Desk) -> None:
    desk.place(1, buy(10, limit=99.0))
    desk.place(1, buy(10, limit=101.0))


def change_of_type(desk: Desk) -> None:
    desk.place(1, buy(10, limit=99.0))
    desk.place(1, buy(10))


def bracket(desk: Desk) -> None:
    desk.place(1, buy(10, limit=100.1, transmit=False))
    desk.place(2, sell(10, limit=105.0, parent_id=1, transmit=False))
    desk.place(3, sell(10, order_type="STP", aux=95.0, parent_id=1))
    desk.quote(STOCK, "105", "105.1")


DEEDS = (place_and_fill, rest, combo, fill_later, cancel, change, change_of_type, bracket)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", range(1, 13))
@pytest.mark.parametrize("deed", DEEDS)
def test_wherever_the_gateway_dies_its_orders_agree_with_its_exchange(
    deed: Callable[[Desk], None], nth: int, after: bool
) -> None:
    record = DyingRecord()
    desk = Desk(record=record)
    for con_id, bid, ask in ((STOCK, "100", "100.1"), (OPTION, "5", "5.2"), (OTHER_OPTION, "2", "2.1")):
        desk.quote(con_id, bid, ask)
    desk.take()
    record.left, record.after = nth, after
    try:
        deed(desk)
    except DiedError:
        record.left = -1
        desk.kill(1)
    record.left = -1
    orders, done, held = seen(desk)
    exchange = desk.exchanges[ACCOUNT]
    snapshot = exchange.snapshot("test", 0)
    assert {p.instrument: p.quantity / 10**8 for p in snapshot.positions} == {
        {STOCK: "ABC", OPTION: "ABC C100", OTHER_OPTION: "ABC C110"}[con_id]: quantity for con_id, quantity in held
    }
    told = [e for e in told_executions(desk) if e.contract.sec_type != "BAG"]
    assert sorted(e.execution.shares for e in told) == sorted(fill.quantity / 10**8 for fill in snapshot.fills)
    assert len({fill.client_id.split(".")[0] for fill in snapshot.fills}) <= 3
    working = [status for status, _, _ in orders if status == "Submitted"]
    assert len(snapshot.orders) == len(working)
    assert sum(size for size, _ in done) == sum(e.execution.shares for e in told_executions(desk))
    for perm in {e.execution.perm_id for e in told}:
        assert sum(e.execution.shares for e in told if e.execution.perm_id == perm) in (3.0, 6.0, 10.0)


@pytest.mark.parametrize("after", [False, True])
def test_a_gateway_that_dies_at_the_close_ends_its_day_orders_all_the_same(after: bool) -> None:
    record = DyingRecord()
    desk = Desk(record=record)
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.0))
    desk.place(2, sell(10, order_type="STP", aux=95.0))
    record.left, record.after = 1, after
    with pytest.raises(DiedError):
        desk.wait(at(0, 21))
    record.left = -1
    desk.kill(1)
    assert seen(desk)[0] == []
    said = desk.ask(lambda: desk.broker.answers.completed_orders(1))
    assert [m.state.status for m in said if isinstance(m, CompletedOrder)] == ["Cancelled", "Cancelled"]


def told_executions(desk: Desk) -> list[ExecDetails]:
    desk.broker.answers.executions(1, 8, ExecutionFilter())
    return executions(desk.take())


def test_a_file_holds_the_same_as_memory(tmp_path: Path) -> None:
    desks = [Desk(record=SqliteBrokerRecord(tmp_path / "broker.sqlite")), Desk()]
    for desk in desks:
        desk.quote(STOCK, "100", "100.1")
        bracket(desk)
    assert desks[0].record.read() == desks[1].record.read()
    first = desks[0].record
    assert isinstance(first, SqliteBrokerRecord)
    first.close()
    again = SqliteBrokerRecord(tmp_path / "broker.sqlite")
    assert again.read() == desks[1].record.read()
    again.close()


def test_nothing_is_told_that_is_not_written() -> None:
    record = DyingRecord()
    desk = Desk(record=record)
    desk.quote(STOCK, "100", "100.1")
    record.left = 1
    with pytest.raises(DiedError):
        desk.place(1, buy(10))
    record.left = -1
    desk.kill(1)
    assert [m for _, m in desk.said if isinstance(m, OpenOrder)] == []
    assert seen(desk) == ([], [], [])
    assert desk.broker.next_order_id(1) == 1
