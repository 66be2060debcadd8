"""Oracles of the moment something leaves: limits, modes and prices, by the venue's own account at that moment."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import product as every_choice
from operator import itemgetter
from typing import NamedTuple

from config.risk import RiskLimits
from engine.ports import Row
from model.combos import contracts_of, legs_of, worth
from model.decisions import Mode, ModeEntered
from model.instruments import Kind, product_of
from model.market import Quote
from model.order_events import OrderPlanned, OrderRenewed, OrderRepriced
from model.orders import OrderType
from model.units import CASH_SCALE, NS_PER_SECOND, div_half_even
from simulation.prove.case import Violation
from simulation.prove.evidence import Evidence, Leaving
from state.system_law import ALLOWS, Act

SLACK = 1.06
"""Limits hold at the prices and the net asset value of the last decision; so far may both have moved since."""
BPS = 10_000


# -- limits


def limits_on_the_wire(seen: Evidence) -> Iterator[Violation]:
    """No order, no product, no run, no session and no book is larger than the program allows."""
    limits = seen.stage.world.configuration.program.risk
    capital = seen.stage.world.configuration.program.capital
    equity = seen.stage.venue.exchange.account.equity() or 0
    most = max(float(capital), equity / CASH_SCALE) * SLACK
    runs: Counter[str] = Counter()
    turnover: dict[str, float] = {}
    for leaving in seen.leavings:
        intent = leaving.planned.intent
        if leaving.submit is not seen.sent[leaving.planned.spec.client_id][0]:
            continue
        session = intent.run_id.partition(".")[0]
        runs[intent.run_id] += 1
        turnover[session] = turnover.get(session, 0.0) + (0.0 if leaving.reduces else leaving.worth)
        for text in _over(leaving, limits, most, runs[intent.run_id], turnover[session]):
            yield Violation("limits on the wire", f"{intent.id}: {text}", leaving.submit.request.at_ns)
    yield from _grown(seen)


def _over(leaving: Leaving, limits: RiskLimits, most: float, orders: int, turnover: float) -> Iterator[str]:
    if orders > limits.max_orders_per_run:
        yield f"order {orders} of its run, and {limits.max_orders_per_run} are allowed"
    if leaving.reduces:
        return
    if leaving.worth > limits.max_order_share * most:
        yield f"an order of {leaving.worth:,.0f}"
    if turnover > limits.max_daily_turnover_share * most:
        yield f"a turnover of {turnover:,.0f} in one session"
    if not leaving.more:
        return
    product = product_of(leaving.planned.spec.instrument)
    share = limits.instrument_shares.get(product, limits.max_instrument_share)
    if share is not None and leaving.product > share * most:
        yield f"{leaving.product:,.0f} of {product}"
    if leaving.gross > limits.max_gross_leverage * most:
        yield f"a gross exposure of {leaving.gross:,.0f}"
    if leaving.net > limits.max_net_leverage * most:
        yield f"a net exposure of {leaving.net:,.0f}"


def _grown(seen: Evidence) -> Iterator[Violation]:
    """A change may move a price, never ask for more than was approved."""
    for request, change in seen.modifies:
        plan = seen.planned.get(change.client_id)
        if plan is not None and change.quantity > plan[1].spec.quantity:
            text = f"{change.change_id} asks for {change.quantity} of {plan[1].spec.quantity} approved"
            yield Violation("limits on the wire", text, request.at_ns)


# -- modes


class _Act(NamedTuple):
    """Something that left, under the row that permitted it."""

    what: str
    act: Act
    permitted: Row | None
    at_ns: int
    durable_seq: int


def modes_on_the_wire(seen: Evidence) -> Iterator[Violation]:
    """Nothing leaves that the mode forbids: the one in which it was decided, and any that was durable since."""
    modes = [(row, event.mode) for row, event in seen.of(ModeEntered)]
    for each in (*_placed(seen), *_changed(seen)):
        if each.permitted is None:
            continue
        mode = seen.mode_at(each.permitted.seq)
        if each.act not in ALLOWS[mode]:
            yield Violation("modes on the wire", f"{each.what} was decided in {mode.value}", each.at_ns)
        for row, later in modes:
            # what became durable together leaves together: a mode of that very moment comes too late to stop it
            since = each.permitted.seq < row.seq <= each.durable_seq and row.at_ns > each.permitted.at_ns
            if since and each.act not in ALLOWS[later]:
                yield Violation("modes on the wire", f"{each.what} left after {later.value}", each.at_ns)
                break


def _placed(seen: Evidence) -> Iterator[_Act]:
    for leaving in seen.leavings:
        request, client_id = leaving.submit.request, leaving.planned.spec.client_id
        again = [row for row, step in seen.moved.get(client_id, ()) if step.event == "RESENT"]
        sent = (row for row in reversed(again) if row.seq <= request.durable_seq)
        permitted = next(sent, seen.planned[client_id][0])
        act = Act.REDUCE if leaving.reduces else Act.INCREASE
        yield _Act(f"{client_id}, which is to {act.value}", act, permitted, request.at_ns, request.durable_seq)


def _changed(seen: Evidence) -> Iterator[_Act]:
    """A change of an order that increases counts as one."""
    reduces = {leaving.planned.spec.client_id: leaving.reduces for leaving in seen.leavings}
    rows = {event.change_id: row for row, event in seen.of(OrderRepriced)}
    rows |= {event.change_id: row for row, event in seen.of(OrderRenewed)}
    for request, change in seen.modifies:
        row = rows.get(change.change_id)
        if row is not None:
            low = seen.mode_at(row.seq) is Mode.REDUCE_ONLY and not reduces.get(change.client_id, False)
            act = Act.INCREASE if low else Act.MODIFY
            yield _Act(f"change {change.change_id}", act, row, request.at_ns, request.durable_seq)


# -- prices


def prices_on_the_wire(seen: Evidence) -> Iterator[Violation]:
    """An order priced from the market follows the last sane quote that the engine was told, and keeps its collar."""
    name = "prices on the wire"
    execution = seen.stage.world.configuration.program.execution
    buried = _buried(seen)
    for client_id in seen.sent:
        plan = seen.planned.get(client_id)
        if plan is None or plan[1].intent.limit or plan[1].spec.type is not OrderType.LIMIT:
            continue
        planned = plan[1]
        behind = _behind(seen.stage.heard, buried, planned)
        if behind is None:
            yield Violation(name, f"{client_id} is not priced from the last quote that was told", planned.at_ns)
        elif planned.at_ns - behind.at_ns > execution.max_quote_age_s * NS_PER_SECOND:
            yield Violation(name, f"{client_id} is priced from a stale quote", planned.at_ns)
        reference = worth(planned.intent)
        if reference and abs(planned.arrival - planned.intent.reference) * BPS > execution.sanity_bps * reference:
            yield Violation(name, f"{client_id} is priced far from its decision", planned.at_ns)
    yield from _beyond_collars(seen, name)


def _buried(seen: Evidence) -> set[Quote]:
    """Quotes over which an actor fell: they are dead letters, and may have been told again to the one built anew."""
    life = seen.stage.life
    return {each.message for each in life.kernel.dead_letters if isinstance(each.message, Quote)} if life else set()


def _behind(heard: Sequence[tuple[int, Quote]], buried: Collection[Quote], planned: OrderPlanned) -> Quote | None:
    """The quote that an order was priced from; of a combo the older of its legs', which together make its price."""
    name = planned.spec.instrument
    ratios = [leg.ratio for leg in legs_of(name)] or [1]
    told = [list(_possible(heard, buried, contract, planned.at_ns)) for contract in contracts_of(name)]
    for quotes in every_choice(*told):
        both_sides = sum(ratio * (each.bid + each.ask) for ratio, each in zip(ratios, quotes, strict=True))
        if div_half_even(both_sides, 2) == planned.arrival:
            return min(quotes, key=lambda each: each.at_ns)
    return None


