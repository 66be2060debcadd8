"""Order types, times in force, and what is refused."""

from __future__ import annotations

import pytest

from simulation.exchange import VenueRules
from simulation.tws.broker import BrokerRules, Permissions
from simulation.tws.replies import ErrorMessage, OpenOrder
from simulation.tws.terms import Contract

from .kit import FUTURE, INDEX, OPEN, OPTION, OTHER_OPTION, STOCK, Desk, at, buy, errors, executions, order, sell, story


def priced(desk: Desk, bid: str = "100", ask: str = "100.1") -> Desk:
    desk.quote(STOCK, bid, ask)
    return desk


def test_a_stop_waits_for_its_trigger_and_then_trades_at_the_market() -> None:
    desk = priced(Desk())
    desk.place(1, sell(10, order_type="STP", aux=99.0))
    status = desk.last_status(1)
    assert (status.status, status.why_held) == ("PreSubmitted", "trigger")
    assert executions(desk.quote(STOCK, "99.5", "99.6")) == []
    assert executions(desk.quote(STOCK, "98.8", "98.9"))[0].execution.price == 98.8
    assert desk.last_status(1).why_held == ""


def test_a_stop_limit_becomes_a_limit_that_can_rest() -> None:
    desk = priced(Desk())
    desk.place(1, sell(10, order_type="STP LMT", aux=99.0, limit=98.9))
    assert executions(desk.quote(STOCK, "98.5", "98.6")) == []
    assert desk.last_status(1).status == "Submitted"
    assert executions(desk.quote(STOCK, "98.9", "99"))[0].execution.price == 98.9


def test_once_a_trade_was_seen_stops_go_by_the_last_price() -> None:
    desk = priced(Desk())
    desk.trade(STOCK, "100")
    desk.place(1, sell(10, order_type="STP", aux=99.0))
    assert executions(desk.quote(STOCK, "98", "98.1")) == []
    assert executions(desk.trade(STOCK, "98.9"))[0].execution.price == 98.0


def test_a_trailing_stop_follows_the_market_up_and_never_down() -> None:
    desk = priced(Desk())
    desk.place(1, sell(10, order_type="TRAIL", aux=1.0))
    assert executions(desk.quote(STOCK, "103", "103.1")) == []
    said = desk.quote(STOCK, "102.5", "102.6")
    assert said == []
    told = [m.order.trail_stop for _, m in desk.said if isinstance(m, OpenOrder)]
    assert told[-1] == 102.0
    assert executions(desk.quote(STOCK, "101.9", "102"))[0].execution.price == 101.9


def test_a_stop_that_the_market_is_already_through_triggers_at_once() -> None:
    desk = priced(Desk())
    assert executions(desk.place(1, sell(10, order_type="STP", aux=101.0)))[0].execution.price == 100.0
    desk.place(2, sell(10, order_type="TRAIL", aux=1.0))
    assert [m.order.trail_stop for _, m in desk.said if isinstance(m, OpenOrder)][-1] == 99.0
    desk.trade(STOCK, "98")
    assert executions(desk.said[-5:])[0].execution.order_id == 2
    assert executions(desk.place(3, sell(10, order_type="STP", aux=98.5))) == []
    desk.cancel(3)
    desk.trade(STOCK, "100.05")
    assert executions(desk.place(4, sell(10, order_type="STP", aux=100.08)))[0].execution.price == 100.0


def test_a_trailing_percentage_is_rounded_to_a_tick() -> None:
    desk = priced(Desk())
    desk.place(1, buy(10, order_type="TRAIL", trail_percent=1.0))
    desk.quote(STOCK, "90", "90.05")
    told = [m.order.trail_stop for _, m in desk.said if isinstance(m, OpenOrder)]
    assert told[-1] == 90.96  # 90.05 and 0.9005, up to a cent


def test_a_stop_that_a_bar_touches_trades_at_the_next_price() -> None:
    desk = Desk()
    desk.place(1, sell(10, order_type="STP", aux=99.0))
    desk.bar(STOCK, 0, ["100", "100.5", "98.5", "100"], hour=16)
    assert desk.last_status(1).status == "Submitted"
    assert executions(desk.bar(STOCK, 0, ["99.7", "99.9", "99.5", "99.6"], hour=17))[0].execution.price == 99.7


@pytest.mark.parametrize(("kind", "limit"), [("MOC", None), ("LOC", 101.0)])
def test_orders_for_the_close_trade_in_the_closing_print(kind: str, limit: float | None) -> None:
    desk = priced(Desk())
    desk.place(1, buy(10, order_type=kind, limit=limit))
    done = executions(desk.bar(STOCK, 0, ["100", "100.5", "99", "100.5"]))
    assert done[0].execution.price == 100.5


