"""A play as its states tell it: what happened how often, what each crash left behind, when the link was down."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from engine.message import Event
from engine.ports import Row
from model.decisions import Approved, Mode, ModeEntered, RunPlanned
from model.execution import Alarm, OrderDenied, PairMoved, Reconciled
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Fill, Filled, Intent
from model.units import Qty
from simulation.prove.evidence import Evidence
from state.order_law import AT_RISK, TERMINAL

ENDED = frozenset(str(state) for state in TERMINAL)
OPEN = frozenset(str(state) for state in AT_RISK)


class Left(NamedTuple):
    """What one life of the engine left behind: how its journal leaves orders and mode, and when the next life began."""

    states: dict[str, str]
    mode: Mode
    traded: bool
    last_ns: int
    next: Row


class Taken(NamedTuple):
    """One execution as the journal took it: the order's state then, and how much of it was filled with this one."""

    row: Row
    fill: Fill
    state: str
    filled: Qty


class Story(Evidence):
    """Evidence, counted and put in order for the states of `sometimes`."""

    @cached_property
    def steps(self) -> Counter[str]:
        """Steps of orders, by `EVENT` and by `EVENT in STATE`."""
        counted: Counter[str] = Counter()
        for _, step in self.of(OrderMoved):
            counted[step.event] += 1
            counted[f"{step.event} in {step.was}"] += 1
        return counted

    @cached_property
    def alarms(self) -> Counter[str]:
        return Counter(alarm.code for _, alarm in self.of(Alarm))

    @cached_property
    def denied(self) -> Counter[str]:
        """Why intents were not sent, by code: risk's denials, and those of the order manager as `orders: CODE`."""
        counted = Counter(denial.code for _, answer in self.of(Approved) for denial in answer.denials)
        counted.update(f"orders: {denial.code}" for _, denial in self.of(OrderDenied))
        counted.update(f"left out: {denial.code}" for _, plan in self.of(RunPlanned) for denial in plan.left_out)
        return counted

    @cached_property
    def pairs(self) -> Counter[str]:
        return Counter(pair.status for _, pair in self.of(PairMoved))

    @cached_property
    def breaks(self) -> Counter[str]:
        return Counter(each.kind for _, row in self.of(Reconciled) for each in row.breaks)

    @cached_property
    def died(self) -> Counter[str]:
        """Where the process died, as the stage names its boundaries."""
        return Counter(crash.where for crash in self.stage.crashes)

    @cached_property
    def noticed(self) -> Counter[str]:
        return Counter(notice.happened.value for notice in self.stage.notices)

    @cached_property
    def wire_did(self) -> Counter[str]:
        """What befell messages: `drop OrderAcked`."""
        return Counter(f"{fault.harm.value} {fault.kind}" for fault in self.stage.venue.faults.happened)

    @cached_property
    def intents(self) -> dict[str, Intent]:
        """Every intent that risk approved."""
        return {intent.id: intent for _, answer in self.of(Approved) for intent in answer.intents}

    # -- in the journal's order

    @cached_property
    def taken(self) -> list[Taken]:
        """Executions with what the journal said of their orders just before."""
        if not self.of(Filled):
            return []
        found = []
        steps, filled = self.moved, Counter[str]()
        for row, event in self.of(Filled):
            fill = event.fill
            name = fill.client_id
            mine = steps.get(name, [])
            place = bisect_right(mine, row.seq, key=lambda pair: pair[0].seq)
            state = mine[place - 1][1].now if place else "DURABLE"
            filled[name] += fill.quantity
            found.append(Taken(row, fill, state, filled[name]))
        return found

    @cached_property
    def lives(self) -> list[Left]:
        """What every life but the last left behind."""
        later = self.boots[1:]
        if not later:
            return []
        found: list[Left] = []
        states: dict[str, str] = {}
        mode, traded, last_ns, place = Mode.BOOT, False, 0, 0
        for row in self.rows:
            if place < len(later) and row.seq == later[place].seq:
                found.append(Left(dict(states), mode, traded, last_ns, row))
                traded, place = False, place + 1
            event: Event = row.event
            if type(event) is OrderPlanned:
                states[event.spec.client_id] = "DURABLE"
            elif type(event) is OrderMoved:
                states[event.client_id] = event.now
            elif type(event) is ModeEntered:
                mode = event.mode
                traded = traded or mode is Mode.TRADING
            last_ns = row.at_ns
        return found

    def states_at(self, seq: int) -> dict[str, str]:
        """Where the journal has each order just before a row."""
        found: dict[str, str] = {}
        for name, (row, _) in self.planned.items():
            if row.seq < seq:
                steps = self.moved.get(name, [])
                place = bisect_right(steps, seq - 1, key=lambda pair: pair[0].seq)
                found[name] = steps[place - 1][1].now if place else "DURABLE"
        return found

    @cached_property
    def outages(self) -> list[tuple[int, int]]:
        """From when to when the engine knew the link to be down; it asks the venue as soon as it is up."""
        asked = [request.at_ns for request, _ in self.questions]
        found = []
        for _, alarm in self.of(Alarm):
            if alarm.code == "LINK_DOWN":
                place = bisect_right(asked, alarm.at_ns)
                found.append((alarm.at_ns, asked[place] if place < len(asked) else self.now_ns))
        return found

    def cancelled_at(self, name: str) -> Iterator[int]:
        """When cancels of an order left."""
        return (request.at_ns for request, cancel in self.cancels if cancel.client_id == name)
