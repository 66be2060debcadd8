"""States of the house: comparisons, modes, locks, denials, pairs, rolls, and actors that fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from model.decisions import InstrumentLocked, InstrumentReleased, Mode, ModeEntered, RunMoved
from model.execution import Alarm, Reconciled, SleevesCrossed
from model.orders import Purpose, RequestSnapshot, VenueCashMoved, VenueSettled
from simulation.prove.story import OPEN, Story

LIMITS = ("ORDER_SIZE", "TURNOVER", "INSTRUMENT_CAP", "GROSS", "NET")
BY_MODE = ("MODE", "REDUCE_ONLY")


# -- comparisons


def _incomplete(story: Story) -> int:
    return sum("not complete" in row.why for _, row in story.of(Reconciled))


def _unanswered(story: Story) -> int:
    """Questions that the link took and of which nothing more is written."""
    answered = {row.id for _, row in story.of(Reconciled)}
    return sum(question.id not in answered for _, question in story.questions)


def _refused(story: Story) -> int:
    return sum(type(request.message) is RequestSnapshot for request in story.refused)


def _healed(story: Story) -> int:
    """A comparison without a break after one with breaks."""
    rows = [row for _, row in story.of(Reconciled) if row.complete]
    return sum(not before.passed and after.passed for before, after in pairwise(rows))


# -- modes


def _halts(story: Story) -> list[int]:
    return [row.seq for row, event in story.of(ModeEntered) if event.mode is Mode.HALTED]


def _halt_with_orders(story: Story) -> int:
    return sum(not OPEN.isdisjoint(story.states_at(seq).values()) for seq in _halts(story))


def _halt_while_cancelling(story: Story) -> int:
    """A halt found an order whose cancel had left, and which the journal did not know to be over."""
    found = 0
    for row, event in story.of(ModeEntered):
        if event.mode is Mode.HALTED:
            asked = {cancel.client_id for request, cancel in story.cancels if request.at_ns < row.at_ns}
            states = story.states_at(row.seq) if asked else {}
            found += any(states.get(name) in OPEN for name in asked)
    return found


def _moved(was: Mode, now: Mode) -> Callable[[Story], int]:
    return lambda story: sum(event.was is was and event.mode is now for _, event in story.of(ModeEntered))


def _reduced(story: Story) -> int:
    """Reductions that left while nothing else might."""
    return sum(
        leaving.reduces and story.mode_at(story.planned[leaving.planned.spec.client_id][0].seq) is Mode.REDUCE_ONLY
        for leaving in (story.leavings if any(e.mode is Mode.REDUCE_ONLY for _, e in story.of(ModeEntered)) else ())
    )


def _rolled(story: Story) -> int:
    """Legs of rolls that were filled."""
    return sum(
        intent.purpose is Purpose.ROLL and story.states.get(intent.id) == "FILLED" for intent in story.intents.values()
    )


def _link_fell_early(story: Story) -> int:
    return sum(
        alarm.code == "LINK_DOWN" and story.mode_at(row.seq) is Mode.RECONCILING for row, alarm in story.of(Alarm)
    )


HOUSE: Mapping[str, Callable[[Story], int]] = {
    "link lost": lambda story: story.alarms["LINK_DOWN"],
    "link lost while reconciling": _link_fell_early,
    "snapshot truncated": _incomplete,
    "question never answered": _unanswered,
    "question met a dead link": _refused,
    "comparison found a break": lambda story: sum(bool(row.breaks) for _, row in story.of(Reconciled)),
    "position differs from the venue's": lambda story: story.breaks["POSITION"],
    "break healed": _healed,
    "order adopted": lambda story: story.alarms["ADOPTED"],
    "execution of nobody's order": lambda story: story.alarms["STRAY_FILL"],
    "another hand's order seen": lambda story: sum(row.foreign > 0 for _, row in story.of(Reconciled)),
    "two venue names for one order": lambda story: story.alarms["TWO_VENUE_IDS"],
    "instrument locked": lambda story: len(story.of(InstrumentLocked)),
    "instrument released": lambda story: len(story.of(InstrumentReleased)),
    "halt": lambda story: len(_halts(story)),
    "halt with orders open": _halt_with_orders,
    "halt while a cancel is pending": _halt_while_cancelling,
    "halted before it traded": _moved(Mode.RECONCILING, Mode.HALTED),
    "resumed by a person": _moved(Mode.HALTED, Mode.TRADING),
    "resumed before a comparison": _moved(Mode.HALTED, Mode.RECONCILING),
    "positions may only shrink": _moved(Mode.TRADING, Mode.REDUCE_ONLY),
    "reduction sent when only that might be": _reduced,
    "denied by a limit": lambda story: sum(story.denied[code] for code in LIMITS),
    "denied by the mode": lambda story: sum(story.denied[code] for code in BY_MODE),
    "denied with its pair": lambda story: story.denied["PAIR"],
    "denied in a locked instrument": lambda story: story.denied["LOCKED"] + story.denied["orders: LOCKED"],
    "no quote came in time": lambda story: story.denied["orders: NO_QUOTE"],
    "no link came in time": lambda story: story.denied["orders: LINK_DOWN"],
    "quote too far from the decision": lambda story: story.denied["orders: PRICE_SANITY"],
    "waiting intent ended by a halt": lambda story: story.denied["orders: MODE_HALTED"],
    "held on a price that is not trusted": lambda story: story.alarms["PRICE_SUSPECT"],
    "contract left alone while its order works": lambda story: story.denied["left out: ORDER_OPEN"],
    "pair stood on one leg": lambda story: story.pairs["LEGGED"],
    "pair healed": lambda story: story.pairs["HEALED"],
    "pair cancelled": lambda story: story.pairs["CANCELLING"],
    "pair unwound": lambda story: story.pairs["UNWINDING"],
    "pair completed": lambda story: story.pairs["COMPLETED"],
    "roll leg filled": _rolled,
    "sleeves traded with each other": lambda story: len(story.of(SleevesCrossed)),
    "run aborted": lambda story: sum(event.status == "ABORTED" for _, event in story.of(RunMoved)),
    "variation settled": lambda story: len(story.of(VenueSettled)),
    "cash moved": lambda story: len(story.of(VenueCashMoved)),
    "actor raised": lambda story: story.noticed["crashed"],
    "actor quarantined": lambda story: story.noticed["quarantined"],
    "truth poisoned": lambda story: story.noticed["poisoned"],
    "mailbox flooded": lambda story: story.noticed["intake paused"],
    "engine stopped itself": lambda story: len(story.stage.stops),
}