@pytest.mark.parametrize(
    "how", [{"tif": "OPG"}, {"order_type": "MOO"}, {"order_type": "LMT", "limit": 101.0, "tif": "OPG"}]
)
def test_orders_for_the_open_trade_in_the_next_opening_print(how: dict[str, object]) -> None:
    desk = priced(Desk())
    desk.place(1, buy(10, **how))
    desk.bar(STOCK, 0, ["100", "100", "100", "100"])
    done = executions(desk.bar(STOCK, 1, ["99", "100.5", "98", "100.5"]))
    assert done[0].execution.price == 99.0


def test_an_auction_order_trades_in_the_next_auction() -> None:
    desk = priced(Desk())
    desk.place(1, buy(10, order_type="MTL", tif="AUC"))
    assert executions(desk.bar(STOCK, 0, ["100", "101", "99", "100.5"]))[0].execution.price == 100.5


def test_what_a_market_to_limit_order_leaves_rests_at_its_fill_price() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1", size="4")
    desk.place(1, buy(10, order_type="MTL"))
    status = desk.last_status(1)
    assert (status.status, status.filled) == ("Submitted", 4.0)
    assert executions(desk.quote(STOCK, "100.1", "100.2")) == []
    assert executions(desk.quote(STOCK, "100", "100.1"))[0].execution.shares == 6.0


def test_a_patient_adaptive_order_tries_the_middle_before_it_crosses() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1")
    how = {"algo_strategy": "Adaptive", "algo_params": (("adaptivePriority", "Patient"),)}
    assert executions(desk.place(1, buy(10, **how))) == []
    assert executions(desk.wait(desk.now_ns + 29 * 10**9)) == []
    assert executions(desk.wait(desk.now_ns + 10**9))[0].execution.price == 100.1
    desk.place(2, sell(10, **how))
    assert executions(desk.quote(STOCK, "100.05", "100.2"))[0].execution.price == 100.05


def test_an_urgent_adaptive_order_crosses_at_once() -> None:
    desk = priced(Desk())
    said = desk.place(1, buy(10, algo_strategy="Adaptive", algo_params=(("adaptivePriority", "Urgent"),)))
    assert executions(said)[0].execution.price == 100.1


def test_all_or_none_waits_for_a_quote_that_fills_it_whole() -> None:
    desk = Desk()
    desk.quote(STOCK, "100", "100.1", size="5")
    desk.place(1, buy(10, limit=100.1, all_or_none=True))
    assert executions(desk.quote(STOCK, "100", "100.1", size="9")) == []
    assert executions(desk.quote(STOCK, "100", "100.1", size="10"))[0].execution.shares == 10.0


def test_a_day_order_ends_with_its_session_and_a_gtc_order_does_not() -> None:
    desk = priced(Desk())
    desk.place(1, buy(10, limit=90.0))
    desk.place(2, buy(10, limit=90.0, tif="GTC"))
    desk.place(3, sell(10, order_type="STP", aux=80.0))
    said = desk.wait(at(0, 21))
    assert errors(said) == [202, 202]
    assert [desk.last_status(i).status for i in (1, 2, 3)] == ["Cancelled", "Submitted", "Cancelled"]
    assert executions(desk.quote(STOCK, "89.9", "90", at_ns=at(1, 15)))[0].execution.order_id == 2


def test_a_gtd_order_ends_at_its_moment() -> None:
    desk = priced(Desk())
    desk.place(1, buy(10, limit=90.0, tif="GTD", good_till="20200106 11:00:00 US/Eastern"))
    assert desk.wait(at(0, 16) - 1) == []
    assert errors(desk.wait(at(0, 16))) == [202]


def test_good_after_holds_an_order_until_its_time() -> None:
    desk = priced(Desk())
    desk.place(1, buy(10, good_after="20200106-16:00:00"))
    assert desk.last_status(1).status == "PreSubmitted"
    desk.wait(at(0, 16))
    assert desk.last_status(1).status == "Filled"


def test_an_ioc_order_at_night_is_held_until_the_open() -> None:
    desk = Desk(now_ns=at(0, 12))
    assert errors(desk.place(1, buy(10, limit=101.0, tif="IOC"))) == [399]
    desk.quote(STOCK, "100", "100.1", at_ns=at(0, 14))
    assert desk.last_status(1).status == "Filled"


