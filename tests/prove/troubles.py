"""Plays in which one thing goes wrong, each for a state that a proof must reach."""

from __future__ import annotations

from msgspec.structs import replace

from engine.notices import Happened, Notice
from model.decisions import Halt, ReduceOnly
from model.execution import ReleaseInstrument
from model.market import Quote
from model.orders import ORDER_PREFIX, OrderAcked
from simulation.prove.scene import Curse, Fuse
from simulation.stage import Cuts, FolderJournal, Stage, World
from simulation.stage.world import opens_ns
from tests.prove.plays import SECOND, calm, plain


def wanting(units: int = 3_000, **how: object) -> Stage:
    """A stage on which one large order has just been decided, a minute before the first quote."""
    stage = Stage(seed=7, **how)  # type: ignore[arg-type]
    stage.want("ALPHA", units)
    stage.decide()
    stage.run("58s")
    return stage


def resting() -> Stage:
    """A large order of which the first part has filled."""
    stage = wanting()
    stage.run("4s")
    return stage


def curse(stage: Stage, actor: str, after: int, times: int) -> None:
    """An actor raises from its `after`-th message on, so many times, also when it was rebuilt."""
    spell = Curse(actor, after=after, times=times)
    spell.lay(stage)

    def rebuilt(notice: Notice) -> None:
        if notice.happened is Happened.RESTARTED and notice.who == actor:
            spell.lay(stage)

    stage.listeners.append(rebuilt)


# -- orders


def fill_overtakes_the_ack() -> Stage:
    stage = wanting(100)
    stage.venue.swap_next("OrderAcked")
    stage.run("1m")
    return stage


def fill_comes_after_the_cancel() -> Stage:
    stage = wanting()
    stage.venue.delay_next("Fill", 30 * SECOND)
    stage.run("4s")
    stage.halt()
    stage.run("1m")
    return stage


def corrected() -> Stage:
    stage = plain()
    stage.venue.correct(stage.venue.exchange.desk.fills[0].exec_id, 10**8, 10**11)
    stage.run("1m")
    return stage


def corrected_before_it_was_heard() -> Stage:
    """The only execution is lost on the wire, its correction comes, and the engine dies with that in its book."""
    stage = wanting(100)
    stage.venue.drop_next("Fill")
    stage.run("4s")
    stage.venue.correct(stage.venue.exchange.desk.fills[0].exec_id, 50 * 10**8, 10**11)
    stage.run("1s")
    stage.crash()
    return calm(stage)


def reports_lost_and_doubled() -> Stage:
    stage = wanting()
    stage.venue.double_next("Fill", SECOND)
    stage.run("61s")
    stage.venue.drop_next("Fill")
    return calm(stage)


def answers_lost() -> Stage:
    """The ack and the only fill are lost: what became of the order is learned by asking."""
    stage = wanting(100)
    stage.venue.drop_next_ack()
    stage.venue.drop_next("Fill")
    return calm(stage)


def ack_lost_of_an_order_that_rests() -> Stage:
    stage = wanting()
    stage.venue.drop_next_ack()
    stage.venue.drop_next("Fill")
    stage.run("50s")
    return stage


def resent_and_late() -> Stage:
    """The first sending is lost, the second is three seconds late, and the link breaks for a moment meanwhile."""
    stage = wanting(100)
    stage.venue.drop_next_order()
    stage.run("5s")
    stage.venue.delay_next("SubmitOrder", 3 * SECOND)
    while len(stage.wire) == 0 or not getattr(stage.wire[-1].message, "resend", False):
        stage.run("10ms")
    stage.venue.disconnect()
    stage.run("100ms")
    stage.venue.reconnect()
    return calm(stage)


def end_lost() -> Stage:
    """The venue's word that a cancel worked is lost."""
    stage = resting()
    stage.venue.drop_next("OrderCancelled")
    stage.halt()
    return calm(stage)


def order_late() -> Stage:
    stage = wanting(100)
    stage.venue.delay_next("SubmitOrder", 3 * SECOND)
    return calm(stage)


