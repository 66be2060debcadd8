"""What is wrong with a play in which something was decided, believed or touched that must not be."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from model.decisions import Denial, InstrumentLocked, RegimeDecided, RiskDecision, RunPlanned, Targets
from model.execution import Break, Reconciled, Severity
from model.order_events import OrderPlanned
from model.orders import CancelAtVenue, Filled
from simulation.stage import Stage
from simulation.stage.cuts import Request
from tests.prove.forging import forge, place_of, slip_in
from tests.prove.plays import plain, resent


def decided_the_scale_twice(stage: Stage) -> None:
    slip_in(stage, len(stage.rows), stage.rows[place_of(stage, RiskDecision)].event)


def decided_the_regime_otherwise(stage: Stage) -> None:
    decided = stage.rows[place_of(stage, RegimeDecided)].event
    assert isinstance(decided, RegimeDecided)
    peak = {**decided.facts, "peak": 2.0}
    slip_in(stage, len(stage.rows), replace(decided, run_id="another run of the session", facts=peak))


def answered_twice(stage: Stage) -> None:
    slip_in(stage, len(stage.rows), stage.rows[place_of(stage, Targets)].event)


def left_a_leg_behind(stage: Stage) -> None:
    place = place_of(stage, RunPlanned, -1)
    intents = tuple(each for each in stage.rows[place].event.intents if each.instrument != "BETA")  # type: ignore[attr-defined]
    forge(stage, place, intents=intents, left_out=(Denial("DEGRADED", "BETA", "no price"),))


def found_a_difference(stage: Stage) -> None:
    found = Break("POSITION", "ALPHA", 1, 2, Severity.LOCK, "ALPHA: the book holds 1, the venue 2")
    forge(stage, place_of(stage, Reconciled), breaks=(found,))


def locked_long_before(stage: Stage) -> None:
    contract = next(iter(stage.venue.exchange.desk.orders.values())).spec.instrument
    place = place_of(stage, OrderPlanned)
    slip_in(stage, place, InstrumentLocked(contract, "forged", 0), later_ns=-1)


def denied_what_the_venue_had(stage: Stage) -> None:
    """The proof of absence holds, and the order had been there all the time."""
    order = next(iter(stage.venue.exchange.desk.orders.values()))
    order.arrived_ns = stage.rows[place_of(stage, OrderPlanned)].at_ns


def told_an_execution_in_vain(stage: Stage) -> None:
    fill = stage.venue.exchange.desk.fills[0]
    stage.facts.append((stage.rows[-1].at_ns, replace(fill, exec_id="told in vain")))


def gave_an_execution_to_another_order(stage: Stage) -> None:
    forge(stage, place_of(stage, Filled), run_id="of another order")


def planned_in_pence(stage: Stage) -> None:
    place = place_of(stage, RunPlanned, -1)
    run = stage.rows[place].event
    assert isinstance(run, RunPlanned)
    forge(stage, place, intents=tuple(replace(each, reference=100 * each.reference) for each in run.intents))


def cancelled_a_stranger(stage: Stage) -> None:
    stage.wire.append(Request(stage.now_ns, CancelAtVenue("manual-1"), len(stage.rows), True))


DECISION_DEFECTS: tuple[tuple[str, Callable[[], Stage], Callable[[Stage], None]], ...] = (
    ("decided once", plain, decided_the_scale_twice),
    ("decided once", plain, decided_the_regime_otherwise),
    ("decided once", plain, answered_twice),
    ("legs together", plain, left_a_leg_behind),
    ("differences lock", plain, found_a_difference),
    ("differences lock", plain, locked_long_before),
    ("absence is true", resent, denied_what_the_venue_had),
    ("facts taken", plain, told_an_execution_in_vain),
    ("facts taken", plain, gave_an_execution_to_another_order),
    ("prices believed", plain, planned_in_pence),
    ("only ours touched", plain, cancelled_a_stranger),
)
