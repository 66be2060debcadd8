"""States in which the engine died, and what its next life made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from model.decisions import Mode, ModeEntered, RunMoved, RunPlanned
from model.instruments import product_of
from model.orders import Intent, Purpose
from simulation.prove.story import OPEN, Left, Story

LOW = (Mode.REDUCE_ONLY, Mode.HALTED)


def _with(state: str) -> Callable[[Story], int]:
    """Lives that left an order in this state."""
    return lambda story: sum(state in left.states.values() for left in story.lives)


def _with_nothing_open(story: Story) -> int:
    return sum(OPEN.isdisjoint(left.states.values()) for left in story.lives)


def _at(*boundaries: str) -> Callable[[Story], int]:
    return lambda story: sum(story.died[where] for where in boundaries)


def _double(story: Story) -> int:
    """A life that ended before it traded again."""
    return sum(not left.traded for left in story.lives[1:])


def _in_mode(*modes: Mode) -> Callable[[Story], int]:
    return lambda story: sum(left.mode in modes for left in story.lives)


def _stayed_low(story: Story) -> int:
    """A life that was stopped before, and did not trade by itself after its start."""
    low = [left for left in story.lives if left.mode in LOW]
    return sum(
        not any(
            row.seq > left.next.seq and event.mode is Mode.TRADING and event.by == "policy"
            for row, event in story.of(ModeEntered)
        )
        for left in low
    )


def _filled_meanwhile(story: Story) -> int:
    return sum(left.last_ns < fill.at_ns < left.next.at_ns for left in story.lives for fill in story.fills)


def _filled_in_part_meanwhile(story: Story) -> int:
    return sum(
        left.last_ns < fill.at_ns < left.next.at_ns and fill.quantity < story.venue_orders[fill.client_id].quantity
        for left in story.lives
        for fill in story.fills
    )


def _driven_on(story: Story) -> int:
    """Runs that were planned in one life and traded first in another."""
    if not story.lives:
        return 0
    planned = {event.run_id: row.seq for row, event in story.of(RunPlanned)}
    return sum(
        event.status == "SUBMITTED"
        and any(planned.get(event.run_id, row.seq) < left.next.seq < row.seq for left in story.lives)
        for row, event in story.of(RunMoved)
    )


def _apart(story: Story, left: Left, legs: Iterable[Intent]) -> bool:
    """Whether of some legs one is filled and another is not, in what a life left behind."""
    states = [left.states.get(leg.id, "") for leg in legs]
    return "FILLED" in states and any(state != "FILLED" for state in states)


def _pair_apart(story: Story) -> int:
    pairs: dict[str, list[Intent]] = {}
    for intent in story.intents.values():
        if intent.pair and intent.purpose is not Purpose.ROLL:
            pairs.setdefault(f"{intent.run_id}/{intent.pair}", []).append(intent)
    return sum(_apart(story, left, legs) for left in story.lives for legs in pairs.values())


def _roll_apart(story: Story) -> int:
    rolls: dict[str, list[Intent]] = {}
    for intent in story.intents.values():
        if intent.purpose is Purpose.ROLL:
            rolls.setdefault(f"{intent.run_id}/{product_of(intent.instrument)}", []).append(intent)
    return sum(_apart(story, left, legs) for left in story.lives for legs in rolls.values())


def _again_soon(story: Story) -> int:
    """A life that ended with an order in doubt that the life before it had left open."""
    return sum(
        any(state in OPEN and later.states.get(name) == "UNKNOWN" for name, state in first.states.items())
        for first, later in pairwise(story.lives)
    )


CRASHES: Mapping[str, Callable[[Story], int]] = {
    "crash with nothing open": _with_nothing_open,
    "crash with an order DURABLE": _with("DURABLE"),
    "crash with an order SENT": _with("SENT"),
    "crash with an order WORKING": _with("WORKING"),
    "crash with an order UNKNOWN": _with("UNKNOWN"),
    "crash with an order LOST": _with("LOST"),
    "crash before an append": _at("before append"),
    "crash with rows that were not durable": _at("appended, not durable"),
    "crash while the disk worked": _at("before the disk works"),
    "crash with rows on disk that nobody knew of": _at("on disk, not known"),
    "crash between commit and sending": _at("durable, not sent", "before SubmitOrder is sent"),
    "crash with an order sent and not answered": _at("SubmitOrder sent, not answered"),
    "crash with answers that were not recorded": _at("answered, not recorded"),
    "crash around a snapshot": _at("before a snapshot", "snapshot staged, not durable"),
    "crash before a question to the venue": _at("before RequestSnapshot is sent"),
    "modify pending at crash": _at("before ModifyOrder is sent", "ModifyOrder sent, not answered"),
    "cancel pending at crash": _at("before CancelAtVenue is sent", "CancelAtVenue sent, not answered"),
    "double crash in recovery": _double,
    "an order in doubt through two crashes": _again_soon,
    "crash while stopped": _in_mode(*LOW),
    "crash while reconciling": _in_mode(Mode.RECONCILING),
    "stayed stopped after a crash": _stayed_low,
    "filled while the engine was down": _filled_meanwhile,
    "filled in part while the engine was down": _filled_in_part_meanwhile,
    "run driven on after a crash": _driven_on,
    "pair leg alone filled at crash": _pair_apart,
    "roll half done at crash": _roll_apart,
}