REFUSED = [
    ({"order_type": "MOC", "tif": "GTC"}, 113),
    ({"order_type": "STP", "aux": 99.0, "tif": "IOC"}, 113),
    ({"limit": 99.005}, 110),
    ({"order_type": "STP", "aux": 99.001}, 110),
    ({"limit": float("nan")}, 321),
    ({"order_type": "LMT"}, 321),
    ({"order_type": "STP"}, 321),
    ({"order_type": "TRAIL"}, 321),
    ({"tif": "GTX"}, 321),
    ({"quantity": 0.0}, 321),
    ({"quantity": 1.5}, 321),
    ({"limit": -1.0}, 321),
    ({"conditions": (("1",),)}, 321),
    ({"hidden": True}, 321),
    ({"trigger_method": 3}, 321),
    ({"algo_strategy": "Vwap"}, 321),
    ({"algo_strategy": "Adaptive", "algo_params": (("adaptivePriority", "Lazy"),)}, 321),
    ({"account": "DU999"}, 321),
    ({"limit": 99.0, "tif": "GTD", "good_till": "20200105 11:00:00"}, 321),
    ({"limit": 99.0, "tif": "GTD", "good_till": "tomorrow"}, 321),
    ({"limit": 99.0, "good_till": "20200107 11:00:00"}, 382),
    ({"limit": 99.0, "tif": "IOC", "all_or_none": True}, 382),
    ({"display_size": 5}, 382),
    ({"oca_group": "g", "limit": 99.0, "tif": "IOC"}, 382),
    ({"algo_strategy": "Adaptive", "limit": 99.0, "tif": "GTC"}, 382),
    ({"e_trade_only": True}, 10268),
    ({"firm_quote_only": True}, 10269),
]


@pytest.mark.parametrize(("how", "code"), REFUSED)
def test_what_is_wrong_with_an_order_has_its_code_and_nothing_is_done(how: dict[str, object], code: int) -> None:
    desk = priced(Desk())
    assert story(desk.place(1, buy(how.pop("quantity", 10), **how))) == [f"error {code}"]  # type: ignore[arg-type]
    assert story(desk.ask_all()) == ["OpenOrderEnd"]


def test_an_unknown_action_is_an_invalid_request() -> None:
    assert errors(priced(Desk()).place(1, order("SSHORT", 10))) == [321]


def test_contracts_have_their_own_refusals() -> None:
    desk = priced(Desk(permissions=Permissions(sec_types=frozenset({"STK", "IND"}), closed=frozenset({3}))))
    assert errors(desk.place(1, buy(1), contract=Contract(con_id=99))) == [200]
    assert errors(desk.place(1, buy(1), INDEX)) == [10345]
    assert errors(desk.place(1, buy(1), FUTURE)) == [203]
    assert errors(desk.place(1, buy(1), 3)) == [203]
    assert errors(priced(Desk()).place(1, buy(1, order_type="MOC"), OPTION)) == [111]


def test_a_read_only_gateway_takes_no_order() -> None:
    assert errors(Desk(permissions=Permissions(read_only=True)).place(1, buy(1))) == [321]


def test_precautions_stop_orders_that_are_too_large_or_too_far() -> None:
    desk = priced(Desk(rules=BrokerRules(far_bps=500, most_quantity=100)))
    assert errors(desk.place(1, buy(101, limit=100.0))) == [383]
    assert errors(desk.place(1, buy(10, limit=106.0))) == [109]
    assert errors(desk.place(1, sell(10, limit=94.0))) == [109]
    assert errors(desk.place(1, buy(10, limit=105.0))) == []


def test_only_so_many_orders_may_work_on_one_side_of_a_contract() -> None:
    desk = priced(Desk(rules=BrokerRules(most_working=3)))
    for order_id in (1, 2, 3):
        assert errors(desk.place(order_id, buy(1, limit=90.0))) == []
    assert errors(desk.place(4, buy(1, limit=90.0))) == [201]
    assert errors(desk.place(5, sell(1, limit=110.0))) == []


def test_short_shares_that_cannot_be_found_hold_the_order() -> None:
    desk = priced(Desk(venue=VenueRules(margin=False, locates={})))
    assert errors(desk.place(1, sell(10))) == [404]
    status = desk.last_status(1)
    assert (status.status, status.why_held) == ("PreSubmitted", "locate")
    assert story(desk.cancel(1))[-1] == "error 202"


def test_an_order_goes_on_when_its_shares_have_been_found() -> None:
    locates = {"ABC": 0}
    desk = priced(Desk(venue=VenueRules(margin=False, locates=locates)))
    desk.place(1, sell(10))
    locates["ABC"] = 10 * 10**8
    desk.broker.locate(STOCK)
    assert executions(desk.take())[0].execution.shares == 10.0


