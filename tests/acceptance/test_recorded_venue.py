"""A replay's venue: open when the record has a close, and patient with legs that trade at closes hours apart."""

from __future__ import annotations

from actors.parameters import legging_policy
from app.recorded_sessions import recorded_venue
from app.sessions import calendars_for
from config.execution import ExecutionPolicy, Policy
from config.loader import load
from model.units import NS_PER_DAY, NS_PER_SECOND
from state.lake import Lake


def test_the_venue_is_closed_on_days_that_the_record_does_not_have(places: tuple[str, ...]) -> None:
    """Scar: CME's rates calendar calls Memorial Day a session. A roll sent for it expired, and was stuck for weeks."""
    configuration = load("spine", environment={}, overrides=places)
    lake = Lake(configuration.settings.data.lake_dir)
    calendars = calendars_for(configuration)
    instruments, sessions = recorded_venue(lake, configuration.instruments, calendars)
    published = calendars[configuration.instruments["US10"].calendar]
    recorded = sessions[instruments["US10"].calendar]
    assert published.on(20060529) is not None
    assert recorded.on(20060529) is None
    friday = recorded.on(20060526)
    assert friday is not None
    after = recorded.closing_after(friday.closes_ns)
    assert after is not None
    assert after.date == 20060530
    bars = lake.bars("US10", 20060530, 20060530)
    assert after.closes_ns == int(bars.at_ns.max())
    assert after.opens_ns >= friday.closes_ns
    beyond = recorded.closing_after(int(lake.bars("US10").at_ns.max()))
    assert beyond is not None
    assert published.on(beyond.date) == beyond


def test_no_clock_runs_for_legs_in_auctions() -> None:
    """Scar: Eurex closes hours before Chicago, and after sixty seconds the index pair was undone every time."""
    auctions = legging_policy(ExecutionPolicy(policy=Policy.CLOSE_AUCTION))
    assert min(auctions.notice_ns, auctions.unhedged_ns) > 20 * NS_PER_DAY
    limits = legging_policy(ExecutionPolicy(policy=Policy.MARKETABLE_LIMIT))
    assert limits.unhedged_ns == 60 * NS_PER_SECOND
