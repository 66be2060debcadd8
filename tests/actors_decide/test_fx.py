"""FX: one frozen snapshot per cycle, with source, age and quality, and never a rate that nobody quoted."""

from __future__ import annotations

import pytest

from actors.fx import Fx, FxFixed, FxRules
from engine.effects import Ref
from model.decisions import CycleFx
from model.market import FxRateSeen, Quality
from model.units import NS_PER_DAY, PX_SCALE, px
from tests.actors_decide.made import clocked, cycle, journalled, put_away, told


def fx(base: str = "USD", quoted_in: str = "USD") -> Fx:
    listeners: list[Ref[CycleFx]] = [Ref("regime"), Ref("portfolio"), Ref("risk")]
    return clocked(Fx(base=base, quoted_in=quoted_in, listeners=listeners, rules=FxRules(max_age_ns=2 * NS_PER_DAY)))


def seen(actor: Fx, currency: str, rate: str, at_ns: int = 0, source: str = "ecb") -> None:
    actor.on_fx_rate_seen(FxRateSeen(currency, px(rate), source, at_ns))


def test_every_listener_hears_the_same_frozen_snapshot() -> None:
    actor = fx()
    seen(actor, "EUR", "1.10")
    effects = list(actor.on_cycle_opened(cycle(20240102).cycle) or ())
    snapshots = told(effects, CycleFx)
    assert len(snapshots) == 3
    assert snapshots[0] == snapshots[1] == snapshots[2]
    assert snapshots[0].fx.rates["EUR"].rate == px("1.10")
    assert snapshots[0].fx.rates["EUR"].source == "ecb"
    assert snapshots[0].fx.rates["USD"].rate == PX_SCALE
    assert journalled(effects, FxFixed)[0].fx == snapshots[0].fx


def test_a_book_in_euros_crosses_through_the_dollar() -> None:
    """1.32 dollars a pound over 1.10 dollars a euro is 1.2 euros a pound."""
    actor = fx("EUR")
    seen(actor, "EUR", "1.10", source="a")
    seen(actor, "GBP", "1.32", source="b")
    rates = actor.snapshot_at(0).rates
    assert rates["GBP"].rate == px("1.2")
    assert rates["GBP"].source == "a and b"
    assert rates["USD"].rate == px("0.909090909")
    assert rates["EUR"].rate == PX_SCALE


@pytest.mark.parametrize("currency", ["SEK", "EUR"])
def test_a_currency_that_nobody_quoted_is_not_there(currency: str) -> None:
    assert currency not in fx().snapshot_at(0).rates


def test_without_the_rate_to_cross_through_only_the_base_is_known() -> None:
    actor = fx("EUR")
    seen(actor, "GBP", "1.32")
    assert list(actor.snapshot_at(0).rates) == ["EUR"]


def test_a_rate_past_its_age_is_stale_and_so_is_a_cross_through_it() -> None:
    actor = fx("EUR")
    seen(actor, "EUR", "1.10", at_ns=0)
    seen(actor, "GBP", "1.32", at_ns=2 * NS_PER_DAY)
    assert actor.snapshot_at(2 * NS_PER_DAY).rates["GBP"].quality is Quality.GOOD
    late = actor.snapshot_at(2 * NS_PER_DAY + 1).rates["GBP"]
    assert late.quality is Quality.STALE
    assert late.at_ns == 0


def test_a_jump_waits_until_it_is_seen_twice() -> None:
    actor = fx()
    seen(actor, "CHF", "1.00", 1)
    seen(actor, "CHF", "1.30", 2)
    assert actor.snapshot_at(2).rates["CHF"].quality is Quality.SUSPECT
    assert actor.snapshot_at(2).rates["CHF"].rate == px("1")
    seen(actor, "CHF", "1.29", 3)
    assert actor.snapshot_at(3).rates["CHF"].quality is Quality.GOOD
    assert actor.snapshot_at(3).rates["CHF"].rate == px("1.29")


@pytest.mark.parametrize("rate", ["0", "-1"])
def test_what_is_no_rate_changes_nothing(rate: str) -> None:
    actor = fx()
    seen(actor, "EUR", "1.10", 1)
    seen(actor, "EUR", rate, 2)
    assert actor.snapshot_at(2).rates["EUR"].rate == px("1.10")


def test_the_same_run_asked_again_gets_the_same_rates_even_after_a_restart() -> None:
    one = fx()
    seen(one, "EUR", "1.10")
    first = list(one.on_cycle_opened(cycle(20240102).cycle) or ())
    two = fx()
    two.restore(put_away(one.snapshot()))
    three = fx()
    three.fold_fx_fixed(journalled(first, FxFixed)[0])
    for actor in (one, two, three):
        seen(actor, "EUR", "1.11", 1)
        again = list(actor.on_cycle_opened(cycle(20240102).cycle) or ())
        assert told(again, CycleFx)[0].fx == told(first, CycleFx)[0].fx
        assert journalled(again, FxFixed) == []
