"""What the actors wait for of a wire or of the process they wait for in the world's seconds, at any pace."""

from __future__ import annotations

from actors.assembly import Assembly
from actors.reconciler import ReconcilePolicy
from engine.clock import VirtualClock
from engine.kernel import Kernel
from simulation.stage import Stage

S = 10**9
RECONCILE = ReconcilePolicy(settle_ns=5 * S, retry_ns=30 * S, answer_within_ns=10 * S)


def kernel_at(pace: float) -> Kernel:
    """The stage's program, whose orders are UNKNOWN after thirty seconds without a word."""
    stage = Stage(seed=1)
    assembly = Assembly(
        stage.world.configuration, rolls=stage.world.rolls, calendars=stage.world.sessions, auto_trade=True,
        reconcile=RECONCILE, own=stage.script.sleeve, watched=True, pace=pace,
    )  # fmt: skip
    kernel = Kernel(clock=VirtualClock())
    kernel.host(assembly.tree())
    return kernel


def test_sixty_times_as_fast_is_sixty_times_as_patient_with_a_wire_and_no_more_with_the_market() -> None:
    usual, fast = kernel_at(1.0), kernel_at(60.0)
    orders = fast.actor("orders").policy
    assert (usual.actor("orders").policy.ack_within_ns, orders.ack_within_ns) == (30 * S, 1_800 * S)
    assert orders.quote_fresh_ns == usual.actor("orders").policy.quote_fresh_ns
    patient = fast.actor("reconciler").policy
    assert (patient.settle_ns, patient.retry_ns, patient.answer_within_ns) == (300 * S, 1_800 * S, 600 * S)
    assert patient.every_ns == RECONCILE.every_ns
    limits = fast.actor("watchdog").limits
    assert (limits.silence_ns, limits.feed_down_ns) == (1_800 * S, 300 * S)
    assert usual.actor("watchdog").limits.silence_ns == 30 * S
