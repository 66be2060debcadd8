"""Executions: corrections fold by their stem, commissions join in any order, and nothing is told twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from model.orders import CashMoved, Fill, Side
from model.units import cash, qty
from ports.ib.contracts import Pin, Pins, Query
from ports.ib.executions import Executions, stem_of
from ports.ib.heard import ContractSeen, CostSeen, ExecutionSeen
from ports.ib.order_ids import BLOCK, Durable

ABC = ContractSeen(1, "ABC", "STK", "", "", "USD", "NMS")


class Book:
    """What an engine would have after everything it was told: by execution, and cash that moved."""

    def __init__(self, folder: Path) -> None:
        pins = Pins()
        pins.add(Pin(instrument="ABC", query=Query(con_id=1)))
        pins.add(Pin(instrument="XYZ", query=Query(con_id=3)))
        self.durable = Durable(folder, 1)
        self.told: list[Fill | CashMoved] = []
        self.strangers: list[ExecutionSeen] = []
        self.executions = Executions(
            pins, self.durable, tell=self.told.append, stranger=self.strangers.append, wait_s=1.0
        )

    def hear(self, what: ExecutionSeen | CostSeen, now_s: float = 0.0) -> None:
        if isinstance(what, ExecutionSeen):
            self.executions.take(what, what.at_ns, now_s)
        else:
            self.executions.cost(what)

    @property
    def fills(self) -> list[Fill]:
        return [each for each in self.told if isinstance(each, Fill)]

    def quantity(self) -> int:
        """As the engine counts: what is corrected no longer counts, and a repeat counts once."""
        counted: dict[str, int] = {}
        for fill in self.fills:
            if fill.corrects:
                counted[fill.corrects] = 0
            counted.setdefault(fill.exec_id, fill.quantity)
        return sum(counted.values())

    def costs(self) -> int:
        """Commissions in the end: those of fills that still count, and what moved later, each move once."""
        corrected = {fill.corrects for fill in self.fills}
        moved = sum({each.id: each.amount for each in self.told if isinstance(each, CashMoved)}.values())
        return sum({fill.exec_id: fill.fee for fill in self.fills if fill.exec_id not in corrected}.values()) - moved


def execution(exec_id: str, shares: str, **more: object) -> ExecutionSeen:
    fields: dict[str, object] = {
        "exec_id": exec_id, "ref": "hr-1", "order_id": 7, "client": 17, "perm_id": 99, "contract": ABC,
        "side": Side.BUY, "shares": qty(shares), "price": 10.5, "account": "DU1", "at_ns": 5,
    }  # fmt: skip
    return ExecutionSeen(**{**fields, **more})  # type: ignore[arg-type]


def test_a_combo_counts_what_is_whole_however_far_one_leg_is(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.executions.ordered("hr-1", ((1, -1), (3, 1)))
    other = ContractSeen(3, "XYZ", "STK", "", "", "USD", "NMS")
    whole = []
    for name, shares, contract in (("a.01", "3", ABC), ("b.01", "2", other), ("c.01", "1", other)):
        book.hear(execution(name, shares, contract=contract))
        whole.append(book.executions.filled("hr-1"))
    assert whole == [0, qty("2"), qty("3")]


def test_the_last_group_of_an_execution_id_counts_its_corrections() -> None:
    assert stem_of("0000e0d5.69dd7411.01.01") == ("0000e0d5.69dd7411.01", 1)
    assert stem_of("0000e0d5.69dd7411.01.02") == ("0000e0d5.69dd7411.01", 2)
    assert stem_of("plain") == ("plain", 1)


def test_an_execution_waits_for_its_commission_and_no_longer(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.hear(execution("a.01", "10"))
    assert book.executions.release(0.5) == 1.0
    assert book.fills == []
    assert book.executions.release(1.0) is None
    assert [fill.fee for fill in book.fills] == [0]


def test_a_commission_before_its_execution_is_kept_for_it(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.hear(CostSeen("a.01", cash("1.25"), "USD"))
    book.hear(execution("a.01", "10"))
    assert [(fill.fee, fill.fee_currency) for fill in book.fills] == [(cash("1.25"), "USD")]


def test_a_late_commission_is_owed_over_a_restart_and_told_once(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.hear(execution("a.01", "10"))
    book.executions.release(2.0)
    again = Book(tmp_path)
    seen = execution("a.01", "10")
    cost = CostSeen("a.01", cash("1.25"), "USD")
    again.hear(cost)
    again.hear(cost)
    looked_up = again.executions.looked_up(seen, 5)
    assert looked_up is not None
    fill, (moved,) = looked_up
    assert (fill.fee, moved.amount) == (0, cash("-1.25"))
    assert [each.id for each in again.told if isinstance(each, CashMoved)] == [moved.id]


@pytest.mark.parametrize("seed", range(60))
def test_in_whatever_order_they_come_quantity_and_costs_are_the_same(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    news: list[ExecutionSeen | CostSeen] = [
        execution("a.01", "10"), execution("a.02", "8"), execution("b.01", "5"), execution("c.01", "1"),
        CostSeen("a.01", cash("1"), "USD"), CostSeen("a.02", cash("0.8"), "USD"), CostSeen("b.01", cash("0.5"), "USD"),
        CostSeen("c.01", cash("0.1"), "USD"),
    ]  # fmt: skip
    told = [*news, *rng.sample(news, 4)]
    rng.shuffle(told)
    book = Book(tmp_path)
    for i, each in enumerate(told):
        book.hear(each, i * 0.1)
    book.executions.release(1_000.0)
    assert book.quantity() == qty("14"), f"seed {seed}"
    assert book.executions.filled("hr-1") == qty("14"), f"seed {seed}"
    assert book.costs() == cash("1.4"), f"seed {seed}"
    assert len({fill.exec_id for fill in book.fills}) == len(book.fills), f"seed {seed}"


def test_a_combos_summary_is_not_counted_beside_its_legs(tmp_path: Path) -> None:
    book = Book(tmp_path)
    bag = ContractSeen(28812380, "ABC", "BAG", "", "", "USD", "COMB")
    book.hear(execution("a.01", "1", contract=bag))
    assert book.fills == []
    assert book.strangers == []
    assert book.executions.filled("hr-1") == 0


def test_an_execution_in_an_unknown_contract_is_set_aside_and_not_guessed(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.hear(execution("a.01", "1", contract=ContractSeen(2, "ZZZ", "STK", "", "", "USD", "")))
    assert book.fills == []
    assert [each.exec_id for each in book.strangers] == ["a.01"]


def test_order_ids_only_rise_over_restarts_and_roll_backs(tmp_path: Path) -> None:
    given: list[int] = []
    for offered in (1, 50, 3, 10_000, 7):
        ids = Durable(tmp_path, 17)
        ids.at_least(offered)
        given += [ids.next_id() for _ in range(BLOCK + 1)]
    assert given == sorted(set(given))
    other = Durable(tmp_path, 18)
    assert other.next_id() == 1


def test_ids_are_reserved_as_a_session_begins_and_not_as_an_order_leaves(tmp_path: Path) -> None:
    """A write of the disk in front of every two hundredth order took longer than all else on its way."""
    Durable(tmp_path, 17).at_least(1)
    assert Durable(tmp_path, 17).next_id() == BLOCK + 1


def test_a_new_day_keeps_what_was_filled_of_open_orders_and_forgets_the_rest(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.hear(execution("a.01", "10"))
    book.hear(execution("b.01", "5", ref="hr-2"))
    book.executions.release(10.0)
    book.executions.new_day({"hr-1"})
    assert (book.executions.filled("hr-1"), book.executions.filled("hr-2")) == (qty("10"), 0)
    book.hear(execution("a.02", "8"), 20.0)
    book.executions.release(30.0)
    assert book.executions.filled("hr-1") == qty("8")
