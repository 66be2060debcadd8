"""A person's repair of the books, through the command line: what it says, what it writes, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from actors.portfolio import Portfolio
from app.board import Board
from engine.clock import VirtualClock
from engine.effects import Journal, Ref, Tell
from engine.message import Event, Message, Told
from engine.ports import Row
from model.execution import (
    AdjustBooks,
    AdjustmentRefused,
    BooksAdjusted,
    Break,
    Reconciled,
    ReconcileNow,
    Severity,
)
from model.instruments import Instrument, Kind
from model.units import cash, px, qty
from tests.app.kit import Said, hedgerow, obeyed, replay_words, running

AT_NS = 1_222_293_600 * 10**9  # 2008-09-24 22:00:00Z
FUND = Instrument(id="CSPX", kind=Kind.ETF, venue="XETRA", currency="EUR", calendar="XETR")
FUTURE = Instrument(id="SP500", kind=Kind.FUTURE, venue="CME", currency="EUR", calendar="CME")
PAIR = Instrument(id="EURUSD", kind=Kind.FX_SPOT, venue="FX", currency="USD", calendar="FX")
INDEX = Instrument(id="VIX", kind=Kind.INDEX, venue="CBOE", currency="USD", calendar="CBOE")
UNIVERSE = {each.id: each for each in (FUND, FUTURE, PAIR, INDEX)}


class Engine:
    """The books and the board of an engine, and a venue whose own figures are given; the rest of it is left out."""

    def __init__(self, money: dict[str, str], positions: dict[str, str] | None = None, *, link: bool = True) -> None:
        self.board = Board("demo", "EUR", "PAPER", "PAPER")
        self.books = Portfolio(
            instruments=UNIVERSE, base="EUR", cash={"EUR": cash("1000")}, risk=Ref("risk"), regime=None,
            reconciler=Ref("reconciler"), sleeve_capital={"core": cash("500")},
        )  # fmt: skip
        self.books.clock = VirtualClock(AT_NS)
        self.money, self.positions, self.link = money, positions or {}, link
        self.rows: list[Event] = []
        self.compare()

    def write(self, event: Event) -> None:
        self.rows.append(event)
        self.board.fold(Row(len(self.rows), AT_NS, "test", 0, event))

    def compare(self) -> None:
        """What the reconciler does when it is asked to, and the venue answers."""
        ours = {**self.books.books.cash}
        held = {name: each.quantity for name, each in self.books.books.positions.items()}
        breaks = [
            Break("CASH", name, ours.get(name, 0), cash(amount), Severity.HALT, "")
            for name, amount in self.money.items() if ours.get(name, 0) != cash(amount)
        ] + [
            Break("POSITION", name, held.get(name, 0), qty(size), Severity.LOCK, "")
            for name, size in self.positions.items() if held.get(name, 0) != qty(size)
        ]  # fmt: skip
        compared = (*self.money, *self.positions)
        row = Reconciled(f"rc-{len(self.rows)}", "test", True, compared, (), tuple(breaks), 0, AT_NS)
        self.write(row)

    def tell(self, to: str, message: Message) -> Told:
        assert to == "portfolio"
        assert isinstance(message, AdjustBooks)
        for effect in self.books.on_adjust_books(message) or ():
            if isinstance(effect, Journal):
                self.write(effect.event)
            elif isinstance(effect, Tell) and isinstance(effect.message, ReconcileNow) and self.link:
                self.compare()
        return Told.OK

    def status(self) -> dict[str, Any]:
        return self.board.status()

    def of(self, kind: type[Event]) -> list[Any]:
        return [each for each in self.rows if isinstance(each, kind)]


async def adjust(engine: Engine, state: Path, *words: str) -> Said:
    return await obeyed(engine, state, "adjust", *words)


async def test_cash_that_no_fact_explains_is_written_with_who_and_why(tmp_path: Path) -> None:
    engine = Engine({"EUR": "987.66"})
    said = await adjust(engine, tmp_path, "--cash", "EUR=-12.34", "--reason", "a bank fee of 3 March", "--yes")
    assert said.status == 0, said.err
    [row] = engine.of(BooksAdjusted)
    assert (row.currency, row.amount, row.quantity, row.reason) == ("EUR", cash("-12.34"), 0, "a bank fee of 3 March")
    assert row.by
    assert said.out.splitlines() == [
        "EUR: the book has 1,000, the venue 987.66 (2008-09-24 22:00:00Z).",
        "After this the book has 987.66, and they agree.",
        f"written into the books as {row.id}",
        "the book and the venue agree about EUR (2008-09-24 22:00:00Z)",
    ]
    assert engine.books.books.cash["EUR"] == cash("987.66")


async def test_a_position_is_taken_at_a_price_for_a_sleeve(tmp_path: Path) -> None:
    engine = Engine({"EUR": "1000"}, {"CSPX": "12"})
    words = ("--position", "CSPX=+10", "--price", "512.3", "--sleeve", "core", "--reason", "a transfer", "--yes")
    said = await adjust(engine, tmp_path, *words)
    assert said.status == 0, said.err
    [row] = engine.of(BooksAdjusted)
    assert (row.instrument, row.quantity, row.price, row.sleeve) == ("CSPX", qty("10"), px("512.3"), "core")
    assert "CSPX: the book has 0, the venue 12" in said.out
    assert "After this the book has 10, and 2 is still missing." in said.out
    assert "CSPX still differs: the book has 10, the venue 12" in said.out
    position = engine.books.books.positions["CSPX"]
    assert (position.quantity, position.sleeves["core"].quantity, position.average_cost) == (
        qty("10"), qty("10"), px("512.3"),
    )  # fmt: skip
    assert engine.status()["positions"] == {"CSPX": 10.0}


async def test_too_much_is_said_to_be_too_much(tmp_path: Path) -> None:
    said = await adjust(Engine({"EUR": "1001"}), tmp_path, "--cash", "EUR=3", "--reason", "x", "--yes")
    assert "After this the book has 1,003, and 2 is still too much." in said.out


async def test_where_the_two_agreed_it_says_that_they_will_not(tmp_path: Path) -> None:
    said = await adjust(Engine({"EUR": "1000"}), tmp_path, "--cash", "EUR=3", "--reason", "x", "--yes")
    assert "EUR: the book and the venue agreed at the last comparison" in said.out
    assert "After this the book has +3 beside that, and the venue has not." in said.out
    assert "EUR still differs: the book has 1,003, the venue 1,000" in said.out


async def test_what_was_never_compared_is_not_said_to_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.commands.adjust.COMPARE_WITHIN_S", 0.0)
    engine = Engine({}, link=False)
    said = await adjust(engine, tmp_path, "--cash", "EUR=3", "--reason", "x", "--yes")
    assert "EUR: the last comparison says nothing of it" in said.out
    assert "EUR has not been compared since: the next comparison will tell" in said.out
    assert len(engine.of(BooksAdjusted)) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--cash", "XXX=1"), "XXX is no currency of these books; they know EUR"),
        (("--position", "NOBODY=1", "--price", "5", "--sleeve", "core"), "NOBODY is no instrument"),
        (("--position", "VIX=1", "--price", "5", "--sleeve", "core"), "VIX is no instrument"),
        (("--position", "EURUSD=1", "--price", "5", "--sleeve", "core"), "adjust the cash of each"),
        (("--position", "SP500=1", "--price", "5", "--sleeve", "core"), "SP500 names no contract"),
        (("--position", "SP500@2024=1", "--price", "5", "--sleeve", "core"), "SP500@2024 names no contract"),
        (("--position", "CSPX=1.5", "--price", "5", "--sleeve", "core"), "1.5 is no multiple of the lot of CSPX, 1"),
        (("--position", "CSPX=1", "--price", "0", "--sleeve", "core"), "needs the price"),
        (("--position", "CSPX=1", "--price", "-5", "--sleeve", "core"), "needs the price"),
        (("--position", "CSPX=1", "--price", "5", "--sleeve", "x"), "x is no sleeve of these books; there are care"),
        (("--cash", "EUR=1", "--reason", " "), "a reason is needed"),
    ],
)
async def test_what_the_books_do_not_take_is_refused_with_the_reason_and_kept(
    words: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    engine = Engine({"EUR": "1000"})
    said = await adjust(engine, tmp_path, "--reason", "x", *words, "--yes")
    assert said.status == 2
    assert why in said.err
    assert engine.of(BooksAdjusted) == []
    assert [why in row.text and bool(row.by) for row in engine.of(AdjustmentRefused)] == [True]
    assert engine.books.books.cash == {"EUR": cash("1000")}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "give one of --cash and --position"),
        (("--cash", "EUR=1", "--position", "CSPX=1"), "give one of --cash and --position"),
        (("--cash", "EUR"), "parted by '='"),
        (("--cash", "EUR=much"), "'much' is not a number"),
        (("--cash", "EUR=nan"), "is not finite"),
        (("--cash", "EUR=inf"), "is not finite"),
        (("--cash", "EUR=0"), "changes nothing"),
        (("--cash", "EUR=0.0000001"), "more decimals"),
        (("--cash", "EUR=1", "--sleeve", "core"), "belong to --position"),
        (("--position", "CSPX=1", "--sleeve", "core"), "needs --price and --sleeve"),
        (("--position", "CSPX=1", "--price", "nan", "--sleeve", "core"), "is not finite"),
        (("--position", "CSPX=1e30", "--price", "1", "--sleeve", "core"), "too large"),
    ],
)
async def test_what_is_no_amount_is_refused_before_the_engine_hears_of_it(
    words: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    engine = Engine({"EUR": "1000"})
    said = await adjust(engine, tmp_path, "--reason", "x", *words, "--yes")
    assert said.status == 2
    assert why in said.err
    assert len(engine.rows) == 1


@pytest.mark.parametrize(("answer", "written"), [("n\n", 0), ("", 0), ("y\n", 1)], ids=["no", "nothing", "yes"])
async def test_only_a_yes_writes(answer: str, written: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    engine = Engine({"EUR": "1001"})
    said = await adjust(engine, tmp_path, "--cash", "EUR=1", "--reason", "x")
    assert (said.status == 0) is bool(written)
    assert "Write this into the books?" in said.out
    assert len(engine.of(BooksAdjusted)) == written


async def test_without_a_reason_nobody_is_asked(tmp_path: Path) -> None:
    engine = Engine({"EUR": "1001"})
    assert (await adjust(engine, tmp_path, "--cash", "EUR=1", "--yes")).status == 2
    assert len(engine.rows) == 1


def test_without_an_engine_there_are_no_books(tmp_path: Path) -> None:
    assert hedgerow("adjust", "--cash", "EUR=1", "--reason", "x", "--yes", "--state", str(tmp_path)).status == 3


def test_a_running_engine_is_adjusted_compared_and_left_for_a_person_to_resume(
    places: tuple[str, ...], tmp_path: Path
) -> None:
    """Of a difference that a person makes, and mends: the mode stays until somebody says otherwise."""
    state = tmp_path / "state"
    with running(replay_words(places, state, "--speed", "3", "--json"), state):
        until_compared(state)
        away = hedgerow("adjust", "--cash", "USD=-500000", "--reason", "a slip", "--yes", "--state", state)
        assert away.status == 0, away.err
        assert "USD still differs" in away.out
        assert "the engine is HALTED: `hedgerow resume" in away.out
        back = hedgerow("adjust", "--cash", "USD=500000", "--reason", "mended", "--yes", "--state", state)
        assert back.status == 0, back.err
        assert "and they agree." in back.out
        assert "the book and the venue agree about USD" in back.out
        assert "the engine is HALTED" in back.out
        assert hedgerow("resume", "--reason", "mended", "--yes", "--state", state).status == 0
        assert hedgerow("stop", "--state", state).status == 0
    rows = hedgerow("journal", "show", "--kind", "BooksAdjusted", "--state", state).out.splitlines()
    assert [json.loads(row)["event"]["reason"] for row in rows] == ["a slip", "mended"]


def until_compared(state: Path) -> None:
    for _ in range(400):
        if hedgerow("status", "--state", state, "--json").document["comparison"]:
            return
    raise AssertionError("nothing was compared")
