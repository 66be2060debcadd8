"""From a day full of faults to the few that matter: delta debugging over the list of faults, then over the time."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from model.units import NS_PER_SECOND
from simulation.prove.case import Verdict
from simulation.prove.days import Name, draw_day, play

MOST_PLAYS = 200


def shrink(case: str) -> Verdict:
    """The verdict on the smallest day found in which the same oracle still speaks; its `case` plays that day.

    A day without a violation is answered as it is. Raises ValueError for a name that is none.
    """
    whole = play(case)
    oracles = {each.oracle for each in whole.violations}
    if not oracles:
        return whole
    best = whole
    plays = 0

    def shows(name: Name) -> bool:
        nonlocal best, plays
        plays += 1
        verdict = play(str(name))
        if plays > MOST_PLAYS or not oracles & {each.oracle for each in verdict.violations}:
            return False
        best = verdict
        return True

    name = Name.read(case)
    places = range(len(draw_day(name.seed).faults)) if name.keep is None else name.keep
    kept = fewest(tuple(places), lambda some: shows(replace(name, keep=some)))
    name = replace(name, keep=kept)
    _shortest(name, shows)
    return best


def fewest(places: tuple[int, ...], shows: Callable[[tuple[int, ...]], bool]) -> tuple[int, ...]:
    """A smallest part of `places` that still shows it: nothing can be left out of it alone. The whole shows it."""
    parts = 2
    while places:
        if shows(()):
            return ()
        size = max(1, len(places) // parts)
        for at in range(0, len(places), size):
            without = places[:at] + places[at + size :]
            if without and shows(without):
                places, parts = without, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(places), parts * 2)
    return places


def _shortest(name: Name, shows: Callable[[Name], bool]) -> None:
    """Halve the time between what is too short and what is long enough, down to a minute."""
    low, high = 0, name.day().length_ns // NS_PER_SECOND
    while high - low > 60:
        middle = (low + high) // 2
        if shows(replace(name, seconds=middle)):
            high = middle
        else:
            low = middle
