"""Every state that a proof must reach can be reached, and a play that does not reach it does not claim to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from simulation.prove.oracles import judge
from simulation.prove.sometimes import SOMETIMES, reached
from simulation.stage import Stage
from tests.prove import plays, troubles
from tests.prove.other_venues import OTHER_WITNESSES
from tests.prove.plays import LONG_NS, SECOND, calm

WITNESSES: Mapping[Callable[[], Stage], str] = {
    plays.plain: "question never answered; pair completed",
    plays.modified: "modified; modified twice; modified with a part filled; filled after a change",
    plays.resent: "ack overdue; order lost by the wire; proven absent; resent after proof of absence",
    plays.doubled: "order doubled at the venue",
    plays.rolled: "roll leg filled; variation settled",
    plays.rolled_by_a_spread: "rolled by a spread",
    plays.halted: "resumed by a person",
    plays.reduced: "positions may only shrink; reduction sent when only that might be",
    plays.crashed: "crash with rows that were not durable; crash between commit and sending",
    plays.cut_off: "fill while disconnected; partial fill while disconnected",
    plays.flooded: "mailbox flooded",
    troubles.fill_overtakes_the_ack: "fill before ack",
    troubles.fill_comes_after_the_cancel: "late fill after an end; late fill after a cancel",
    troubles.corrected: "execution corrected",
    troubles.reports_lost_and_doubled: "execution taken twice by the wire",
    troubles.answers_lost: (
        "execution lost by the wire; execution learned late; ack lost by the wire; found filled by a comparison"
    ),
    troubles.ack_lost_of_an_order_that_rests: "found open by a comparison",
    troubles.end_lost: "found ended by a comparison; cancel won",
    troubles.order_late: "order held back by the wire",
    troubles.link_falls_before_the_ack: "order in doubt when the link fell; link lost; question met a dead link",
    troubles.link_falls_under_the_order: "order met a dead link",
    troubles.given_up: "proven absent and given up",
    troubles.refused: "refused by the venue",
    troubles.refused_late: "part filled, and the rest ended; refused after its ack",
    troubles.named_again: "venue name used again",
    troubles.lasts_until_midnight: "expired",
    troubles.cancel_comes_too_late: "cancel lost the race; halt with orders open",
    troubles.proof_comes_too_early: "absence not yet provable",
    troubles.dies_before_an_append: "crash before an append; pair leg alone filled at crash",
    troubles.dies_before_sending: "resent in another life; crash with an order DURABLE",
    troubles.dies_after_sending: "crash with an order sent and not answered",
    troubles.dies_when_answered: "crash with answers that were not recorded; crash while reconciling",
    troubles.dies_around_a_snapshot: "crash around a snapshot",
    troubles.dies_before_a_question: "crash before a question to the venue",
    troubles.dies_with_a_change_on_its_way: "modify pending at crash",
    troubles.dies_with_a_cancel_on_its_way: "cancel pending at crash",
    troubles.dies_with_a_plan_that_was_not_sent: "crash with nothing open; run driven on after a crash",
    troubles.dies_with_the_hand_over_recorded: "crash with an order SENT; filled while the engine was down",
    troubles.dies_twice_in_doubt: "crash with an order UNKNOWN; an order in doubt through two crashes",
    troubles.dies_when_all_is_lost: "crash with an order LOST",
    troubles.dies_with_half_a_roll: "roll half done at crash",
    troubles.killed_while_halted: "crash while stopped; stayed stopped after a crash",
    troubles.killed_while_reconciling: "double crash in recovery",
    troubles.down_for_long: "crash with an order WORKING; filled in part while the engine was down",
    troubles.link_falls_at_the_start: "link lost while reconciling",
    troubles.snapshot_truncated: "snapshot truncated",
    troubles.position_comes_and_goes: (
        "comparison found a break; position differs from the venue's; break healed; instrument locked; "
        "instrument released; denied in a locked instrument"
    ),
    troubles.other_hands: "order adopted; execution of nobody's order; another hand's order seen",
    troubles.halted_while_cancelling: "halt while a cancel is pending",
    troubles.halted_at_the_start: "halted before it traded",
    troubles.resumed_without_a_comparison: "resumed before a comparison",
    troubles.denied: "denied by a limit; denied by the mode; denied with its pair",
    troubles.nothing_is_quoted: "no quote came in time",
    troubles.no_link_for_long: "no link came in time",
    troubles.quotes_a_hundred_times_too_high: "quote too far from the decision",
    troubles.halted_before_the_quote: "halt; waiting intent ended by a halt",
    troubles.bars_a_hundred_times_too_high: "held on a price that is not trusted",
    troubles.decided_again_while_working: "filled in parts; contract left alone while its order works",
    troubles.one_leg_is_slow: "pair stood on one leg; pair healed",
    troubles.one_leg_is_too_large: "pair cancelled; pair unwound",
    troubles.sleeves_want_the_opposite: "sleeves traded with each other",
    troubles.proposal_lost_in_a_crash_of_risk: "run aborted",
    troubles.dividend: "cash moved",
    troubles.sleeve_raises_for_ever: "actor raised; actor quarantined",
    troubles.truth_that_nobody_can_take: "truth poisoned",
    troubles.stuck_key: "engine stopped itself",
    troubles.dies_while_the_disk_works: "crash while the disk worked",
    troubles.dies_with_rows_on_disk: "crash with rows on disk that nobody knew of",
    troubles.named_twice: "two venue names for one order",
    **OTHER_WITNESSES,
}
"""A play, and states that it reaches; together they are all."""


@pytest.mark.parametrize("play", WITNESSES)
def test_a_play_reaches_its_states_and_breaks_no_promise(play: Callable[[], Stage]) -> None:
    with play() as stage:
        found = reached(stage)
        assert [state for state in WITNESSES[play].split("; ") if not found[state]] == []
        stage.venue.relent()
        calm(stage)
        assert judge(stage, quiet_since_ns=stage.now_ns - LONG_NS + SECOND) == []


def test_every_state_has_a_witness() -> None:
    claimed = [state for states in WITNESSES.values() for state in states.split("; ")]
    assert sorted(claimed) == sorted(SOMETIMES)


def test_there_are_enough_states() -> None:
    assert len(set(SOMETIMES)) == len(SOMETIMES) >= 40


def test_a_stage_on_which_nothing_was_wanted_reaches_next_to_nothing() -> None:
    with Stage(seed=7) as stage:
        stage.run("10m")
        assert set(reached(stage)) == {"question never answered"}


def test_a_play_without_trouble_reaches_only_what_belongs_to_it() -> None:
    assert set(reached(plays.plain())) == {"question never answered", "pair completed"}


def test_a_state_is_counted_as_often_as_it_was_reached() -> None:
    found = reached(plays.modified())
    assert (found["filled in parts"], found["modified"], found["halt"]) == (2, 2, 0)
