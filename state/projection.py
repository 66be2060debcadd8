"""What each journalled fact means for the ledger: one function per kind, and the tables that they write.

Everything here is derived, and is thrown away and rebuilt from the journal when the tables change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType

from engine.ports import Row
from model.combos import legs_of, whole
from model.decisions import (
    Approved,
    DayMarked,
    Denial,
    InstrumentLocked,
    InstrumentReleased,
    ModeEntered,
    RegimeDecided,
    RiskDecision,
    RunMoved,
    RunPlanned,
    Targets,
)
from model.order_events import OrderMoved, OrderPlanned, OrderRepriced, OrderStands
from model.orders import Filled
from model.units import div_half_even
from state.order_law import OrderState
from state.run_law import RunState

VERSION = 3

TABLES = (
    """CREATE TABLE applied (
        id INTEGER PRIMARY KEY CHECK (id = 1), applied_seq INTEGER NOT NULL, applied_hash BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, program TEXT NOT NULL, session INTEGER NOT NULL, number INTEGER NOT NULL,
        inputs_hash TEXT NOT NULL, intents_hash TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
        planned_ns INTEGER NOT NULL, moved_ns INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX runs_by_session ON runs (session, program)",
    """CREATE TABLE orders (
        client_id TEXT PRIMARY KEY, run_id TEXT NOT NULL, instrument TEXT NOT NULL, side INTEGER NOT NULL,
        quantity INTEGER NOT NULL, type TEXT NOT NULL, tif TEXT NOT NULL, limit_px INTEGER NOT NULL,
        purpose TEXT NOT NULL, pair TEXT NOT NULL, leg INTEGER NOT NULL, attempt INTEGER NOT NULL,
        approval TEXT NOT NULL, arrival INTEGER NOT NULL, planned_ns INTEGER NOT NULL, state TEXT NOT NULL,
        filled INTEGER NOT NULL, average_px INTEGER NOT NULL, venue_id TEXT NOT NULL, evidence TEXT NOT NULL,
        reprices INTEGER NOT NULL, moved_ns INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX orders_by_run ON orders (run_id)",
    """CREATE TABLE fills (
        exec_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, run_id TEXT NOT NULL, instrument TEXT NOT NULL,
        side INTEGER NOT NULL, quantity INTEGER NOT NULL, price INTEGER NOT NULL, fee INTEGER NOT NULL,
        fee_currency TEXT NOT NULL, at_ns INTEGER NOT NULL, corrects TEXT NOT NULL, corrected_by TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX fills_by_order ON fills (client_id)",
    "CREATE INDEX corrections ON fills (corrects) WHERE corrects <> ''",
    """CREATE TABLE denials (
        seq INTEGER NOT NULL, place INTEGER NOT NULL, run_id TEXT NOT NULL, stage TEXT NOT NULL, code TEXT NOT NULL,
        instrument TEXT NOT NULL, text TEXT NOT NULL, intent_id TEXT NOT NULL, at_ns INTEGER NOT NULL,
        PRIMARY KEY (seq, place)
    ) STRICT""",
    """CREATE TABLE targets (
        run_id TEXT NOT NULL, sleeve TEXT NOT NULL, product TEXT NOT NULL, quantity INTEGER NOT NULL,
        hold INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (run_id, sleeve, product)
    ) STRICT""",
    """CREATE TABLE risk_decisions (
        run_id TEXT PRIMARY KEY, session INTEGER NOT NULL, mode TEXT NOT NULL, regime TEXT NOT NULL,
        scale REAL NOT NULL, vol_annual REAL, drawdown REAL, nav INTEGER NOT NULL, why TEXT NOT NULL,
        at_ns INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE regimes (
        session INTEGER PRIMARY KEY, regime TEXT NOT NULL, pending TEXT NOT NULL, pending_days INTEGER NOT NULL,
        why TEXT NOT NULL, at_ns INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE day_marks (
        session INTEGER PRIMARY KEY, nav INTEGER NOT NULL, cash_base INTEGER NOT NULL, open_value INTEGER NOT NULL,
        fees_total INTEGER NOT NULL, gross INTEGER NOT NULL, net INTEGER NOT NULL, traded_notional INTEGER NOT NULL,
        at_ns INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE modes (
        seq INTEGER PRIMARY KEY, mode TEXT NOT NULL, was TEXT NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,
        at_ns INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE locks (
        seq INTEGER PRIMARY KEY, instrument TEXT NOT NULL, reason TEXT NOT NULL, locked_ns INTEGER NOT NULL,
        released_by TEXT NOT NULL, released_reason TEXT NOT NULL, released_ns INTEGER NOT NULL
    ) STRICT""",
)

OF_A_RUN = ("orders", "fills", "denials", "targets", "risk_decisions", "runs")
"""Tables whose rows go when their run is forgotten; `runs` last."""


def _run_planned(db: sqlite3.Connection, row: Row, e: RunPlanned) -> None:
    number = e.run_id.split(".")[1:2]
    db.execute(
        "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?)",
        (
            e.run_id, e.program, e.session, int(number[0]) if number and number[0].isdigit() else 0, e.inputs_hash,
            e.intents_hash, RunState.PLANNED, e.at_ns, e.at_ns,
        ),
    )  # fmt: skip
    _deny(db, row.seq, e.run_id, "basket", e.left_out, e.at_ns)


def _approved(db: sqlite3.Connection, row: Row, e: Approved) -> None:
    _deny(db, row.seq, e.run_id, "risk", e.denials, e.at_ns)


def _deny(db: sqlite3.Connection, seq: int, run: str, stage: str, denials: tuple[Denial, ...], at_ns: int) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO denials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (seq, place, run, stage, denial.code, denial.instrument, denial.text, denial.intent_id, at_ns)
            for place, denial in enumerate(denials)
        ],
    )


