"""Several accounts behind one gateway, and what a broker is set up with."""

from __future__ import annotations

import pytest

from simulation.exchange import Exchange, VenueRules
from simulation.tws.broker import Broker, BrokerRules
from simulation.tws.broker.zone import Zone
from simulation.tws.replies import AccountSummary, OrderStatus

from .kit import CALENDAR, OPEN, STOCK, Desk, Shelf, at, buy, errors, executions

BOTH = ("DU100", "DU200")


def test_an_order_goes_to_the_account_that_it_names() -> None:
    desk = Desk(accounts=BOTH)
    desk.quote(STOCK, "100", "100.1")
    assert executions(desk.place(1, buy(10, account="DU200")))[0].execution.account == "DU200"
    assert [(p.account, p.quantity) for p in desk.broker.answers.positions()] == [("DU200", 10.0)]
    assert desk.value("CashBalance", account="DU100") == "100000.00"
    assert desk.value("CashBalance", account="DU200") == "98998.00"


def test_an_order_without_an_account_is_refused_where_there_are_several() -> None:
    assert errors(Desk(accounts=BOTH).place(1, buy(10))) == [321]


def test_a_change_cannot_move_an_order_to_another_account() -> None:
    desk = Desk(accounts=BOTH)
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.0, account="DU100"))
    assert errors(desk.place(1, buy(10, limit=99.0, account="DU200"))) == [105]


def test_every_account_is_summarised_and_told_to_who_connects() -> None:
    desk = Desk(accounts=BOTH)
    rows = desk.broker.answers.summary(3, "TotalCashValue")
    assert [each.account for each in rows if isinstance(each, AccountSummary)] == ["DU100", "DU200"]
    assert desk.broker.connect(5).accounts == "DU100,DU200"
    with pytest.raises(KeyError):
        desk.broker.answers.account_values("DU300")


def test_a_client_id_is_used_once_at_a_time() -> None:
    desk = Desk()
    with pytest.raises(ValueError, match="in use"):
        desk.broker.connect(1)
    desk.broker.disconnect(1)
    assert desk.broker.connect(1).next_order_id == 1


def bare_exchange(rules: VenueRules) -> Exchange:
    return Exchange(
        instruments={},
        sessions={"XTST": CALENDAR},
        cash={"USD": 0},
        base_currency="USD",
        fx=lambda name: None,
        rules=rules,
    )


def test_margin_and_latency_are_the_brokers_and_not_the_exchanges() -> None:
    for rules in (VenueRules(), VenueRules(margin=False, latency_ns=1)):
        with pytest.raises(ValueError, match="neither"):
            Broker({"DU1": bare_exchange(rules)}, Shelf(), now_ns=OPEN)
    with pytest.raises(ValueError, match="at least one account"):
        Broker({}, Shelf(), now_ns=OPEN)


def test_rules_that_make_no_sense_are_refused() -> None:
    for how in ({"route_ns": -1}, {"most_working": 0}, {"maintenance_bps": 0}):
        with pytest.raises(ValueError, match="broker rules"):
            BrokerRules(**how)  # type: ignore[arg-type]


def test_prices_and_transfers_of_unknown_contracts_are_errors() -> None:
    desk = Desk()
    with pytest.raises(LookupError):
        desk.broker.on_quote(99, 1, 2, 3, 4, OPEN)
    with pytest.raises(LookupError):
        desk.broker.transfer("DU100", 99, 1, 1)


def test_the_broker_says_when_it_wants_a_turn() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    desk.place(1, buy(10, limit=99.0))
    due = desk.broker.next_ns()
    assert due is not None
    assert at(0, 20) <= due < at(0, 20) + 10
    said = desk.wait(due)
    assert [m.status for _, m in said if isinstance(m, OrderStatus)][-1] == "Cancelled"


def test_changes_count_what_happens_and_not_prices() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    before = desk.broker.changes
    desk.quote(STOCK, "100.1", "100.2")
    desk.quote(STOCK, "100.2", "100.3")
    assert desk.broker.changes == before
    desk.place(1, buy(10, limit=99.0))
    assert desk.broker.changes > before


def test_times_are_read_as_clients_write_them() -> None:
    zone = Zone("US/Eastern")
    assert zone.parse("20200106 10:00:00") == zone.parse("20200106-15:00:00") == at(0, 15)
    assert zone.parse("20200106 16:00 Europe/Berlin") == at(0, 15)
    assert zone.parse("20200106") == zone.midnight(at(0, 15)) == at(0, 5)
    assert zone.next_midnight(at(0, 15)) == at(1, 5)
    for text in ("", "noon", "20200106 10:00:00 Mars/Olympus", "20201306", "1 2 3 4"):
        with pytest.raises(ValueError, match=r"\S"):
            zone.parse(text)
