"""Frames written by hand from the protocol's tables; two of them in the shape that recorded gateways print."""

from __future__ import annotations

import math

import msgspec
import pytest

from simulation.tws.codec import CodecError, decode_reply, decode_request, encode_reply, encode_request, fields_of
from simulation.tws.replies import (
    CompletedOrder,
    ContractData,
    ErrorMessage,
    ManagedAccounts,
    MarketRule,
    NextValidId,
    OpenOrder,
    OrderStatus,
    Pnl,
    Position,
    PositionEnd,
    ServerMessage,
    TickOption,
    TickPrice,
    TickSize,
)
from simulation.tws.requests import CancelOrder, PlaceOrder, ReqMarketData, ReqPositions, StartApi, UnknownRequest
from simulation.tws.terms import Contract, ContractDetails, Order, OrderState

HUGE = "1.7976931348623157E308"
TESLA = Contract(
    con_id=76792991, symbol="TSLA", sec_type="STK", exchange="SMART", currency="USD", local_symbol="TSLA",
    trading_class="NMS",
)  # fmt: skip
WORKING = Order(
    order_id=13, client_id=100, perm_id=1376327563, action="BUY", quantity=100.0, order_type="MKT", tif="DAY",
    account="DU1", open_close="", oca_type=3, clearing_intent="IB", no_auto_price_for_hedge=True,
)  # fmt: skip
OPEN_AT_164 = (
    "5|13|76792991|TSLA|STK||0|?||SMART|USD|TSLA|NMS|BUY|100|MKT|0|0|DAY||DU1||0||100|1376327563|0|0|0||"
    "1376327563.0/DU1/100||||||||||0||-1|0||||||2147483647|0|0|0||3|0|0||0|0||0|None||0||||?|0|0||0|0||||||0|0|0|"
    "2147483647|2147483647|||0||IB|0|0||0|0|PreSubmitted|"
    + f"{HUGE}|" * 9
    + "|||||0|0|0|None|"
    + f"{HUGE}|" * 6
    + "0|||"
    "|0|1|0|0|0|||0|"
)
COMPLETED_AT_164 = (
    "101|76792991|TSLA|STK||0|?||SMART|USD|TSLA|NMS|BUY|100|MKT|0|0|DAY||DU1||0||1376327563|0|0|0|||||||||||0||-1||||||"
    "2147483647|0|0||3|0||0|None||0|0|0||0|0||||0|0|0|2147483647|2147483647||||IB|0|0||0|Filled|0|0|0|"
    f"{HUGE}|{HUGE}|0|1|0||100|2147483647|0||0|0|9223372036854775807|20261120 12:28:30 US/Eastern|Filled Size: 100|"
)


def on_the_wire(payload: bytes) -> str:
    return payload.decode("ascii").replace("\0", "|")


def read(text: str, version: int = 178) -> ServerMessage:
    return decode_reply(text.removesuffix("|").split("|"), version)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (ManagedAccounts(accounts="DU1,DU2"), "15|1|DU1,DU2|"),
        (NextValidId(order_id=1), "9|1|1|"),
        (TickPrice(req_id=3, kind=1, price=101.25, size=300.0, attributes=1), "1|6|3|1|101.25|300|1|"),
        (TickSize(req_id=3, kind=8, size=1500000.0), "2|6|3|8|1500000|"),
        (TickPrice(req_id=3, kind=2, price=-1.0), "1|6|3|2|-1|0|0|"),
        (PositionEnd(), "62|1|"),
        (Position(account="DU1", contract=TESLA, quantity=-7.0, average_cost=180.5),
         "61|3|DU1|76792991|TSLA|STK||0|||SMART|USD|TSLA|NMS|-7|180.5|"),
        (OrderStatus(order_id=13, status="Filled", filled=100.0, remaining=0.0, average_price=196.52, perm_id=9,
                     last_price=196.52, client_id=100),
         "3|13|Filled|100|0|196.52|9|0|196.52|100||0|"),
    ],
)  # fmt: skip
def test_a_reply_is_written_letter_by_letter(message: ServerMessage, text: str) -> None:
    assert on_the_wire(encode_reply(message, 178)) == text


def test_an_error_says_its_details_from_166() -> None:
    error = ErrorMessage(req_id=3, code=201, text="Order rejected", reject_json='{"a":1}')
    assert on_the_wire(encode_reply(error, 164)) == "4|2|3|201|Order rejected|"
    assert on_the_wire(encode_reply(error, 166)) == '4|2|3|201|Order rejected|{"a":1}|'