def link_falls_before_the_ack() -> Stage:
    stage = wanting(100)
    stage.venue.delay_next("OrderAcked", 5 * SECOND)
    stage.venue.delay_next("Fill", 5 * SECOND)
    stage.run("3s")
    stage.venue.disconnect()
    stage.run("1m")
    return stage


def link_falls_under_the_order() -> Stage:
    """It is down when the order is handed over, and nobody has said so yet."""
    stage = wanting(100)

    def spoil(quote: Quote) -> Quote:
        stage.venue.disconnect()
        return quote

    stage.tape.spoil = spoil
    stage.run("3s")
    stage.tape.spoil = lambda quote: quote
    return stage


def given_up() -> Stage:
    """Proven absent in a halt, and a newer run has come since."""
    stage = wanting(100)
    stage.venue.drop_next_order()
    stage.run("4s")
    stage.halt()
    stage.run("60s")
    return stage


def refused() -> Stage:
    stage = wanting(100)
    stage.venue.refuse_next()
    stage.run("1m")
    return stage


def refused_late() -> Stage:
    stage = resting()
    stage.venue.refuse_late(stage.orders.one().spec.client_id)
    stage.run("1m")
    return stage


def named_again() -> Stage:
    stage = plain()
    stage.venue.name_again(stage.orders[0].venue_id)
    stage.want("ALPHA", 50)
    stage.decide()
    stage.run("2m")
    return stage


def named_twice() -> Stage:
    """An order is acknowledged a second time, under another name."""
    stage = plain()
    stage.tell("orders", OrderAcked(stage.orders[0].spec.client_id, "v-other", stage.now_ns))
    stage.run("1m")
    return stage


def lasts_until_midnight() -> Stage:
    return calm(wanting(begins_ns=opens_ns(1) - 150 * SECOND))


def cancel_comes_too_late() -> Stage:
    """It is asked again each half minute, and every one is on its way for longer than the order lasts."""
    stage = resting()
    for _ in range(6):
        stage.venue.delay_next("CancelAtVenue", 150 * SECOND)
    stage.halt()
    return calm(stage)


def proof_comes_too_early() -> Stage:
    """The engine is back a second after it died with an order that never left."""
    return dies("before SubmitOrder is sent", restart_after_ns=SECOND)


# -- crashes


def trade(stage: Stage) -> None:
    """A pair of which one leg needs more than is displayed, halted after two minutes."""
    stage.want("ALPHA", 3_000, sleeve="two", pair="p")
    stage.want("BETA", -10, sleeve="two", pair="p")
    stage.decide()
    stage.run("130s")
    stage.halt()
    stage.run("5s")


def dies(where: str, *, nth: int = -1, **how: object) -> Stage:
    """A stage that died at a boundary of the trade."""
    whole = Stage(seed=7, **how)  # type: ignore[arg-type]
    trade(whole)
    number = [place for place, each in enumerate(whole.cuts.passed, start=1) if each == where][nth]
    stage = Stage(seed=7, cuts=Cuts(number), **how)  # type: ignore[arg-type]
    trade(stage)
    stage.run("20s")
    return stage


def dies_before_an_append() -> Stage:
    return dies("before append")


def dies_before_sending() -> Stage:
    return dies("before SubmitOrder is sent")


def dies_after_sending() -> Stage:
    return dies("SubmitOrder sent, not answered", nth=0)


def dies_when_answered() -> Stage:
    return dies("answered, not recorded", nth=2)


def dies_around_a_snapshot() -> Stage:
    return dies("snapshot staged, not durable", snapshot_every_rows=12)


def dies_before_a_question() -> Stage:
    return dies("before RequestSnapshot is sent")


def dies_with_a_change_on_its_way() -> Stage:
    return dies("ModifyOrder sent, not answered")


def dies_with_a_cancel_on_its_way() -> Stage:
    return dies("CancelAtVenue sent, not answered")


def dies_with_a_plan_that_was_not_sent() -> Stage:
    """Decided and approved, and no quote has come yet."""
    stage = wanting(100)
    stage.crash()
    return calm(stage)