def _run_moved(db: sqlite3.Connection, row: Row, e: RunMoved) -> None:
    db.execute(
        "UPDATE runs SET status = ?, reason = ?, moved_ns = ? WHERE run_id = ?", (e.status, e.reason, e.at_ns, e.run_id)
    )


def _order_planned(db: sqlite3.Connection, row: Row, e: OrderPlanned) -> None:
    spec, intent = e.spec, e.intent
    db.execute(
        "INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', '', 0, ?)",
        (
            spec.client_id, intent.run_id, spec.instrument, spec.side, spec.quantity, spec.type.value, spec.tif.value,
            spec.limit, intent.purpose.value, intent.pair, intent.leg, intent.attempt, e.approval, e.arrival, e.at_ns,
            OrderState.DURABLE, e.at_ns,
        ),
    )  # fmt: skip
    _sum_fills(db, spec.client_id)


def _order_moved(db: sqlite3.Connection, row: Row, e: OrderMoved) -> None:
    db.execute(
        "UPDATE orders SET state = ?, evidence = ?, moved_ns = ?, "
        "venue_id = CASE WHEN ? = '' THEN venue_id ELSE ? END WHERE client_id = ?",
        (e.now, e.evidence, e.at_ns, e.venue_id, e.venue_id, e.client_id),
    )


def _order_repriced(db: sqlite3.Connection, row: Row, e: OrderRepriced) -> None:
    db.execute("UPDATE orders SET reprices = reprices + 1, moved_ns = ? WHERE client_id = ?", (e.at_ns, e.client_id))


def _order_stands(db: sqlite3.Connection, row: Row, e: OrderStands) -> None:
    db.execute("UPDATE orders SET limit_px = ?, moved_ns = ? WHERE client_id = ?", (e.limit, e.at_ns, e.client_id))


def _filled(db: sqlite3.Connection, row: Row, e: Filled) -> None:
    fill = e.fill
    db.execute(
        "INSERT OR IGNORE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "coalesce((SELECT min(exec_id) FROM fills WHERE corrects = ? AND corrects <> ''), ''))",
        (
            fill.exec_id, fill.client_id, e.run_id, fill.instrument, fill.side, fill.quantity, fill.price, fill.fee,
            fill.fee_currency, fill.at_ns, fill.corrects, fill.exec_id,
        ),
    )  # fmt: skip
    if fill.corrects:
        db.execute("UPDATE fills SET corrected_by = ? WHERE exec_id = ?", (fill.exec_id, fill.corrects))
    _sum_fills(db, fill.client_id)


