"""How often history may be asked for, counted by hand."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from simulation.tws.catalogue import Asked, Pacing, no_query
from tests.tws.catalogue.kit import SECOND, refusal

BAR = Asked(con_id=1, exchange="SMART", what="TRADES", bar_s=30, end="", duration="1 D")
PACING = (162, "Historical Market Data Service error message:Historical data request pacing violation")


def different(i: int, **fields: object) -> Asked:
    return replace(BAR, con_id=i, **fields)


def fill(pacing: Pacing, count: int, what: str = "TRADES", every_ns: int = SECOND) -> None:
    """`count` requests for different contracts, answered at once."""
    for i in range(count):
        assert pacing.ask(i * every_ns, different(1_000 + i, what=what), i) == 0
        assert pacing.done(i)


def test_sixty_in_ten_minutes_are_answered_and_the_sixty_first_is_not() -> None:
    pacing = Pacing()
    fill(pacing, 60)
    assert refusal(lambda: pacing.ask(60 * SECOND, BAR, 99)) == PACING


def test_ten_minutes_after_the_first_there_is_room_again() -> None:
    pacing = Pacing()
    fill(pacing, 60)
    assert refusal(lambda: pacing.ask(600 * SECOND - 1, BAR, 99)) == PACING
    assert pacing.ask(600 * SECOND, BAR, 99) == 0


def test_bids_and_asks_count_twice() -> None:
    pacing = Pacing()
    fill(pacing, 30, "BID_ASK")
    assert refusal(lambda: pacing.ask(30 * SECOND, BAR, 99)) == PACING


def test_longer_bars_wait_until_there_is_room() -> None:
    pacing = Pacing()
    fill(pacing, 60)
    slow = replace(BAR, bar_s=60)
    assert pacing.ask(60 * SECOND, slow, 99) == 540 * SECOND
    assert pacing.ask(60 * SECOND, replace(slow, con_id=2, what="BID_ASK"), 100) == 542 * SECOND


def test_the_same_again_within_fifteen_seconds_is_refused() -> None:
    pacing = Pacing()
    assert pacing.ask(0, BAR, 1) == 0
    assert refusal(lambda: pacing.ask(15 * SECOND - 1, BAR, 2)) == PACING
    assert pacing.ask(15 * SECOND, BAR, 3) == 0


def test_another_duration_is_not_the_same() -> None:
    pacing = Pacing()
    assert pacing.ask(0, BAR, 1) == 0
    assert pacing.ask(0, replace(BAR, duration="2 D"), 2) == 0


def test_five_for_one_contract_in_two_seconds_pass_and_the_sixth_does_not() -> None:
    pacing = Pacing()
    for i in range(5):
        assert pacing.ask(i, replace(BAR, end=f"2019061{i}"), i) == 0
    sixth = replace(BAR, end="20190616")
    assert refusal(lambda: pacing.ask(2 * SECOND - 1, sixth, 6)) == PACING
    assert pacing.ask(2 * SECOND - 1, replace(sixth, what="BID"), 7) == 0
    assert pacing.ask(2 * SECOND - 1, replace(sixth, exchange="IBIS"), 8) == 0
    assert pacing.ask(2 * SECOND, sixth, 9) == 0


def test_fifty_may_be_open_at_once() -> None:
    pacing = Pacing()
    for i in range(50):
        assert pacing.ask(i * SECOND, different(i), i) == 0
    said, text = refusal(lambda: pacing.ask(50 * SECOND, different(50), 50))
    assert (said, text) == (322, "Only 50 simultaneous API historical data requests allowed")
    assert pacing.done(17)
    assert pacing.ask(50 * SECOND, different(50), 50) == 0


def test_what_was_refused_counts_for_nothing() -> None:
    pacing = Pacing()
    assert pacing.ask(0, BAR, 1) == 0
    for i in range(100):
        assert refusal(lambda: pacing.ask(1, BAR, 2)) == PACING, i
    assert pacing.ask(15 * SECOND, BAR, 3) == 0


def test_a_request_ends_once() -> None:
    pacing = Pacing()
    assert not pacing.done(1)
    pacing.ask(0, BAR, 1)
    assert pacing.done(1)
    assert not pacing.done(1)
    assert (no_query(1).code, no_query(1).text) == (366, "No historical data query found for ticker id:1")


@pytest.mark.parametrize("what", ["TRADES", "BID_ASK"])
def test_the_limit_of_the_window_holds_at_every_moment(what: str) -> None:
    """Whatever the spacing: answers of any ten minutes weigh at most sixty."""
    pacing, weight = Pacing(), 2 if what == "BID_ASK" else 1
    answered: list[int] = []
    for i in range(300):
        now_ns = i * 7 * SECOND
        asked = different(i, what=what, bar_s=3_600)
        answered.append(now_ns + pacing.ask(now_ns, asked, i))
        pacing.done(i)
    for at_ns in answered:
        assert sum(weight for one in answered if at_ns - 600 * SECOND < one <= at_ns) <= 60