def dies_with_the_hand_over_recorded() -> Stage:
    """The order left, and the ack did not come."""
    stage = wanting(100)
    stage.venue.drop_next_ack()
    stage.venue.drop_next("Fill")
    stage.run("4s")
    stage.crash()
    return calm(stage)


def dies_twice_in_doubt() -> Stage:
    stage = wanting(100)
    stage.venue.drop_next_ack()
    stage.venue.drop_next("Fill")
    for _ in range(10):
        stage.venue.drop_next("VenueSnapshot")
    stage.run("40s")
    stage.crash()
    stage.run("8s")
    stage.crash()
    return calm(stage)


def dies_when_all_is_lost() -> Stage:
    stage = given_up()
    stage.crash()
    return calm(stage)


def dies_with_half_a_roll() -> Stage:
    """The report of one leg of a roll is late, and the engine dies before it comes."""
    stage = Stage(seed=7, world=World(roll_day=0), begins_ns=opens_ns(1) - 180 * SECOND)
    stage.want("GAMMA", 3)
    stage.decide()
    stage.run("170s")
    stage.venue.delay_next("Fill", 30 * SECOND)
    stage.run("20s")
    stage.crash()
    return calm(stage)


def killed_while_halted() -> Stage:
    stage = plain()
    stage.halt()
    stage.run("1s")
    stage.crash()
    return calm(stage)


def killed_while_reconciling() -> Stage:
    stage = plain()
    stage.crash()
    stage.restart()
    stage.run("1ms")
    stage.crash()
    return calm(stage)


def down_for_long() -> Stage:
    """Down while the second part of an order fills."""
    stage = wanting(restart_after_ns=70 * SECOND)
    stage.run("4s")
    stage.crash()
    return calm(stage)


# -- the house


def link_falls_at_the_start() -> Stage:
    stage = plain()
    stage.crash()
    stage.restart()
    stage.venue.disconnect()
    stage.run("1m")
    return stage


def snapshot_truncated() -> Stage:
    stage = plain()
    stage.venue.truncate_next_snapshot()
    return calm(stage)


def position_comes_and_goes() -> Stage:
    """A lock by a break, an order denied for it, the position back, and a person who releases the lock."""
    stage = plain()
    stage.venue.transfer("ALPHA", 7, 10**11)
    calm(stage)
    stage.want("ALPHA", 20, sleeve="two")
    stage.decide()
    stage.run("1m")
    stage.venue.transfer("ALPHA", -7, 10**11)
    calm(stage)
    stage.tell("system", ReleaseInstrument("ALPHA", "looked at", "author"))
    stage.run("1s")
    return stage


def other_hands() -> Stage:
    stage = plain()
    stage.venue.trade_by_hand("BETA", 2, "manual-1")
    stage.venue.trade_by_hand("BETA", 2, "manual-2", 40 * 10**9)
    stage.venue.trade_by_hand("BETA", 2, f"{ORDER_PREFIX}of-old", 40 * 10**9)
    return calm(stage)


def halted_while_cancelling() -> Stage:
    stage = resting()
    stage.venue.drop_next("CancelAtVenue")
    stage.tell("system", ReduceOnly("the author says so", "author"))
    stage.run("1s")
    stage.halt()
    stage.run("1s")
    return stage


def halted_at_the_start() -> Stage:
    stage = plain()
    stage.crash()
    stage.restart()
    stage.halt()
    stage.run("1s")
    return stage


def resumed_without_a_comparison() -> Stage:
    stage = plain()
    stage.halt()
    stage.run("1s")
    stage.venue.disconnect()
    stage.run("1s")
    stage.resume()
    stage.run("1s")
    return stage