def test_an_open_order_is_written_as_a_gateway_of_164_prints_it() -> None:
    message = OpenOrder(contract=TESLA, order=WORKING, state=OrderState(status="PreSubmitted"))
    assert on_the_wire(encode_reply(message, 164)) == OPEN_AT_164
    assert read(OPEN_AT_164, 164) == message


def test_an_open_order_is_read_with_zeros_that_have_a_point_and_a_field_too_many() -> None:
    """As recorded: limit and auxiliary price are 0.0, and something empty stands behind the last field."""
    recorded = OPEN_AT_164.replace("|MKT|0|0|", "|MKT|0.0|0.0|") + "|"
    assert read(recorded, 164) == read(OPEN_AT_164, 164)


def test_a_completed_order_is_written_as_a_gateway_of_164_prints_it() -> None:
    order = msgspec.structs.replace(WORKING, order_id=0, client_id=0)
    state = OrderState(
        status="Filled", completed_time="20261120 12:28:30 US/Eastern", completed_status="Filled Size: 100"
    )
    message = CompletedOrder(contract=TESLA, order=order, state=state, filled_quantity=100.0)
    assert on_the_wire(encode_reply(message, 164)) == COMPLETED_AT_164
    assert read(COMPLETED_AT_164, 164) == message


def test_an_open_order_has_the_fields_of_its_version_and_no_others() -> None:
    message = OpenOrder(contract=TESLA, order=WORKING, state=OrderState())
    lengths = {version: len(fields_of(encode_reply(message, version))) for version in (157, 158, 160, 162, 170, 177)}
    assert lengths == {157: 128, 158: 129, 160: 130, 162: 131, 170: 136, 177: 135}


def test_contract_details_change_at_163_and_164() -> None:
    details = ContractDetails(contract=TESLA, min_size=1.0, size_increment=2.0, suggested_size_increment=100.0)
    frames = {v: fields_of(encode_reply(ContractData(req_id=7, details=details), v)) for v in (162, 163, 164)}
    assert [frame[:3] for frame in frames.values()] == [["10", "8", "7"], ["10", "8", "7"], ["10", "7", "TSLA"]]
    assert [len(frame) for frame in frames.values()] == [39, 40, 40]
    assert (frames[163][-1], frames[164][-3:]) == ("100", ["1", "2", "100"])


def test_last_trade_dates_are_read_as_old_and_new_gateways_write_them() -> None:
    future = ContractDetails(
        contract=Contract(symbol="ES", sec_type="FUT", expiry="20261218"), last_trade_time="08:30:00",
        time_zone="US/Central",
    )  # fmt: skip
    message = ContractData(req_id=7, details=future)
    fields = fields_of(encode_reply(message, 178))
    assert fields[4] == "20261218-08:30:00-US/Central"
    for spelling in (fields[4], "20261218 08:30:00 CST", "20261218-08:30:00"):
        assert decode_reply([*fields[:4], spelling, *fields[5:]], 178) == message


