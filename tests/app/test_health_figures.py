"""How late disk and actors are, in a rehearsal: by the world's time and not by the market's."""

from __future__ import annotations

from app.guard import health_figures
from engine.clock import PacedClock
from engine.effects import Effects, Journal
from engine.supervise import Child
from tests.engine.kit import Acting, Counted, Note, kernel_of

S = 10**9
NOON = 1_560_340_800 * S


def test_five_seconds_of_a_slow_disk_and_a_busy_actor_are_five_seconds_at_sixty_times() -> None:
    reading = [0]

    def act(actor: Acting, message: object) -> Effects:
        return [Journal(Counted(1))]

    clock = PacedClock(NOON, 0, 60.0, lambda: reading[0])
    kernel = kernel_of(Child("a", lambda: Acting(act)), clock=clock)
    for n in range(100):
        kernel.tell("a", Note(n))
    assert kernel.turn()  # at most 64: a backlog, whose wait is followed from here on
    reading[0] = 5 * S
    clock.refresh()
    now_ns, journal_age_ns, actors = health_figures(kernel)
    assert now_ns == NOON + 300 * S
    assert journal_age_ns == 5 * S
    assert {each.actor: each.waiting_ns for each in actors}["a"] == 5 * S
