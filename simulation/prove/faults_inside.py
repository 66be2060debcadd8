"""Faults of the process itself: its clock, its disk, its mailboxes, its actors, and its death."""

from __future__ import annotations

from random import Random

from model.decisions import Halt, Mode, ReduceOnly
from model.orders import OrderAcked
from model.units import NS_PER_SECOND
from simulation.prove.fault import Drawn, Fault
from simulation.prove.scene import Curse, Scene

ACTORS = (
    "system", "watchdog", "orders", "orders", "reconciler", "portfolio", "pair", "basket", "market_data", "fx",
    "regime", "risk", "sleeve.one", "sleeve.two", "sleeve.two",
)  # fmt: skip
BOUNDARIES = (
    *(f"before {kind} is sent" for kind in ("SubmitOrder", "ModifyOrder", "CancelAtVenue")),
    *(f"{kind} sent, not answered" for kind in ("SubmitOrder", "SubmitOrder", "ModifyOrder", "CancelAtVenue")),
    "appended, not durable", "durable, not sent", "answered, not recorded", "before a snapshot",
    "snapshot staged, not durable",
)  # fmt: skip
SECOND = NS_PER_SECOND


# -- the clock


def draw_freeze(chance: Random) -> Drawn:
    """The process stands still for `much` milliseconds, and its clock jumps."""
    return Drawn("", chance.choice((300, 5_000, 30_000, 90_000, 3_600_000)))


def freeze(scene: Scene, fault: Fault) -> None:
    scene.freeze(fault.much * 10**6)


# -- the disk


def draw_slow_disk(chance: Random) -> Drawn:
    """Each commit takes `much` milliseconds."""
    return Drawn("", chance.choice((20, 250, 5_000)), chance.choice((60, 600)) * SECOND)


def slow_disk(scene: Scene, fault: Fault) -> None:
    scene.disk.slow_ns = fault.much * 10**6
    # a commit that begins before the disk is well ends as late as any other: test_kept_seeds.py, seed 50775
    scene.stalls.append((scene.now_ns, scene.now_ns + fault.lasts_ns + scene.disk.slow_ns))


def draw_full_disk(chance: Random) -> Drawn:
    return Drawn("", 0, chance.choice((5, 20, 60)) * SECOND)


def full_disk(scene: Scene, fault: Fault) -> None:
    scene.disk.full = True


def heal_disk(scene: Scene, fault: Fault) -> None:
    scene.disk.heal()


def draw_failing_commit(chance: Random) -> Drawn:
    """The `much`-th commit from now raises; the disk had its rows, or had not."""
    return Drawn(chance.choice(("kept", "lost")), chance.randint(1, 9))


def failing_commit(scene: Scene, fault: Fault) -> None:
    scene.disk.fail(fault.much, kept=fault.what == "kept")


# -- mailboxes


def draw_commands(chance: Random) -> Drawn:
    """So many words from an operator's stuck key; at 65 unread ones an engine stops by law."""
    return Drawn(chance.choice(("halt", "resume", "reduce only")), chance.choice((5, 60, 100)))


def commands(scene: Scene, fault: Fault) -> None:
    for number in range(fault.much):
        word = f"stuck key {number}"
        if fault.what == "halt":
            scene.halt(word)
        elif fault.what == "resume":
            scene.resume(word)
        else:
            scene.tell("system", ReduceOnly(word, "author"))


def draw_reports(chance: Random) -> Drawn:
    """So many reports of the venue once more; a truth lane is over its soft bound from 10 000."""
    much = 10_500 if chance.random() < 0.05 else chance.choice((40, 400, 2_000))
    return Drawn(chance.choice(("executions", "acknowledgements")), much)


def reports(scene: Scene, fault: Fault) -> None:
    desk = scene.venue.exchange.desk
    acked = [OrderAcked(o.spec.client_id, o.venue_id, o.arrived_ns) for o in desk.orders.values() if o.venue_id]
    told = desk.fills if fault.what == "executions" else acked
    for number in range(fault.much if told else 0):
        scene.tell("orders", told[number % len(told)])


# -- actors


def draw_curse(chance: Random) -> Drawn:
    """An actor raises on the `much`-th message from now, and after a plus as often again as there are pluses."""
    actor = chance.choice(ACTORS)
    again = ("", "+++++") if actor.startswith("sleeve") else ("", "", "", "+", "+++++")
    return Drawn(actor + chance.choice(again), chance.choice((1, 2, 5, 30)))


def curse(scene: Scene, fault: Fault) -> None:
    actor = fault.what.rstrip("+")
    scene.lay(Curse(actor, after=fault.much, times=1 + len(fault.what) - len(actor)))


# -- its death


def draw_nothing(chance: Random) -> Drawn:
    return Drawn()


def kill(scene: Scene, fault: Fault) -> None:
    scene.kill()


def draw_fuse(chance: Random) -> Drawn:
    """The process dies at the `much`-th boundary from now."""
    return Drawn("", chance.choice((1, 3, 8, 20, 60)) + chance.randrange(8))


def light(scene: Scene, fault: Fault) -> None:
    scene.fuse.light(fault.much)


def draw_boundary(chance: Random) -> Drawn:
    """The process dies at the `much`-th boundary of one kind from now."""
    return Drawn(chance.choice(BOUNDARIES), chance.choice((1, 1, 2)))


def light_at(scene: Scene, fault: Fault) -> None:
    scene.fuse.light(fault.much, fault.what)


def draw_kill_on_the_way_up(chance: Random) -> Drawn:
    """It dies, and dies again `much` microseconds after its start."""
    return Drawn("", chance.choice((0, 1_000, 2_500, 5_000, 30_000)))


def kill_on_the_way_up(scene: Scene, fault: Fault) -> None:
    scene.kill()
    scene.restart()
    scene.run(fault.much * 1_000)
    scene.kill()


def draw_kill_in_mode(chance: Random) -> Drawn:
    """An operator's word, and the process dies as it is obeyed, or `much` milliseconds later."""
    return Drawn(chance.choice((Mode.HALTED, Mode.REDUCE_ONLY)).value, chance.choice((0, 0, 1, 500)))


def kill_in_mode(scene: Scene, fault: Fault) -> None:
    word = Halt if fault.what == Mode.HALTED.value else ReduceOnly
    scene.tell("system", word("a fault", "author"))
    if fault.much:
        scene.run(fault.much * 10**6)
    scene.kill()


def stop(scene: Scene, fault: Fault) -> None:
    scene.stop_orderly()