def denied() -> Stage:
    """A pair of which one leg is too large, and then a decision while halted."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 5, sleeve="two", pair="p")
    stage.want("BETA", -90_000, sleeve="two", pair="p")
    stage.decide()
    stage.run("2m")
    stage.halt()
    stage.want("GAMMA", 1)
    stage.decide()
    stage.run("2m")
    return stage


def nothing_is_quoted() -> Stage:
    stage = wanting(100)
    stage.tape.spoil = lambda quote: None
    return calm(stage)


def no_link_for_long() -> Stage:
    stage = wanting(100)
    stage.venue.disconnect()
    return calm(stage)


def quotes_a_hundred_times_too_high() -> Stage:
    stage = wanting(100)
    stage.tape.spoil = lambda quote: replace(quote, bid=quote.bid * 100, ask=quote.ask * 100)
    stage.run("1m")
    return stage


def halted_before_the_quote() -> Stage:
    stage = wanting(100)
    stage.halt()
    stage.run("1m")
    return stage


def bars_a_hundred_times_too_high() -> Stage:
    stage = Stage(seed=7, begins_ns=opens_ns(1) - 60 * SECOND)
    stage.tape.spoil_bar = lambda bar: (replace(bar, close=bar.close * 100, high=bar.high * 100),)
    stage.run("2m")
    return stage


def decided_again_while_working() -> Stage:
    stage = resting()
    stage.want("ALPHA", 10)
    stage.decide()
    stage.run("1s")
    return stage


def one_leg_is_slow() -> Stage:
    """A report of one leg comes ten seconds late."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 5, sleeve="two", pair="p")
    stage.want("BETA", -1_500, sleeve="two", pair="p")
    stage.decide()
    stage.run("58s")
    stage.tape.size = 100 * 10**8
    stage.run("70s")
    stage.tape.size = 1_000 * 10**8
    stage.run("3m")
    return stage


def one_leg_is_too_large() -> Stage:
    """What is displayed is a fortieth of one leg and all of the other."""
    stage = Stage(seed=7)
    stage.want("ALPHA", 5, sleeve="two", pair="p")
    stage.want("BETA", -39_000, sleeve="two", pair="p")
    stage.decide()
    stage.run("5m")
    return stage


def sleeves_want_the_opposite() -> Stage:
    stage = Stage(seed=7)
    stage.want("ALPHA", 100, sleeve="one")
    stage.want("ALPHA", -100, sleeve="two")
    stage.decide()
    stage.run("1s")
    return stage


def proposal_lost_in_a_crash_of_risk() -> Stage:
    stage = Stage(seed=7)
    stage.want("ALPHA", 100)
    curse(stage, "risk", after=4, times=1)
    stage.decide()
    stage.run("1s")
    stage.decide()
    stage.run("1s")
    return stage


def dividend() -> Stage:
    stage = plain()
    stage.venue.exchange.move_cash("d-1", "dividend", "USD", 10**6, "ALPHA", stage.now_ns)
    stage.run("1s")
    return stage


def sleeve_raises_for_ever() -> Stage:
    stage = Stage(seed=7)
    curse(stage, "sleeve.two", after=1, times=20)
    for _ in range(8):
        stage.decide()
        stage.run("5s")
    return stage


def truth_that_nobody_can_take() -> Stage:
    stage = Stage(seed=7)
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("58s")
    stage.venue.delay_next("Fill", 30 * SECOND)
    stage.run("20s")
    curse(stage, "orders", after=1, times=2)
    stage.run("20s")
    return stage


def stuck_key() -> Stage:
    stage = plain()
    for number in range(100):
        stage.tell("system", Halt(f"stuck key {number}", "author"))
    stage.run("20s")
    return stage


# -- the whole process


def dies_while_the_disk_works() -> Stage:
    return _dies_at_the_disk("before the disk works")


def dies_with_rows_on_disk() -> Stage:
    return _dies_at_the_disk("on disk, not known")


def _dies_at_the_disk(where: str) -> Stage:
    """A whole process that dies at the first such boundary after it has decided."""
    fuse = Fuse()
    stage = Stage(seed=7, cuts=fuse, journal=FolderJournal())
    fuse.light(1, where)
    stage.want("ALPHA", 100)
    stage.decide()
    stage.run("3m")
    return stage