def _possible(
    heard: Sequence[tuple[int, Quote]], buried: Collection[Quote], contract: str, now_ns: int
) -> Iterator[Quote]:
    """What a contract may have been priced from at a moment: its last good quote before it, or any of that moment.

    Before one that is buried, the one before it too: nobody knows whether it was told again.
    """
    for place in range(bisect_right(heard, now_ns, key=itemgetter(0)) - 1, -1, -1):
        at_ns, quote = heard[place]
        if quote.instrument == contract and _good(quote):
            yield quote
            if at_ns < now_ns and quote not in buried:
                return


def _good(quote: Quote) -> bool:
    return quote.bid_size > 0 and quote.ask_size > 0 and 0 < quote.bid <= quote.ask


def _beyond_collars(seen: Evidence, name: str) -> Iterator[Violation]:
    """No price on the wire is worse than the collar of the order's arrival, in its first form or a changed one."""
    for client_id, submits in seen.sent.items():
        order, plan = submits[0].message.order, seen.planned.get(client_id)
        if plan is None or not (plan[1].arrival or plan[1].intent.leg_references):
            continue
        limits = [order.limit] + [change.limit for _, change in seen.modifies if change.client_id == client_id]
        arrival, intent = plan[1].arrival, plan[1].intent
        size = worth(intent) if intent.leg_references else abs(arrival)
        for limit in limits:
            if order.side * (limit - arrival) * BPS > _collar_bps(seen, order.instrument) * size:
                yield Violation(name, f"{client_id} shows {limit}, and came at {arrival}", submits[0].request.at_ns)


def _collar_bps(seen: Evidence, contract: str) -> float:
    bps = seen.stage.world.configuration.program.execution.max_slippage_bps
    named = {Kind.ETF: bps.etf, Kind.STOCK: bps.stock, Kind.FUTURE: bps.future, Kind.FX_SPOT: bps.fx_spot}
    return named.get(seen.instrument(contract).kind, bps.other)
