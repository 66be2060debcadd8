"""The venue listens to the highest token alone, and ends our orders when nobody renews their lease."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.leases import CancelAfter
from model.orders import CancelAtVenue, OrderCancelled, OrderSpec, SubmitOrder, TimeInForce
from simulation.exchange import Exchange, MemoryRecord, PutOffRecord, SqliteRecord, VenueRecord, VenueRules
from tests.exchange.kit import at, buy
from tests.exchange.kit import venue as exchange

RULES = VenueRules(latency_ns=1_000, margin=False, cancel_timer=True)
SECOND = 10**9


def venue(record: VenueRecord | None = None, rules: VenueRules = RULES) -> Exchange:
    made = exchange(rules=rules, record=record)
    made.connect(at(0, 10))
    made.take(at(0, 10))
    return made


def order(name: str, tif: TimeInForce = TimeInForce.DAY) -> OrderSpec:
    return buy(name, "CSPX", limit="90", tif=tif)


def open_at(made: Exchange) -> list[str]:
    return [each.client_id for each in made.snapshot("s", 0).orders]


def test_a_higher_token_shuts_out_every_lower_one_for_ever() -> None:
    made = venue()
    assert made.receive(SubmitOrder(order("hr-1")), at(0, 10), token=4)
    assert made.receive(SubmitOrder(order("hr-2")), at(0, 10), token=5)
    assert not made.receive(SubmitOrder(order("hr-3")), at(0, 10), token=4)
    assert not made.receive(CancelAtVenue("hr-2"), at(0, 10), token=0)
    made.take(at(0, 11))
    assert made.door.refused == 2
    assert "hr-3" not in made.desk.orders
    assert "hr-2" in open_at(made)


def test_what_is_under_way_when_the_fence_goes_up_is_refused_on_arrival() -> None:
    made = venue()
    assert made.receive(SubmitOrder(order("hr-1")), at(0, 10), token=4)
    made.door.fence(5)
    made.take(at(0, 11))
    assert made.desk.orders == {}


def test_the_fence_stands_after_the_venue_itself_was_killed(tmp_path: Path) -> None:
    made = venue(SqliteRecord(tmp_path / "venue.sqlite"))
    made.receive(SubmitOrder(order("hr-1")), at(0, 10), token=5)
    made.take(at(0, 11))
    again = venue(SqliteRecord(tmp_path / "venue.sqlite"))
    assert not again.receive(CancelAtVenue("hr-1"), at(0, 11), token=4)
    assert again.receive(CancelAtVenue("hr-1"), at(0, 11), token=5)


def test_the_timer_ends_what_nobody_renewed_and_leaves_what_is_meant_to_stay() -> None:
    made = venue()
    made.submit(order("hr-day"), at(0, 10))
    made.submit(order("hr-protects", tif=TimeInForce.GTC), at(0, 10))
    made.receive(CancelAfter(60 * SECOND), at(0, 10))
    made.take(at(0, 10) + 50 * SECOND)
    made.receive(CancelAfter(60 * SECOND), at(0, 10) + 50 * SECOND)
    made.take(at(0, 10) + 109 * SECOND)
    assert open_at(made) == ["hr-day", "hr-protects"]
    assert made.next_ns() == at(0, 10) + 110 * SECOND + 1_000
    facts = made.take(at(0, 10) + 111 * SECOND)
    assert [(each.client_id, each.reason) for each in facts if isinstance(each, OrderCancelled)] == [
        ("hr-day", "the cancel timer was not renewed")
    ]
    assert open_at(made) == ["hr-protects"]


def test_a_request_for_no_time_stops_the_timer() -> None:
    made = venue()
    made.submit(order("hr-1"), at(0, 10))
    made.receive(CancelAfter(SECOND), at(0, 10))
    made.receive(CancelAfter(0), at(0, 10))
    made.take(at(0, 12))
    assert open_at(made) == ["hr-1"]


@pytest.mark.parametrize("put_off", [False, True])
def test_the_timer_goes_on_in_a_venue_that_was_killed(put_off: bool) -> None:
    kept = MemoryRecord()
    record: MemoryRecord | PutOffRecord = PutOffRecord(kept) if put_off else kept
    made = venue(record)
    made.submit(order("hr-1"), at(0, 10))
    made.receive(CancelAfter(60 * SECOND), at(0, 10))
    made.take(at(0, 10) + SECOND)
    again = exchange(rules=RULES, record=record)
    again.take(at(0, 10) + 61 * SECOND)
    assert open_at(again) == []


def test_a_venue_without_a_timer_takes_no_request_for_one() -> None:
    made = venue(rules=VenueRules())
    with pytest.raises(ValueError, match="is not a request to a venue"):
        made.receive(CancelAfter(SECOND), at(0, 10))
