"""Short plays for the tests of oracles and states: what an author wants, what goes wrong, and a long calm after it."""

from __future__ import annotations

from model.decisions import ReduceOnly
from model.orders import OrderAcked
from model.units import NS_PER_SECOND
from simulation.stage import Cuts, Stage, World
from simulation.stage.world import opens_ns

SECOND = NS_PER_SECOND
LONG_NS = 400 * SECOND


def calm(stage: Stage) -> Stage:
    """Whatever went wrong is over, and the engine had the time to find out."""
    stage.run(LONG_NS)
    return stage


def plain(seed: int = 7) -> Stage:
    """Three orders filled, two of them a pair."""
    stage = Stage(seed=seed)
    stage.want("GAMMA", 3)
    stage.want("ALPHA", 5, sleeve="two", pair="p")
    stage.want("BETA", -10, sleeve="two", pair="p")
    stage.decide()
    stage.run("2m")
    return calm(stage)


def modified() -> Stage:
    """An order of more than is displayed, which is repriced and filled in parts."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 3_000)
    stage.decide()
    stage.run("5m")
    return calm(stage)


def resent() -> Stage:
    """An order that the wire loses, is proven absent and sent again."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 100)
    stage.decide()
    stage.venue.drop_next_order()
    stage.run("3m")
    return calm(stage)


def doubled() -> Stage:
    """An order that the wire doubles."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 100)
    stage.decide()
    stage.venue.double_next("SubmitOrder", 5_000_000)
    stage.run("3m")
    return calm(stage)


def rolled(**execution: bool) -> Stage:
    """A future is bought, settled at midnight, and moved to the next contract."""
    stage = Stage(seed=7, world=World(roll_day=0, execution=execution), begins_ns=opens_ns(1) - 180 * SECOND)
    stage.want("GAMMA", 3)
    stage.decide()
    stage.run("6m")
    return calm(stage)


def rolled_by_a_spread() -> Stage:
    """The same, by one order for both contracts."""
    return rolled(roll_as_spread=True)


def halted() -> Stage:
    """Halted with orders open, then resumed."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 3_000)
    stage.want("BETA", -4_000, sleeve="two")
    stage.decide()
    stage.run("65s")
    stage.halt()
    stage.run("30s")
    stage.resume()
    return calm(stage)


def reduced() -> Stage:
    """A position is closed while nothing may grow."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("2m")
    stage.tell("system", ReduceOnly("the author says so", "author"))
    stage.want("ALPHA", 40)
    stage.decide()
    stage.run("2m")
    return calm(stage)


def crashed() -> Stage:
    """Dead with an order sent, and dead again on the way up."""
    stage = Stage(seed=7, cuts=Cuts(30, 60))
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("3m")
    return calm(stage)


def cut_off() -> Stage:
    """The link is gone while an order fills, and one of its reports is lost after that."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 3_000)
    stage.decide()
    stage.run("65s")
    stage.venue.disconnect()
    stage.run("70s")
    stage.venue.reconnect()
    stage.venue.drop_next("Fill")
    stage.run("3m")
    return calm(stage)


def flooded() -> Stage:
    """More acknowledgements at once than a lane should hold."""
    stage = plain()
    order = stage.orders[0]
    for _ in range(10_500):
        stage.tell("orders", OrderAcked(order.spec.client_id, order.venue_id, stage.now_ns))
    return calm(stage)


PLAYS = (plain, modified, resent, doubled, rolled, halted, reduced, crashed, cut_off, flooded)
