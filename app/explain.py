"""Why an order was sent, and why another was not: the decision's chain, read back from the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from actors.fx import FxFixed
from engine.ports import Row
from model.combos import as_legs
from model.decisions import Approved, Denial, RegimeDecided, RiskDecision, RunMoved, RunPlanned, Targets, Want
from model.execution import PairMoved
from model.instruments import product_of
from model.margin import MarginHeard
from model.order_events import OrderMoved, OrderPlanned, OrderRepriced, OrderStands
from model.orders import Filled, Intent, OrderType
from model.units import NS_PER_SECOND, cash_float, px_float, qty_float
from state.journal import Events, journal_rows

RUN_KINDS = (
    "FxFixed", "RegimeDecided", "RiskDecision", "Targets", "RunPlanned", "MarginHeard", "Approved", "RunMoved",
    "PairMoved",
)  # fmt: skip
ORDER_KINDS = ("OrderPlanned", "OrderMoved", "OrderRepriced", "OrderStands", "Filled")


class UnknownSubjectError(LookupError):
    """The journal says nothing of what was asked for."""

    code: ClassVar[str] = "UNKNOWN_SUBJECT"
    next: ClassVar[str] = "`hedgerow orders` lists order ids, `hedgerow positions` instruments"


class Line(msgspec.Struct, frozen=True):
    """One step of an explanation: which part of the decision, what it said, and where the journal says it."""

    part: str
    text: str
    seq: int
    at: str


class Explanation(msgspec.Struct, frozen=True):
    """What led to a decision in the order of deciding."""

    subject: str
    run_id: str
    lines: tuple[Line, ...]


def explain(journal: Path, subject: str, events: Events, session: int | None = None) -> Explanation:
    """Explain an order (its id or the end of it) or, for a product or contract, its latest run (or that of a session).

    Raises UnknownSubjectError when the journal knows neither.
    """
    order = next(_orders_named(journal, subject, events), None)
    if order is not None:
        planned = order.event
        assert isinstance(planned, OrderPlanned)
        run = planned.intent.run_id
        product = product_of(planned.spec.instrument)
        lines = _run_lines(_rows_of_run(journal, run, events), product, planned.intent)
        lines += _order_lines(journal, order, events)
        return Explanation(planned.spec.client_id, run, _in_order(lines))
    found_run = _latest_run(journal, product_of(subject), session, events)
    if found_run is None:
        when = f" in session {session}" if session else ""
        raise UnknownSubjectError(f"the journal has no order and no decision about {subject!r}{when}")
    lines = _run_lines(_rows_of_run(journal, found_run, events), product_of(subject), None)
    for row in journal_rows(journal, kinds=("OrderPlanned",), events=events):
        planned = row.event
        if not isinstance(planned, OrderPlanned) or planned.intent.run_id != found_run:
            continue
        if product_of(planned.spec.instrument) == product_of(subject):
            lines += _order_lines(journal, row, events)
    return Explanation(subject, found_run, _in_order(lines))


def _orders_named(journal: Path, name: str, events: Events) -> Iterator[Row]:
    for row in journal_rows(journal, kinds=("OrderPlanned",), events=events):
        if isinstance(row.event, OrderPlanned) and len(name) >= 6 and row.event.spec.client_id.endswith(name):
            yield row


def _latest_run(journal: Path, product: str, session: int | None, events: Events) -> str | None:
    found = None
    for row in journal_rows(journal, kinds=("Targets",), events=events):
        said = row.event
        if not isinstance(said, Targets) or session not in (None, said.session):
            continue
        if any(product_of(want.product) == product for want in said.wants):
            found = said.run_id
    return found


def _rows_of_run(journal: Path, run_id: str, events: Events) -> list[Row]:
    rows = journal_rows(journal, kinds=RUN_KINDS, events=events)
    return [row for row in rows if getattr(row.event, "run_id", None) == run_id]


def _run_lines(rows: Iterable[Row], product: str, intent: Intent | None) -> list[Line]:
    lines: list[Line] = []
    for row in rows:
        lines += [Line(part, text, row.seq, stamp(row.at_ns)) for part, text in _said(row.event, product, intent)]
    return lines


def _said(event: Any, product: str, intent: Intent | None) -> Iterator[tuple[str, str]]:
    match event:
        case FxFixed():
            rates = (
                f"{name} {px_float(r.rate):.6g} {r.quality.name}, {r.source}" for name, r in event.fx.rates.items()
            )
            yield "inputs", f"rates to {event.fx.base}: {'; '.join(rates)}"
        case RegimeDecided():
            missing = f"; missing {', '.join(event.degraded)}" if event.degraded else ""
            yield "regime", f"{event.regime.value}: {event.why}{_facts(event.facts)}{missing}"
        case RiskDecision():
            yield (
                "risk",
                f"scale {event.scale:.3f}, volatility {event.vol_annual:.1%} a year, drawdown {event.drawdown:.1%}, "
                f"net asset value {cash_float(event.nav):,.0f}, mode {event.mode.value}: {event.why}",
            )
        case Targets():
            yield from ((f"target of {event.sleeve}", _want(want)) for want in event.wants if want.product == product)
        case RunPlanned():
            yield "inputs", f"prices of session {event.session}, fingerprint {event.inputs_hash}"
            mine = [i for i in event.intents if product_of(i.instrument) == product]
            yield from (("netting", _intent(i)) for i in mine if intent is None or i.id == intent.id)
            yield from (("not wanted", _denial(d)) for d in event.left_out if product_of(d.instrument) == product)
        case MarginHeard():
            yield "margin", _margin(event)
        case Approved():
            mine = [i for i in event.intents if product_of(i.instrument) == product]
            yield from (("gates", f"{i.id} approved as {event.id}") for i in mine if intent in (None, i))
            yield from (("gates", _denial(d)) for d in event.denials if product_of(d.instrument) == product)
        case PairMoved() if intent is None or event.pair == intent.pair:
            yield "pair", f"{event.pair} {event.status}: {event.reason}"
        case RunMoved():
            yield "run", f"{event.status}{f': {event.reason}' if event.reason else ''}"


def _order_lines(journal: Path, planned: Row, events: Events) -> list[Line]:
    assert isinstance(planned.event, OrderPlanned)
    order = planned.event.spec.client_id
    lines = []
    for row in journal_rows(journal, first_seq=planned.seq, kinds=ORDER_KINDS, events=events):
        text = _order_said(row.event, order, planned.event.spec.instrument)
        if text is not None:
            lines.append(Line(text[0], text[1], row.seq, stamp(row.at_ns)))
            if isinstance(row.event, OrderMoved) and row.event.now in ("REJECTED", "EXPIRED", "CANCELLED"):
                break
    return lines


def _order_said(event: Any, order: str, instrument: str) -> tuple[str, str] | None:
    match event:
        case OrderPlanned() if event.spec.client_id == order:
            spec = event.spec
            limit = f" limit {px_float(spec.limit):g}" if spec.limit or spec.type is OrderType.LIMIT else ""
            arrival = f", arrival price {px_float(event.arrival):g}" if event.arrival else ""
            return "price", (
                f"{spec.client_id}: {spec.side.name} {qty_float(spec.quantity):g} {spec.instrument} "
                f"{spec.type.value} {spec.tif.value}{limit}{arrival}, approval {event.approval}"
            )
        case OrderMoved() if event.client_id == order:
            evidence = f" ({event.evidence})" if event.evidence else ""
            return "order", f"{event.was} → {event.now} on {event.event}{evidence}"
        case OrderRepriced() if event.client_id == order:
            return "order", f"a limit of {px_float(event.limit):g} was asked for"
        case OrderStands() if event.client_id == order:
            evidence = f" ({event.evidence})" if event.evidence else ""
            return "order", f"works at {px_float(event.limit):g}{evidence}"
        case Filled() if event.fill.client_id == order:
            fill = event.fill
            shares = ", ".join(f"{share.sleeve} {qty_float(share.quantity):+g}" for share in event.shares)
            leg = "" if fill.instrument == instrument else f" {fill.instrument}"
            return "fill", (
                f"{fill.side.name} {qty_float(fill.quantity):g}{leg} at {px_float(fill.price):g}, "
                f"fee {cash_float(fill.fee):g} {fill.fee_currency}, execution {fill.exec_id}, for {shares}"
            )
    return None


def _in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: line.seq))


def _want(want: Want) -> str:
    """A sleeve that holds says so in its reason."""
    wish = "" if want.hold else f"{qty_float(want.quantity):+g}: "
    return f"{wish}{want.reason}{_facts(want.facts)}"


def _intent(intent: Intent) -> str:
    shares = ", ".join(f"{share.sleeve} {qty_float(share.quantity):+g}" for share in intent.shares)
    legs = as_legs(intent) if intent.leg_references else ()
    each = ", ".join(f"{leg.side.name} {leg.instrument} at {px_float(leg.reference):g}" for leg in legs)
    return (
        f"{intent.side.name} {qty_float(intent.quantity):g} {intent.instrument} for {intent.purpose.value} "
        f"(reference {px_float(intent.reference):g}{f': {each}' if each else ''}; {shares}) {intent.reason}".rstrip()
    )


def _denial(denial: Denial) -> str:
    return f"{denial.instrument} not sent, {denial.code}: {denial.text}"


def _margin(heard: MarginHeard) -> str:
    told, money = heard.told, f" {heard.told.currency}".rstrip()
    if told.unknown:
        return f"asked for {len(heard.asked)} orders, and unknown: {told.unknown}"
    return (
        f"after {len(heard.asked)} orders initial margin {cash_float(told.initial):,.0f}, equity with loan "
        f"{cash_float(told.equity):,.0f}, available {cash_float(told.available):,.0f}{money}"
    )


def _facts(facts: dict[str, float]) -> str:
    return " [" + ", ".join(f"{name} {value:.6g}" for name, value in facts.items()) + "]" if facts else ""


def stamp(at_ns: int) -> str:
    """UTC to the second, with its zone."""
    return datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