def test_requests_are_read_as_the_table_gives_them() -> None:
    assert decode_request(["71", "2", "5", ""], 178) == StartApi(client_id=5)
    assert decode_request(["61", "1"], 178) == ReqPositions()
    assert decode_request(["4", "1", "13"], 168) == CancelOrder(order_id=13)
    text = "1|11|7|0|AAPL|STK||0.0|||SMART||USD|||0|233|1|0|"
    fields = text.split("|")
    apple = Contract(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
    assert decode_request(fields, 178) == ReqMarketData(
        req_id=7, contract=apple, generic_ticks="233", snapshot=True
    )  # fmt: skip


def test_unset_numbers_are_none_however_a_client_writes_them() -> None:
    placed = PlaceOrder(order_id=1, contract=TESLA, order=Order(action="BUY", quantity=1.0, order_type="MKT"))
    fields = fields_of(encode_request(placed, 178))
    limit = fields.index("MKT") + 1
    for spelling in ("", HUGE, "1.7976931348623157e+308"):
        assert decode_request([*fields[:limit], spelling, *fields[limit + 1 :]], 178) == placed


@pytest.mark.parametrize("spelling", ["-1", "-1.0", "-1.", "-1e0", "", HUGE])
def test_a_greek_that_was_not_computed_is_none_however_a_gateway_writes_it(spelling: str) -> None:
    assert read(f"21|7|13|1|{spelling}|0.5|3|0|0|0|0|100|") == TickOption(
        req_id=7, kind=13, delta=0.5, price=3.0, pv_dividend=0.0, gamma=0.0, vega=0.0, theta=0.0, under_price=100.0
    )  # fmt: skip


BAD = [
    ([], "a message without an id, field 0 (message id): expected a whole number, not an empty frame"),
    (["API"], "a message without an id, field 0 (message id): expected a whole number, not 'API'"),
    ([""], "a message without an id, field 0 (message id): expected a whole number, not ''"),
    (["71", "2"], "message 71 (StartApi), field 2 (client_id): expected a field, but the message ends"),
    (["71", "2", "x", ""], "message 71 (StartApi), field 2 (client_id): expected a whole number, not 'x'"),
    (["71", "2", "1_0", ""], "message 71 (StartApi), field 2 (client_id): expected a whole number, not '1_0'"),
    (["8", "1", "9" * 19], "message 8 (ReqIds), field 2 (count): expected a whole number, not '9999999999999999999'"),
    (["15", "1", "yes"], "message 15 (ReqAutoOpenOrders), field 2 (bind): expected 1 or 0, not 'yes'"),
]


@pytest.mark.parametrize(("fields", "sentence"), BAD)
def test_what_cannot_be_read_is_said_with_place_and_expectation(fields: list[str], sentence: str) -> None:
    with pytest.raises(CodecError) as raised:
        decode_request(fields, 178)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("price", ["nan", "inf", "1e999", "1_0", " 1", "0x1", "٣", "9" * 500])
def test_a_price_that_is_no_finite_number_is_refused(price: str) -> None:
    placed = PlaceOrder(order_id=1, contract=TESLA, order=Order(order_type="LMT", limit=123.5))
    fields = fields_of(encode_request(placed, 178))
    fields[fields.index("123.5")] = price
    with pytest.raises(
        CodecError, match=r"message 3 \(PlaceOrder\), field \d+ \(order.limit\): expected a number, not"
    ):
        decode_request(fields, 178)


@pytest.mark.parametrize("count", ["-1", "4", "250000"])
def test_a_count_beyond_the_message_is_refused(count: str) -> None:
    with pytest.raises(CodecError, match="expected a count from 0 to the 3 fields that follow"):
        read(f"93|26|{count}|0|0.01|1|")


@pytest.mark.parametrize("count", ["250001", "2147483647", "9" * 18])
def test_a_count_that_no_message_has_is_refused(count: str) -> None:
    with pytest.raises(CodecError, match=f"expected a count of at most 250000, not {count}"):
        read(f"93|26|{count}|0|0.01|1|")
    with pytest.raises(CodecError, match="expected at most 250000 items, not 250001"):
        encode_reply(MarketRule(rule_id=26, steps=((0.0, 0.01),) * 250_001), 178)


def test_a_message_id_that_gateways_do_not_have_is_refused_as_a_reply() -> None:
    with pytest.raises(CodecError, match=r"message 250 \(unknown\), field 0 \(message id\)"):
        read("250|1|")
    with pytest.raises(CodecError, match=r"message 99 \(TickByTick\), field 2 \(kind\): expected one of 1, 2, 3, 4"):
        read("99|7|5|0|")


def test_what_the_protocol_cannot_say_is_refused_before_it_is_sent() -> None:
    def refused(message: ServerMessage, sentence: str) -> None:
        with pytest.raises(CodecError, match=sentence):
            encode_reply(message, 178)

    for number in (math.nan, math.inf, -math.inf):
        refused(Pnl(req_id=1, daily=0.0, unrealized=number, realized=0.0), r"field 3 \(unrealized\)")
        refused(TickPrice(req_id=1, kind=1, price=number), r"field 4 \(price\): expected a finite number")
    refused(ErrorMessage(code=1, text="a\0b"), r"field 4 \(text\): expected a text without NUL")
    short = msgspec.structs.replace(WORKING, delta_neutral_rest=("0",))
    order = OpenOrder(contract=TESLA, order=short, state=OrderState())
    refused(order, r"\(order.delta_neutral_type\): expected 8 texts or none, not 1")
    odd = msgspec.structs.replace(WORKING, conditions=(("2", "a"),))
    refused(OpenOrder(contract=TESLA, order=odd, state=OrderState()), "expected one of 1, 3, 4, 5, 6, 7, not '2'")
    with pytest.raises(CodecError, match="expected a text without NUL"):
        encode_request(UnknownRequest(number=10, fields=("a\0b",)), 178)


@pytest.mark.parametrize("version", [156, 179, 201, 0])
def test_versions_that_are_not_spoken_are_refused(version: int) -> None:
    with pytest.raises(CodecError, match=f"expected one from 157 to 178, not {version}"):
        decode_request(["61", "1"], version)
    with pytest.raises(CodecError, match=f"not {version}"):
        encode_reply(PositionEnd(), version)
