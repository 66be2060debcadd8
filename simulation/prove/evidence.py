"""What the venue, the wire and the journal say of one play, sorted once. Nothing of the engine's own logic is asked."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple, TypeVar

from msgspec import structs

from engine.message import Event
from engine.ports import Row
from model.combos import as_legs
from model.decisions import Approved, Mode, ModeEntered
from model.instruments import Instrument, product_of
from model.leases import CancelAfter
from model.order_events import OrderMoved, OrderPlanned
from model.orders import ORDER_PREFIX, CancelAtVenue, Fill, Filled, ModifyOrder, RequestSnapshot, SubmitOrder
from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, Cash, Px, Qty, div_half_even
from simulation.exchange.book import OPEN, WorkingOrder
from simulation.exchange.faults import Fault
from simulation.prove.standing import Standing
from simulation.stage import Stage
from simulation.stage.cuts import Request

E = TypeVar("E", bound=Event)
RAW_SCALE = PX_SCALE * QTY_SCALE


class Submit(NamedTuple):
    """One SubmitOrder that the link took. nth: its place among them, from 1, by which faults of the wire name it."""

    nth: int
    request: Request
    message: SubmitOrder


class Leaving(NamedTuple):
    """An order as it leaves, and what the venue made of it then; exposures are in whole money, at their worst.

    reduces: it only shrinks its position, or moves it between contracts.  more: it makes its product's exposure larger.
    worth is of what it does not take over from other contracts.  gross and net count it, net as far as it goes to the
    order's own side; product is its own share of gross.
    """

    submit: Submit
    planned: OrderPlanned
    reduces: bool
    more: bool
    worth: float
    product: float
    gross: float
    net: float


class Evidence:
    """One play as others saw it. Every row is given with its event, in the journal's order.

    asked_ns: when the last order, change or cancel left.  words: these, and renewals of a cancel timer.  refused: what
    met a dead link.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.now_ns = stage.now_ns
        self.rows = stage.rows
        kinds: dict[type[Event], list[tuple[Row, Event]]] = {}
        for row in self.rows:
            event = row.event
            kind = type(event)
            if kind in kinds:
                kinds[kind].append((row, event))
            else:
                kinds[kind] = [(row, event)]
        self._kinds = kinds
        self._sort_wire(stage.wire)
        desk = stage.venue.exchange.desk
        self.venue_orders: dict[str, WorkingOrder] = desk.orders
        self.fills: list[Fill] = desk.fills
        self.ids_enforced = stage.venue.exchange.rules.ids_enforced

    def _sort_wire(self, wire: list[Request]) -> None:
        self.submits: list[Submit] = []
        self.modifies: list[tuple[Request, ModifyOrder]] = []
        self.cancels: list[tuple[Request, CancelAtVenue]] = []
        self.questions: list[tuple[Request, RequestSnapshot]] = []
        self.refused: list[Request] = []
        self.words: list[Request] = []
        self.asked_ns = 0
        for request in wire:
            message = request.message
            if not request.taken:
                self.refused.append(request)
                continue
            if type(message) is not RequestSnapshot:
                self.words.append(request)
                if type(message) is not CancelAfter:
                    self.asked_ns = request.at_ns
            if type(message) is SubmitOrder:
                self.submits.append(Submit(len(self.submits) + 1, request, message))
            elif type(message) is ModifyOrder:
                self.modifies.append((request, message))
            elif type(message) is CancelAtVenue:
                self.cancels.append((request, message))
            elif type(message) is RequestSnapshot:
                self.questions.append((request, message))

    def of(self, kind: type[E]) -> list[tuple[Row, E]]:
        """Every durable row with an event of this kind."""
        return self._kinds.get(kind, [])  # type: ignore[return-value]

    # -- the journal

    @cached_property
    def planned(self) -> dict[str, tuple[Row, OrderPlanned]]:
        """The first plan of each order, by client id."""
        first: dict[str, tuple[Row, OrderPlanned]] = {}
        for row, event in self.of(OrderPlanned):
            first.setdefault(event.spec.client_id, (row, event))
        return first

    @cached_property
    def approved(self) -> dict[str, list[tuple[Row, Approved]]]:
        """Risk's answers by their names."""
        named: dict[str, list[tuple[Row, Approved]]] = {}
        for row, event in self.of(Approved):
            named.setdefault(event.id, []).append((row, event))
        return named

    @cached_property
    def moved(self) -> dict[str, list[tuple[Row, OrderMoved]]]:
        """The steps of each order, by client id."""
        steps: dict[str, list[tuple[Row, OrderMoved]]] = {}
        for row, event in self.of(OrderMoved):
            steps.setdefault(event.client_id, []).append((row, event))
        return steps

    @cached_property
    def states(self) -> dict[str, str]:
        """Where the journal leaves each order."""
        found = dict.fromkeys(self.planned, "DURABLE")
        found.update((client_id, steps[-1][1].now) for client_id, steps in self.moved.items())
        return found

    @cached_property
    def filled(self) -> dict[str, Fill]:
        """Executions in the journal by their ids, each once; what was corrected is no longer among them."""
        return standing(event.fill for _, event in self.of(Filled))

    @cached_property
    def executed(self) -> dict[str, Fill]:
        """The same as the venue has them."""
        return standing(self.fills)

    @cached_property
    def boots(self) -> list[Row]:
        """The first row of every life of the engine: the mode leaves BOOT."""
        return [row for row, event in self.of(ModeEntered) if event.was is Mode.BOOT]

    def mode_at(self, seq: int) -> Mode:
        """The mode that stands in the journal just before a row."""
        rows = self.of(ModeEntered)
        place = bisect_right(rows, seq - 1, key=lambda pair: pair[0].seq)
        return rows[place - 1][1].mode if place else Mode.BOOT

    # -- the wire

    @cached_property
    def sent(self) -> dict[str, list[Submit]]:
        """Submits that the link took, by client id."""
        found: dict[str, list[Submit]] = {}
        for submit in self.submits:
            found.setdefault(submit.message.order.client_id, []).append(submit)
        return found

    @cached_property
    def harmed(self) -> dict[str, list[Fault]]:
        """What the wire did to the submits of an order."""
        happened = [fault for fault in self.stage.venue.faults.happened if fault.kind == "SubmitOrder"]
        found: dict[str, list[Fault]] = {}
        for fault in happened:
            if fault.nth <= len(self.submits):
                found.setdefault(self.submits[fault.nth - 1].message.order.client_id, []).append(fault)
        return found

    @cached_property
    def leavings(self) -> list[Leaving]:
        """Every order that left, resent ones too, against the account at that moment. Unplanned ones are left out."""
        standing = Standing(self.fills, self.stage.venue.exchange.desk.closed, self.venue_orders, self.worth)
        found = []
        for submit in self.submits:
            order = submit.message.order
            plan = self.planned.get(order.client_id)
            if plan is None:
                continue
            intent, product = plan[1].intent, product_of(order.instrument)
            standing.advance(submit.request.at_ns)
            before = standing.exposures()[0].get(product, 0.0)
            reduces, worth = True, 0.0
            legs = as_legs(intent)
            for leg in legs:
                part = structs.replace(order, instrument=leg.instrument, side=leg.side, quantity=leg.quantity)
                price = leg.reference or order.limit
                shrinks = standing.reduces(part)
                rolls = standing.leave(part, intent.purpose, price)
                reduces = reduces and (shrinks or rolls == part.quantity)
                if len(legs) == 1 or not shrinks:
                    worth += self.worth(product, price, part.quantity - rolls)
            gross, most, least = standing.exposures()
            net = most if order.side > 0 else -least
            mine = gross.get(product, 0.0)
            found.append(
                Leaving(
                    submit,
                    plan[1],
                    reduces,
                    mine > before,
                    worth,
                    mine,
                    sum(gross.values()),
                    net,
                )
            )
        return found

    # -- the venue

    @cached_property
    def doubted(self) -> set[str]:
        """Orders that stay UNKNOWN because a venue without ids never had them, and nobody can prove that."""
        if self.ids_enforced:
            return set()
        return {name for name, state in self.states.items() if state == "UNKNOWN" and name not in self.venue_orders}

    @cached_property
    def duplicates(self) -> Counter[str]:
        """How often the venue was sent each id again."""
        return Counter(client_id for client_id, _ in self.stage.venue.exchange.desk.duplicates)

    @cached_property
    def open_at_venue(self) -> list[str]:
        """Our orders that work at the venue."""
        return [name for name, order in self.venue_orders.items() if order.state == OPEN and ours(name)]

    def instrument(self, contract: str) -> Instrument:
        instruments = self.stage.world.instruments
        return instruments.get(contract) or instruments[product_of(contract)]

    def money(self, contract: str, raw: int) -> Cash:
        """Cash of price x quantity in a contract, half to even."""
        top, bottom = self._multipliers[product_of(contract)]
        return div_half_even(raw * top * CASH_SCALE, bottom * RAW_SCALE)

    @cached_property
    def _multipliers(self) -> dict[str, tuple[int, int]]:
        return {name: each.multiplier.as_integer_ratio() for name, each in self.stage.world.instruments.items()}

    def worth(self, contract: str, price: Px, quantity: Qty) -> float:
        """Notional in whole money, for comparisons with limits."""
        top, bottom = self._multipliers[product_of(contract)]
        return abs(price) * abs(quantity) * top / bottom / RAW_SCALE


def ours(client_id: str) -> bool:
    return client_id.startswith(ORDER_PREFIX)


def standing(fills: Iterable[Fill]) -> dict[str, Fill]:
    """Executions by id, repeats once, without those that a correction replaced."""
    found: dict[str, Fill] = {}
    corrected = set()
    for fill in fills:
        found.setdefault(fill.exec_id, fill)
        if fill.corrects:
            corrected.add(fill.corrects)
    for exec_id in corrected:
        found.pop(exec_id, None)
    return found
