"""What the venue refuses before it opens, and what it keeps that is easy to forget."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from model.instruments import Instrument, Kind, TickStep
from model.orders import CashMoved, Fill, OrderType
from model.units import cash, px, qty
from simulation.exchange import Exchange, MemoryRecord, SqliteRecord, VenueRules

from .kit import CALENDAR, ETF, FUTURE, at, bar, buy, close_of, happen, quote, sell, send, venue


def test_rules_that_make_no_sense_are_refused() -> None:
    wrong: list[Callable[[], VenueRules]] = [
        lambda: VenueRules(latency_ns=-1),
        lambda: VenueRules(close_grace_ns=0),
        lambda: VenueRules(commit_every_ns=-1),
        lambda: VenueRules(bar_share_bps=10_001),
        lambda: VenueRules(quote_share_bps=0),
    ]
    for rules in wrong:
        with pytest.raises(ValueError, match="venue rules"):
            rules()


def test_an_instrument_on_a_calendar_that_was_not_given_is_a_mistake_of_the_set_up() -> None:
    exchange = venue(sessions={})
    with pytest.raises(ValueError, match="CSPX trades on calendar 'XTST', which the exchange was not given"):
        exchange.submit(buy("a", "CSPX"), at(0, 10))


def test_a_pair_must_say_which_currency_is_bought() -> None:
    pair = Instrument(id="X", kind=Kind.FX_SPOT, venue="V", currency="USD", calendar="XTST")
    with pytest.raises(ValueError, match="name the currency that is bought"):
        venue(instruments={"X": pair}).submit(buy("a", "X"), at(0, 10))


def test_instruments_may_come_from_a_function() -> None:
    exchange = Exchange(
        instruments=lambda name: FUTURE if name == "SP500" else None,
        sessions={"XTST": CALENDAR},
        cash={"USD": cash("1000000")},
        base_currency="USD",
        fx=lambda currency: px("1"),
    )
    happen(exchange, bar("SP500@202003", 0, "100"))
    facts = send(exchange, close_of(0), buy("a", "SP500@202003", "1"), buy("b", "CSPX", "1"))
    assert [type(fact).__name__ for fact in facts] == ["OrderAcked", "OrderRejected"]


def test_an_expiry_date_of_the_instrument_comes_before_the_roll_rule() -> None:
    option = msgspec.structs.replace(ETF, id="OPT", kind=Kind.OPTION, expiry="2020-01-08")
    listing = venue(instruments={"OPT": option}).listings.get("OPT")
    assert listing is not None
    assert listing.last is not None
    assert listing.last.date == 20200108


def test_tick_tables_change_with_the_price() -> None:
    """Below 10 the tick is 0.01, from 10 on 0.05: half a spread of 0.01 is rounded to the tick of the print."""
    table = (TickStep(Decimal(0), Decimal("0.01")), TickStep(Decimal(10), Decimal("0.05")))
    listed = {"T": msgspec.structs.replace(ETF, id="T", ticks=table, half_spread=Decimal("0.01"))}
    prices = []
    for price in ("9.50", "20.00"):
        exchange = venue(instruments=listed, rules=VenueRules(margin=False))
        send(exchange, close_of(0), buy("a", "T", kind=OrderType.MOC), sell("b", "T", kind=OrderType.MOC))
        prices += [f.price for f in happen(exchange, bar("T", 1, price)) if isinstance(f, Fill)]
    assert prices == [px("9.51"), px("9.49"), px("20.05"), px("19.95")]


def test_what_was_taken_from_the_quote_in_force_is_remembered_over_a_kill() -> None:
    record = MemoryRecord()
    exchange = venue(record=record)
    happen(exchange, quote("CSPX", at(1, 10), "99.90", "100", ask_size="25"))
    send(exchange, at(1, 10), buy("a", "CSPX", "20"))
    resumed = venue(record=record)
    filled = [f.quantity for f in send(resumed, at(1, 10), buy("b", "CSPX", "20")) if isinstance(f, Fill)]
    assert filled == [qty("5")]


def test_movements_of_cash_are_in_the_file(tmp_path: Path) -> None:
    record = SqliteRecord(tmp_path / "venue.sqlite")
    exchange = venue(record=record)
    exchange.move_cash("gift", "deposit", "USD", cash("5"), "", at(1, 8))
    exchange.take(at(1, 8))
    resumed = venue(record=record)
    resumed.move_cash("gift", "deposit", "USD", cash("5"), "", at(1, 8))
    assert resumed.take(at(1, 8)) == []
    assert resumed.snapshot("s", 0).moves == (CashMoved("gift", "deposit", "USD", cash("5"), "", at(1, 8)),)
    assert resumed.account.cash == {"USD": cash("1000005")}


def test_a_step_that_cannot_be_written_whole_is_not_written_at_all(tmp_path: Path) -> None:
    """Another hand has already put this execution into the file: the whole step is rolled back."""
    path = tmp_path / "venue.sqlite"
    exchange = venue(record=SqliteRecord(path))
    happen(exchange, quote("CSPX", at(1, 10), "99.90", "100"))
    exchange.submit(buy("a", "CSPX"), at(1, 10))
    (fill,) = exchange.snapshot("s", 0).fills
    db = sqlite3.connect(path)
    db.execute("INSERT INTO executions VALUES (1, ?, 'x', 'x', 'x', 1, 1, 1, 0, 'USD', 0)", (fill.exec_id,))
    db.commit()
    with pytest.raises(sqlite3.IntegrityError):
        exchange.take(at(1, 10))
    assert db.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    db.close()
