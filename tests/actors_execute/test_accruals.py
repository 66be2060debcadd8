"""Interest and dividends that a broker pays without a word. Figures by hand."""

from __future__ import annotations

from actors.accruals import Accruals, AccrualsSeen
from actors.books import Books
from actors.comparison import CashBands, Comparison
from actors.contracts import Contracts
from actors.opening import Apart
from model.accruals import VenueAccrual
from model.execution import Severity
from model.orders import VenueCash, VenueCashMoved, VenueSnapshot
from model.units import cash

TOLD_TO = cash("0.01")


class Desk:
    """Books with 1000 dollars on an account, compared with what the account says."""

    def __init__(self) -> None:
        self.books = Books(Contracts({}), {"USD": cash("1000")})
        self.apart, self.accruals = Apart(()), Accruals()
        self.rows: list[object] = []
        self.at_ns = 0

    def look(self, money: str, interest: str = "0", dividend: str = "0") -> list[tuple[str, Severity]]:
        """One comparison; the differences that are left."""
        self.at_ns += 60 * 10**9
        accrued = tuple(
            VenueAccrual("USD", kind, cash(text)) for kind, text in (("interest", interest), ("dividend", dividend))
            if cash(text)
        )  # fmt: skip
        told = (VenueCash("USD", cash(money)),)
        snapshot = VenueSnapshot(
            f"rc-{self.at_ns}", "ib", 0, self.at_ns, True, True, (), (), (), (), told, accrued=accrued
        )
        comparison = Comparison(
            snapshot, self.books, CashBands(told_to=TOLD_TO), base="USD", nav=0, rates={"USD": 10**9}, variation=None,
            apart=self.apart, accruals=self.accruals, now_ns=self.at_ns,
        )  # fmt: skip
        comparison.opening()
        self.rows += comparison.explain()
        return [(each.kind, each.severity) for each in comparison.result().breaks]

    def moves(self) -> list[tuple[str, int]]:
        return [(row.move.kind, row.move.amount) for row in self.rows if isinstance(row, VenueCashMoved)]


def test_interest_that_is_paid_is_financing_and_no_difference() -> None:
    desk = Desk()
    assert desk.look("1000", interest="3.20") == []
    assert desk.look("1003.20") == []
    assert desk.moves() == [("interest", cash("3.20"))]
    assert desk.books.cash["USD"] == cash("1003.20")
    assert desk.books.financing["USD"] == cash("3.20")


def test_what_accrues_anew_on_the_same_day_is_allowed_for() -> None:
    desk = Desk()
    desk.look("1000", interest="3.20")
    assert desk.look("1003.20", interest="0.11") == []  # it fell by 3.09
    assert desk.moves() == [("interest", cash("3.20"))]


def test_a_dividend_is_told_from_interest_and_both_at_once_are_financing() -> None:
    desk = Desk()
    desk.look("1000", interest="3.20", dividend="40")
    assert desk.look("1040", interest="3.25") == []
    desk.look("1040", interest="3.25", dividend="10")
    assert desk.look("1053.25") == []
    assert desk.moves() == [("dividend", cash("40")), ("financing", cash("13.25"))]


def test_debit_interest_takes_cash_away() -> None:
    desk = Desk()
    desk.look("1000", interest="-7.50")
    assert desk.look("992.50") == []
    assert desk.moves() == [("interest", cash("-7.50"))]


def test_cash_that_no_fall_of_what_is_accrued_explains_stays_a_difference() -> None:
    desk = Desk()
    desk.look("1000", interest="3.20")
    assert [kind for kind, _ in desk.look("1010")] == ["CASH"]  # it fell by 3.20 and 10 came
    assert desk.moves() == []


def test_what_rose_explains_nothing() -> None:
    desk = Desk()
    desk.look("1000", interest="3.20")
    assert [kind for kind, _ in desk.look("1003.20", interest="6.40")] == ["CASH"]


def test_a_payment_while_nobody_looked_is_found_by_what_was_journalled() -> None:
    desk = Desk()
    desk.look("1000", interest="3.20")
    seen = [row for row in desk.rows if isinstance(row, AccrualsSeen)]
    again = Desk()
    again.apart.opened = desk.apart.opened
    again.accruals.take(seen[-1].amounts)
    assert again.look("1003.20") == []
    assert again.moves() == [("interest", cash("3.20"))]


def test_only_news_of_what_is_accrued_is_journalled() -> None:
    desk = Desk()
    for _ in range(5):
        desk.look("1000", interest="3.20")
    assert len([row for row in desk.rows if isinstance(row, AccrualsSeen)]) == 1
