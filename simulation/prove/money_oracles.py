"""Oracles of money: our book is the venue's, and the venue's own account adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from model.execution import BooksAdjusted, Reconciled
from model.instruments import Kind
from model.orders import CashMoved, Fill, Settlement, VenueCashMoved, VenueSettled
from model.units import NS_PER_SECOND, cash
from simulation.exchange.book import OPEN
from simulation.prove.case import Violation
from simulation.prove.evidence import Evidence
from state.order_law import TERMINAL

SETTLED_NS = NS_PER_SECOND
"""What the venue says has reached the engine after so long, when nothing harms the wire."""
COMPARED_WITHIN_NS = 330 * NS_PER_SECOND
"""The engine asks the venue at least so often: nothing that a fault swallowed stays unknown for longer."""
MARKED = (Kind.FUTURE, Kind.PERPETUAL)
ENDED = frozenset(str(state) for state in TERMINAL)


class Sums:
    """Cash by currency and positions by contract, from facts alone."""

    def __init__(self, seen: Evidence) -> None:
        self._seen = seen
        self.cash: Counter[str] = Counter({"USD": cash(seen.stage.world.configuration.program.capital)})
        self.positions: Counter[str] = Counter()

    def take(self, fills: Iterable[Fill], settlements: Iterable[Settlement], moves: Iterable[CashMoved]) -> None:
        """Count executions, then what the clearing house did; a last settlement leaves nothing of a position."""
        for fill in fills:
            self.positions[fill.instrument] += fill.side * fill.quantity
            self.cash[fill.fee_currency] -= fill.fee
            instrument = self._seen.instrument(fill.instrument)
            if instrument.kind not in MARKED:
                paid = self._seen.money(fill.instrument, fill.side * fill.price * fill.quantity)
                self.cash[instrument.currency] -= paid
        for settlement in {each.id: each for each in settlements}.values():
            for line in settlement.lines:
                self.cash[line.currency] += line.amount
                if line.final:
                    self.positions[line.instrument] = 0
        for move in {each.id: each for each in moves}.values():
            self.cash[move.currency] += move.amount


# -- our book


def book_equals_venue(seen: Evidence, quiet_since_ns: int) -> Iterator[Violation]:
    """At rest the journal's positions and cash are the venue's, the engine's own books are too, and no order differs.

    At rest: the faults are over, what was asked and said has arrived, and the engine has compared since, or has had the
    time to. What was moved without a trade waits for a person: it must be known as a
    difference, of just that size.
    """
    if not at_rest(seen, quiet_since_ns):
        return
    name = "book equals venue"
    account = seen.stage.venue.exchange.account
    theirs = {contract: market.quantity for contract, market in account.markets.items() if market.quantity}
    journal = journalled(seen)
    moved = moved_by_hand(seen)
    wanted = {contract: theirs.get(contract, 0) - moved[contract] for contract in {**theirs, **moved}}
    yield from _differ(name, "the journal holds", journal.positions, wanted, seen.now_ns)
    yield from _differ(name, "the journal counts", journal.cash, account.cash, seen.now_ns)
    life = seen.stage.life
    if life is not None:
        books = seen.stage.actor("portfolio").books
        held = {contract: line.quantity for contract, line in books.positions.items()}
        yield from _differ(name, "the engine holds", held, wanted, seen.now_ns)
        yield from _differ(name, "the engine counts", books.cash, account.cash, seen.now_ns)
    yield from _orders_differ(seen, name)
    noticed = {each.subject for _, row in seen.of(Reconciled) for each in row.breaks}
    for contract in moved:
        if moved[contract] and contract not in noticed:
            yield Violation(name, f"{contract} was moved without a trade, and no comparison said so", seen.now_ns)


def at_rest(seen: Evidence, quiet_since_ns: int) -> bool:
    """Whether book and venue must be equal now."""
    desk = seen.stage.venue.exchange.desk
    said_ns = max(seen.fills[-1].at_ns if seen.fills else 0, desk.closed[-1].closed_ns if desk.closed else 0)
    if seen.now_ns - max(said_ns, seen.asked_ns, quiet_since_ns) < SETTLED_NS:
        return False
    if seen.now_ns - quiet_since_ns >= COMPARED_WITHIN_NS:
        return True
    asked = {question.id for request, question in seen.questions if request.at_ns >= quiet_since_ns}
    return any(row.passed and row.id in asked for _, row in seen.of(Reconciled))


def journalled(seen: Evidence) -> Sums:
    """What the journal says, and adjustments that a person signed."""
    sums = Sums(seen)
    sums.take(
        seen.filled.values(),
        (event.settlement for _, event in seen.of(VenueSettled)),
        (event.move for _, event in seen.of(VenueCashMoved)),
    )
    for _, adjusted in seen.of(BooksAdjusted):
        sums.positions[adjusted.instrument] += adjusted.quantity
        sums.cash[adjusted.currency] += adjusted.amount
    return sums


def moved_by_hand(seen: Evidence) -> Counter[str]:
    """What came without a trade and nobody has taken into the books."""
    moved: Counter[str] = Counter()
    for contract, quantity, _ in seen.stage.venue.exchange.account.transfers:
        moved[contract] += quantity
    for _, adjusted in seen.of(BooksAdjusted):
        moved[adjusted.instrument] -= adjusted.quantity
    return moved


def _differ(
    name: str, what: str, ours: Mapping[str, int], theirs: Mapping[str, int], at_ns: int
) -> Iterator[Violation]:
    for subject in sorted({*ours, *theirs}):
        mine, other = ours.get(subject, 0), theirs.get(subject, 0)
        if mine != other:
            yield Violation(name, f"{what} {mine} of {subject}, the venue {other}", at_ns)


def _orders_differ(seen: Evidence, name: str) -> Iterator[Violation]:
    """What has ended at the venue has ended in the journal, in the same way, and what is open there is open here."""
    for client_id, state in seen.states.items():
        order = seen.venue_orders.get(client_id)
        there = order.state if order is not None else "unknown"
        if order is None:
            differs = state != "LOST" and client_id not in seen.doubted
        elif there == OPEN:
            differs = state in ENDED or state in ("LOST", "UNKNOWN")
        else:
            differs = state not in ENDED or (there == "FILLED") is not (state == "FILLED")
        if differs:
            yield Violation(name, f"{client_id} is {state} in the journal and {there} at the venue", seen.now_ns)
    for client_id in seen.open_at_venue:
        if client_id not in seen.states:
            yield Violation(name, f"{client_id} is open at the venue, and the journal does not know it", seen.now_ns)


# -- the venue's account


def venue_conserves(seen: Evidence) -> Iterator[Violation]:
    """The venue's cash and positions are the opening ones, and what its fills, settlements and moves made of them."""
    name = "venue conserves"
    exchange = seen.stage.venue.exchange
    account, clearing = exchange.account, exchange.clearing
    sums = Sums(seen)
    sums.take(seen.executed.values(), clearing.settlements, clearing.moves)
    for contract, quantity, _ in account.transfers:
        sums.positions[contract] += quantity
    held = {contract: market.quantity for contract, market in account.markets.items()}
    yield from _differ(name, "fills make", sums.positions, held, seen.now_ns)
    yield from _differ(name, "payments make", sums.cash, account.cash, seen.now_ns)
    for client_id, order in exchange.desk.orders.items():
        if not 0 <= order.filled <= order.quantity:
            yield Violation(name, f"{client_id} filled {order.filled} of {order.quantity}", seen.now_ns)
    yield from _variation(seen, name)


def _variation(seen: Evidence, name: str) -> Iterator[Violation]:
    """What a future was settled for is what it was traded for: amounts = open basis + last settlements - all trades."""
    account, clearing = seen.stage.venue.exchange.account, seen.stage.venue.exchange.clearing
    traded: Counter[str] = Counter()
    for fill in seen.executed.values():
        traded[fill.instrument] += fill.side * fill.price * fill.quantity
    for contract, quantity, price in account.transfers:
        traded[contract] += quantity * price
    lines = [line for settlement in clearing.settlements for line in settlement.lines]
    for contract in {line.instrument for line in lines}:
        mine = [line for line in lines if line.instrument == contract]
        ended = sum(line.settle * line.quantity for line in mine if line.final)
        market = account.markets[contract]
        due = seen.money(contract, market.basis + ended - traded[contract])
        paid = sum(line.amount for line in mine)
        if abs(paid - due) > len(mine):  # each line is rounded once
            yield Violation(name, f"{contract} was settled for {paid}, its trades ask for {due}", seen.now_ns)
