"""Rows of an engine's day and the status they make, with amounts that fill a screen."""

from __future__ import annotations

from engine.message import Event
from engine.ports import Row
from model.decisions import (
    Approved,
    DayMarked,
    Denial,
    InstrumentLocked,
    InstrumentReleased,
    Mode,
    ModeEntered,
    Regime,
    RegimeDecided,
    RiskDecision,
    RunMoved,
    RunPlanned,
)
from model.execution import Alarm
from model.margin import MarginHeard, MarginTold
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Fill, Filled, Intent, OrderSpec, OrderType, Purpose, Share, Side, TimeInForce
from model.units import cash, px, qty

AT_NS = 1_222_293_600_000_000_000  # 2008-09-24 22:00:00Z
RUN = "20080924.1.demo.0123456789ab"


def row(seq: int, event: Event) -> Row:
    return Row(seq=seq, at_ns=AT_NS, actor="test", cause=seq - 1, event=event)


def marked(nav: str, *, growth: float = 1.0, flows: str = "0", positions: dict[str, int] | None = None) -> DayMarked:
    return DayMarked(
        session=20080924, nav=cash(nav), cash_base=cash(nav), open_value=0, fees_total=cash("1234567"),
        variation_total=0, fx_total=0, financing_total=0, gross=cash("2345678901"), net=cash("-1234567890"),
        cash={"USD": cash(nav)}, positions=positions or {}, traded_notional=0, at_ns=AT_NS, flows_total=cash(flows),
        sleeve_pnl={"core": cash("-87654321"), "trend": cash("123456789")}, twr_index=growth,
    )  # fmt: skip


def planned(
    order: str = "hr-000000000001", instrument: str = "SP500@200812", side: Side = Side.BUY, size: str = "12"
) -> OrderPlanned:
    intent = Intent(
        id=f"i-{order}", run_id=RUN, instrument=instrument, side=side, quantity=qty(size), purpose=Purpose.REBALANCE,
        shares=(Share("trend", side.value * qty(size)),), reference=px("1200.25"),
    )  # fmt: skip
    spec = OrderSpec(
        client_id=order, instrument=instrument, side=side, quantity=qty(size), type=OrderType.LIMIT,
        tif=TimeInForce.DAY, limit=px("1200.5"),
    )  # fmt: skip
    return OrderPlanned(spec, intent, "a1", px("1200.25"), AT_NS)


def moved(order: str, was: str, now: str) -> OrderMoved:
    return OrderMoved(order, "VenueSaid", was, now, "v1", "an ack", AT_NS)


def filled(
    exec_id: str, size: str, side: Side = Side.BUY, corrects: str = "", instrument: str = "SP500@200812"
) -> Filled:
    fill = Fill(
        exec_id, "hr-000000000001", "v1", instrument, side, qty(size), px("1200.5"), cash("2.5"), "USD", AT_NS, corrects
    )
    return Filled(fill, RUN, (Share("trend", side.value * qty(size)),))


ENTERED = ModeEntered(Mode.HALTED, Mode.TRADING, "fire", "anna", AT_NS)
DECIDED = RegimeDecided(
    RUN, 20080924, Regime.ELEVATED, Regime.ELEVATED, 0, ("VIX",), "drawdown", {"drawdown": -0.1}, AT_NS
)
JUDGED = RiskDecision(RUN, 20080924, Mode.TRADING, Regime.ELEVATED, 0.5, 0.25, -0.1, cash("1"), "half", (), AT_NS)
DENIED = Denial("COST_GATE", "GOLD@200812", "costs more than it moves", "i9")
RAN = RunPlanned(RUN, "demo", 20080924, "in", "out", (planned().intent,), (DENIED,), AT_NS)
APPROVED = Approved("a1", RUN, (planned().intent,), (DENIED,), AT_NS)
HEARD = MarginHeard(
    RUN, ("i-hr-000000000001",), MarginTold("a1", AT_NS, cash("80000"), cash("100000"), cash("20000"), "USD")
)
DONE = RunMoved(RUN, "ABORTED", "no quotes", AT_NS)
LOCKED = InstrumentLocked("GOLD@200812", "books and venue differ", AT_NS)
RELEASED = InstrumentReleased("GOLD@200812", "anna", "venue was wrong", AT_NS)
ALARM = Alarm("STALLED", "the loop", "the loop is 6000 ms late", AT_NS)

EVERY: tuple[Event, ...] = (
    ENTERED, DECIDED, JUDGED, RAN, HEARD, APPROVED, DONE, LOCKED, RELEASED, ALARM, planned(),
    moved("hr-000000000001", "SENT", "UNKNOWN"), filled("e1", "5"), marked("1234567890"),
)  # fmt: skip
"""One of every kind that the board, the log or the metrics take."""
