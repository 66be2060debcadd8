"""Faults on the wire, of the link, at the venue, and by other hands on the account."""

from __future__ import annotations

from random import Random

from model.orders import ORDER_PREFIX, Fill, OrderAcked
from model.units import NS_PER_SECOND, QTY_SCALE
from simulation.exchange.book import OPEN
from simulation.exchange.faults import Harm
from simulation.exchange.rules import Reject
from simulation.prove.fault import Drawn, Fault
from simulation.prove.scene import Scene
from simulation.stage.world import ALPHA, BETA, GAMMA, NEAR, TICK

REQUESTS = ("SubmitOrder", "ModifyOrder", "CancelAtVenue", "RequestSnapshot")
ANSWERS = (
    "OrderAcked", "Fill", "OrderCancelled", "OrderModified", "OrderRejected", "OrderExpired", "CancelRejected",
    "ModifyRejected", "VenueSnapshot", "Settlement", "CashMoved",
)  # fmt: skip
OFTEN = ("SubmitOrder", "OrderAcked", "Fill", "Fill", "OrderCancelled", "CancelAtVenue", "ModifyOrder", "VenueSnapshot")
TRADED = (ALPHA, BETA, f"{GAMMA}@{NEAR}")
SECOND = NS_PER_SECOND


# -- the wire


def draw_harm(chance: Random) -> Drawn:
    """The next message of a kind: `what` is harm and kind, `much` the milliseconds of a delay."""
    kind = chance.choice(OFTEN if chance.random() < 0.7 else REQUESTS + ANSWERS)
    harms = [Harm.DROP, Harm.DELAY, Harm.DUPLICATE, Harm.SWAP]
    harm = chance.choice([*harms, Harm.TRUNCATE] if kind == "VenueSnapshot" else harms)
    late_ms = chance.choice((1, 50, 3_000, 20_000, 45_000, 400_000))
    return Drawn(f"{harm.value} {kind}", late_ms if harm in (Harm.DELAY, Harm.DUPLICATE) else 0)


def harm(scene: Scene, fault: Fault) -> None:
    how, kind = fault.what.split()
    scene.venue.faults.next(kind, Harm(how), fault.much * 10**6)


def draw_losses(chance: Random) -> Drawn:
    """The next `much` messages of one kind never arrive."""
    return Drawn(chance.choice(REQUESTS + ANSWERS), chance.randint(2, 12))


def lose(scene: Scene, fault: Fault) -> None:
    for _ in range(fault.much):
        scene.venue.drop_next(fault.what)


# -- the link


def draw_outage(chance: Random) -> Drawn:
    return Drawn("", 0, round(chance.choice((0.5, 8, 40, 400, 2_400)) * chance.uniform(0.3, 1.0) * SECOND))


def fall(scene: Scene, fault: Fault) -> None:
    scene.venue.disconnect()


def rise(scene: Scene, fault: Fault) -> None:
    """The link comes back only to an engine that lives; one that boots connects by itself."""
    if scene.life is not None:
        scene.venue.reconnect()


def draw_flapping(chance: Random) -> Drawn:
    """`much` outages of some milliseconds, one after the other."""
    return Drawn("", chance.randint(2, 6))


def flap(scene: Scene, fault: Fault) -> None:
    for place in range(fault.much):
        scene.venue.disconnect()
        scene.run((place + 1) * 300 * 10**6)
        scene.venue.reconnect()
        scene.run((place % 3) * 7 * 10**6)


# -- just after a request

LINK, KILLED, KILLED_TWICE, HALTED = "the link falls", "killed", "killed twice", "halted"
LOST = " that is lost"


def draw_ambush(chance: Random) -> Drawn:
    """Something happens `much` milliseconds after the next request of a kind has left."""
    kind = chance.choice(("SubmitOrder", "SubmitOrder", "CancelAtVenue", "ModifyOrder"))
    act = chance.choice((LINK, LINK, KILLED, KILLED_TWICE, HALTED))
    lost = LOST if chance.random() < 0.3 else ""
    lasts_ns = chance.choice((5, 30, 90, 600)) * SECOND if act == LINK else 0
    return Drawn(f"{act} after {kind}{lost}", chance.choice((0, 1, 3, 10, 2_000, 33_000)), lasts_ns)


def ambush(scene: Scene, fault: Fault) -> None:
    """Wait for the request, no longer than an hour."""
    act, _, kind = fault.what.partition(" after ")
    if kind.endswith(LOST):
        kind = kind.removesuffix(LOST)
        scene.venue.drop_next(kind)
    if not scene.wait_for(kind, 3_600 * SECOND):
        return
    scene.run(fault.much * 10**6)
    if act == LINK:
        scene.venue.disconnect()
    elif act == HALTED:
        scene.halt("a fault")
    else:
        scene.kill()
        if act == KILLED_TWICE:
            scene.restart()
            scene.run(fault.much * 10**6)
            scene.kill()


def end_ambush(scene: Scene, fault: Fault) -> None:
    if fault.what.startswith(LINK):
        rise(scene, fault)


# -- the venue


def draw_execution(chance: Random) -> Drawn:
    """One execution so far, by its place in a thousand."""
    return Drawn("", chance.randrange(1_000))