def test_what_only_the_exchange_refuses_is_201() -> None:
    desk = Desk()
    desk.quote(OPTION, "5", "5.1")
    assert errors(desk.place(1, buy(1, limit=0.0), OPTION)) == [201]
    assert desk.last_status(1).status == "Inactive"
    desk.place(2, buy(1, limit=4.0), OPTION)
    assert errors(desk.place(2, buy(3, limit=0.0), OPTION)) == [201]
    assert (desk.last_status(2).status, desk.last_status(2).remaining) == ("Submitted", 1.0)
    assert executions(desk.quote(OPTION, "3.9", "4"))[0].execution.shares == 1.0


def test_trigger_methods_say_which_price_counts() -> None:
    for method, bid, ask, triggers in (
        (4, "98.9", "99.3", True),
        (8, "98.9", "99.3", False),
        (8, "98.8", "99.1", True),
    ):
        desk = priced(Desk())
        desk.place(1, sell(10, order_type="STP", aux=99.0, trigger_method=method))
        assert bool(executions(desk.quote(STOCK, bid, ask))) is triggers


def test_a_preset_time_in_force_is_a_warning() -> None:
    desk = priced(Desk(rules=BrokerRules(preset_tif="DAY")))
    said = desk.place(1, buy(10, limit=90.0))
    assert errors(said) == [10349]
    assert desk.last_status(1).status == "Submitted"
    assert [m.order.tif for _, m in said if isinstance(m, OpenOrder)][-1] == "DAY"


def test_a_held_order_that_names_outside_hours_in_an_auction_is_told_that_it_has_no_meaning() -> None:
    desk = priced(Desk(now_ns=OPEN))
    said = desk.place(1, buy(10, order_type="MOC", outside_rth=True))
    assert [m.code for _, m in said if isinstance(m, ErrorMessage)] == [2109]


def test_outside_regular_hours_only_orders_that_say_so_trade() -> None:
    desk = Desk(now_ns=at(0, 14.5))  # the session is open, regular hours begin at 15:00 UTC
    desk.quote(OTHER_OPTION, "5", "5.1")
    said = desk.place(1, buy(1, limit=5.2), OTHER_OPTION)
    assert errors(said) == [399]
    assert "10:00:00 US/Eastern" in next(m.text for _, m in said if isinstance(m, ErrorMessage))
    desk.place(2, buy(1, limit=5.2, outside_rth=True), OTHER_OPTION)
    assert [desk.last_status(i).status for i in (1, 2)] == ["PreSubmitted", "Filled"]
    desk.wait(at(0, 15))
    assert desk.last_status(1).status == "Filled"


def test_an_order_that_keeps_to_regular_hours_is_taken_back_when_they_end() -> None:
    desk = Desk()
    desk.quote(OTHER_OPTION, "5", "5.1")
    desk.place(1, buy(1, limit=4.9, tif="GTC"), OTHER_OPTION)
    desk.place(2, buy(1, limit=4.9, tif="GTC", outside_rth=True), OTHER_OPTION)
    assert story(desk.wait(at(0, 19))) == ["openOrder PreSubmitted", "orderStatus PreSubmitted"]
    assert executions(desk.quote(OTHER_OPTION, "4.8", "4.9"))[0].execution.order_id == 2
    desk.wait(at(1, 15) - 1)
    assert desk.last_status(1).status == "PreSubmitted"
    desk.wait(at(1, 15))
    assert desk.last_status(1).status == "Submitted"
    assert desk.broker.next_ns() == at(1, 19)


def test_a_contract_takes_the_order_types_that_it_lists() -> None:
    desk = Desk()
    desk.quote(OTHER_OPTION, "5", "5.1")
    assert errors(desk.place(1, sell(1, order_type="STP", aux=4.0), OTHER_OPTION)) == [387]
    assert errors(desk.place(1, buy(1, algo_strategy="Adaptive"), OTHER_OPTION)) == [387]
    assert errors(desk.place(1, buy(1, limit=4.0), OTHER_OPTION)) == []


def test_a_quote_of_yesterday_fills_nothing_whole() -> None:
    desk = priced(Desk())
    desk.wait(at(1, 15))
    assert "orderStatus Inactive" in story(desk.place(1, buy(10, limit=101.0, tif="FOK")))
    assert executions(desk.place(2, buy(10, limit=101.0, all_or_none=True))) == []
    assert executions(desk.quote(STOCK, "100", "100.1"))[0].execution.order_id == 2
