"""Whatever a client sends, the broker answers and goes on: nothing is raised, and the account still adds up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from simulation.tws.requests import PlaceOrder
from simulation.tws.terms import ComboLeg, Contract, ExecutionFilter, Order

from .kit import ACCOUNT, CONTRACTS, SPREAD, STOCK, Desk, at

numbers = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 100.0, 99.995, 1e-9, 1e-10, 1e18, 1e300, float("nan"), float("inf")]),
    st.floats(),
)
sure_numbers = numbers.filter(lambda value: value is not None)
words = st.sampled_from(
    ["", "BUY", "SELL", "DAY", "GTC", "GTD", "OPG", "AUC", "MKT", "g", "\x00", "é" * 50, "Adaptive"]
)
times = st.sampled_from(
    ["", "x", "20200106", "20200107 10:00:00", "20200107-10:00:00", "99999999 10:00:00", "20200107 10:00 Europe",
     "20200107 10:00:00 ../../etc", "00010101 00:00:00", "99991231 23:59:59 US/Eastern", "- -", "20200107 10:00:00 a b"]
)  # fmt: skip
types = st.sampled_from(["MKT", "LMT", "STP", "STP LMT", "TRAIL", "MOC", "LOC", "MOO", "LOO", "MTL", "", "BOX TOP"])
tifs = st.sampled_from(["", "DAY", "GTC", "IOC", "FOK", "GTD", "OPG", "AUC", "X"])

orders = st.builds(
    Order,
    action=st.sampled_from(["BUY", "SELL", "", "SSHORT"]),
    quantity=sure_numbers,
    order_type=types,
    limit=numbers,
    aux=numbers,
    tif=tifs,
    oca_group=words,
    oca_type=st.integers(-1, 4),
    account=st.sampled_from(["", ACCOUNT, "X"]),
    transmit=st.booleans(),
    parent_id=st.integers(-1, 3),
    good_after=times,
    good_till=times,
    trail_stop=numbers,
    trail_percent=numbers,
    all_or_none=st.booleans(),
    display_size=st.integers(-1, 2),
    algo_strategy=st.sampled_from(["", "", "Adaptive", "Vwap"]),
    algo_params=st.lists(st.tuples(words, words), max_size=2).map(tuple),
    what_if=st.booleans(),
    trigger_method=st.integers(0, 9),
    auto_cancel_parent=st.booleans(),
    outside_rth=st.booleans(),
)
legs = st.builds(
    ComboLeg,
    con_id=st.integers(0, 8),
    ratio=st.integers(-1, 3),
    action=st.sampled_from(["BUY", "SELL", ""]),
    exchange=words,
)
contracts = st.one_of(
    st.sampled_from([*CONTRACTS.values(), SPREAD, Contract(), Contract(con_id=-5, sec_type="STK")]),
    st.lists(legs, max_size=3).map(lambda made: replace(SPREAD, legs=tuple(made))),
)


@settings(max_examples=150, deadline=None)
@given(asked=st.lists(st.tuples(st.integers(-1, 4), contracts, orders), min_size=1, max_size=6), when=times)
def test_any_order_is_answered(asked: list[tuple[int, Contract, Order]], when: str) -> None:
    desk = Desk()
    for con_id in CONTRACTS:
        desk.quote(con_id, "100", "100.25")
    for order_id, contract, order in asked:
        desk.broker.place(1, PlaceOrder(order_id=order_id, contract=contract, order=order))
        told = desk.take()
        assert told or not order.transmit
        desk.quote(STOCK, "99", "99.5")
    desk.broker.answers.executions(1, 1, ExecutionFilter(time=when))
    desk.bar(STOCK, 0, ["99", "101", "90", "95"])
    desk.kill(1)
    desk.wait(at(2, 16))
    desk.broker.answers.completed_orders(1)
    assert desk.take()
    book = desk.broker.books[ACCOUNT]
    for holding in book.costs.holdings.values():
        assert holding.cost - holding.realized == holding.spent(0)