def _execution(scene: Scene, fault: Fault) -> Fill | None:
    desk = scene.venue.exchange.desk
    gone = {fill.corrects for fill in desk.fills}
    there = [fill for fill in desk.fills if fill.exec_id not in gone and fill.quantity]
    return there[len(there) * fault.much // 1_000] if there else None


def bust(scene: Scene, fault: Fault) -> None:
    """An execution of an order that has ended is taken back."""
    fill = _execution(scene, fault)
    if fill is not None and scene.venue.exchange.desk.orders[fill.client_id].state != OPEN:
        scene.venue.bust(fill.exec_id)


def correct(scene: Scene, fault: Fault) -> None:
    """An execution gets another price, and half its quantity if its order has ended."""
    fill = _execution(scene, fault)
    if fill is not None:
        ended = scene.venue.exchange.desk.orders[fill.client_id].state != OPEN
        half = fill.quantity // 2 // QTY_SCALE * QTY_SCALE
        quantity = half if ended and half and fault.much % 2 else fill.quantity
        scene.venue.correct(fill.exec_id, quantity, fill.price + (fault.much % 7 - 3) * TICK)


def draw_nothing(chance: Random) -> Drawn:
    return Drawn()


def refuse_late(scene: Scene, fault: Fault) -> None:
    """Every order that rests is refused after all."""
    for order in scene.venue.exchange.desk.working():
        scene.venue.refuse_late(order.spec.client_id)


def draw_refusals(chance: Random) -> Drawn:
    return Drawn(chance.choice((Reject.MARGIN, Reject.NO_LOCATE, Reject.NOT_TRADEABLE)).name, chance.randint(1, 3))


def refuse(scene: Scene, fault: Fault) -> None:
    for _ in range(fault.much):
        scene.venue.refuse_next(Reject[fault.what])


def name_again(scene: Scene, fault: Fault) -> None:
    """The next order is named as the newest one is."""
    named = [order.venue_id for order in scene.venue.exchange.desk.orders.values() if order.venue_id]
    if named:
        scene.venue.name_again(named[-1])


def name_twice(scene: Scene, fault: Fault) -> None:
    """The venue acknowledges its newest order a second time under another name: one intent may have two orders."""
    orders = [order for order in scene.venue.exchange.desk.orders.values() if order.venue_id]
    if orders and orders[-1].spec.client_id.startswith(ORDER_PREFIX):
        scene.tell("orders", OrderAcked(orders[-1].spec.client_id, f"v-other-{fault.at_ns}", scene.now_ns))


def draw_thin(chance: Random) -> Drawn:
    """Each quote displays `much` units."""
    return Drawn("", chance.choice((0, 0, 1, 7, 50)), chance.choice((90, 600, 1_800)) * SECOND)


def thin(scene: Scene, fault: Fault) -> None:
    scene.tape.size = fault.much * QTY_SCALE


def thick(scene: Scene, fault: Fault) -> None:
    scene.tape.size = scene.usual_size


def draw_jump(chance: Random) -> Drawn:
    """Every price moves by so many basis points."""
    return Drawn("", chance.choice((-900, -120, -25, 25, 120, 900)))


def jump(scene: Scene, fault: Fault) -> None:
    mids = scene.tape.prices.mids
    for name, mid in mids.items():
        mids[name] = mid * (10_000 + fault.much) // 10_000 // TICK * TICK


def draw_cash(chance: Random) -> Drawn:
    return Drawn(chance.choice(("dividend", "interest", "deposit")), chance.randint(1, 5_000))


def pay(scene: Scene, fault: Fault) -> None:
    now_ns = scene.now_ns
    scene.venue.exchange.move_cash(f"{fault.what}-{fault.at_ns}", fault.what, "USD", fault.much * 10**6, "", now_ns)


# -- other hands


def draw_hand(chance: Random) -> Drawn:
    return Drawn(chance.choice(TRADED), chance.choice((-9, -1, 2, 40)))


def trade_by_hand(scene: Scene, fault: Fault) -> None:
    """Somebody trades on the account at the market."""
    scene.venue.trade_by_hand(fault.what, fault.much, f"manual-{fault.at_ns}")


def rest_by_hand(scene: Scene, fault: Fault) -> None:
    """Somebody leaves a limit order far from the market."""
    far = scene.tape.prices.mids[fault.what] * (90 if fault.much > 0 else 110) // 100 // TICK * TICK
    scene.venue.trade_by_hand(fault.what, fault.much, f"manual-{fault.at_ns}", far)


def rest_under_our_name(scene: Scene, fault: Fault) -> None:
    """An order with our prefix that this journal never planned, as after an old backup was restored."""
    far = scene.tape.prices.mids[fault.what] * (90 if fault.much > 0 else 110) // 100 // TICK * TICK
    scene.venue.trade_by_hand(fault.what, fault.much, f"{ORDER_PREFIX}of-old-{fault.at_ns}", far)


def transfer(scene: Scene, fault: Fault) -> None:
    """A position comes without a trade."""
    scene.venue.transfer(fault.what, fault.much, scene.tape.prices.mids[fault.what])