def _sum_fills(db: sqlite3.Connection, client_id: str) -> None:
    """An order's filled quantity and average price from the executions that stand; a combo's are whole and net."""
    done: dict[str, tuple[int, int]] = {}
    query = "SELECT instrument, quantity, price FROM fills WHERE client_id = ? AND corrected_by = ''"
    for instrument, quantity, price in db.execute(query, (client_id,)):
        filled, cost = done.get(instrument, (0, 0))
        done[instrument] = filled + quantity, cost + quantity * price
    named = db.execute("SELECT instrument FROM orders WHERE client_id = ?", (client_id,)).fetchone()
    legs = legs_of(named[0]) if named else ()
    if legs:
        filled = whole(legs, {name: quantity for name, (quantity, _) in done.items()})
        average = sum(leg.ratio * _average(*done.get(leg.instrument, (0, 0))) for leg in legs) if filled else 0
    else:
        filled, cost = (sum(column) for column in zip(*done.values(), strict=True)) if done else (0, 0)
        average = _average(filled, cost)
    db.execute("UPDATE orders SET filled = ?, average_px = ? WHERE client_id = ?", (filled, average, client_id))


def _average(filled: int, cost: int) -> int:
    return div_half_even(cost, filled) if filled else 0


def _targets(db: sqlite3.Connection, row: Row, e: Targets) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?, ?, ?)",
        [(e.run_id, e.sleeve, want.product, want.quantity, want.hold, want.reason) for want in e.wants],
    )


def _risk_decision(db: sqlite3.Connection, row: Row, e: RiskDecision) -> None:
    db.execute(
        "INSERT OR REPLACE INTO risk_decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            e.run_id, e.session, e.mode.value, e.regime.value, e.scale, e.vol_annual, e.drawdown, e.nav, e.why,
            e.at_ns,
        ),
    )  # fmt: skip


def _regime_decided(db: sqlite3.Connection, row: Row, e: RegimeDecided) -> None:
    db.execute(
        "INSERT OR REPLACE INTO regimes VALUES (?, ?, ?, ?, ?, ?)",
        (e.session, e.regime.value, e.pending.value, e.pending_days, e.why, e.at_ns),
    )


def _day_marked(db: sqlite3.Connection, row: Row, e: DayMarked) -> None:
    db.execute(
        "INSERT OR REPLACE INTO day_marks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            e.session, e.nav, e.cash_base, e.open_value, e.fees_total, e.gross, e.net, e.traded_notional, e.at_ns,
        ),
    )  # fmt: skip


def _mode_entered(db: sqlite3.Connection, row: Row, e: ModeEntered) -> None:
    db.execute(
        "INSERT OR REPLACE INTO modes VALUES (?, ?, ?, ?, ?, ?)",
        (row.seq, e.mode.value, e.was.value, e.reason, e.by, e.at_ns),
    )


def _locked(db: sqlite3.Connection, row: Row, e: InstrumentLocked) -> None:
    db.execute(
        "INSERT OR REPLACE INTO locks VALUES (?, ?, ?, ?, '', '', 0)", (row.seq, e.instrument, e.reason, e.at_ns)
    )


def _released(db: sqlite3.Connection, row: Row, e: InstrumentReleased) -> None:
    db.execute(
        "UPDATE locks SET released_by = ?, released_reason = ?, released_ns = ? "
        "WHERE instrument = ? AND released_ns = 0",
        (e.by, e.reason, e.at_ns, e.instrument),
    )


Project = Callable[[sqlite3.Connection, Row], None]


def _of(project: Callable[..., None]) -> Project:
    return lambda db, row: project(db, row, row.event)


PROJECTIONS: Mapping[str, Project] = MappingProxyType(
    {
        kind.__name__: _of(project)
        for kind, project in (
            (RunPlanned, _run_planned),
            (Approved, _approved),
            (RunMoved, _run_moved),
            (OrderPlanned, _order_planned),
            (OrderMoved, _order_moved),
            (OrderRepriced, _order_repriced),
            (OrderStands, _order_stands),
            (Filled, _filled),
            (Targets, _targets),
            (RiskDecision, _risk_decision),
            (RegimeDecided, _regime_decided),
            (DayMarked, _day_marked),
            (ModeEntered, _mode_entered),
            (InstrumentLocked, _locked),
            (InstrumentReleased, _released),
        )
    }
)
