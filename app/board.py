"""What the engine shows of itself: a projection of journalled facts, fed after they are durable.

It reads and never speaks, so nothing that watches the engine can move it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from engine.message import Event
from engine.ports import Row
from model.decisions import (
    Approved,
    DayMarked,
    InstrumentLocked,
    InstrumentReleased,
    Mode,
    ModeEntered,
    RegimeDecided,
    RiskDecision,
    RunMoved,
    RunPlanned,
)
from model.execution import AdjustmentRefused, Alarm, BooksAdjusted, Break, Reconciled
from model.leases import LeaseTaken
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Fill, Filled
from model.units import NS_PER_SECOND, cash_float, px_float, qty_float

LOG_LINES = 200
CORRECTABLE = 2_000
"""How many of the newest executions a correction may still refer to."""
ADJUSTMENTS = 16
EXPONENTS = {"POSITION": -8, "CASH": -6}
"""Of the figures in a difference, by its kind."""
TERMINAL = frozenset({"FILLED", "CANCELLED", "REJECTED", "EXPIRED"})


class BoardKept(msgspec.Struct, frozen=True):
    """A board as of row `seq`, without what is given when it is made."""

    seq: int
    now_ns: int
    mode: Mode
    mode_reason: str
    halted: str
    day: DayMarked | None
    first_nav: int
    peak: float
    positions: dict[str, int]
    executions: dict[str, int]
    working: dict[str, dict[str, Any]]
    locks: dict[str, str]
    counts: dict[str, int]
    regime: str
    scale: float
    vol_annual: float
    run: dict[str, str]
    log: list[tuple[int, str]]
    lease: dict[str, Any] = {}
    comparison: dict[str, Any] = {}
    adjustments: dict[str, dict[str, str]] = {}


class Board:
    """The engine's public face: mode, books, orders at work and the last lines of what happened.

    halted: why trading was halted, until it is allowed again; stopping and starting do not end a halt.
    """

    def __init__(self, program: str, base_currency: str, band: str, account: str) -> None:
        self.account = account
        self.program = program
        self.base_currency = base_currency
        self.band = band
        self.mode = Mode.BOOT
        self.mode_reason = "starting"
        self.halted = ""
        self.now_ns = 0
        self.seq = 0
        self.day: DayMarked | None = None
        self.first_nav = 0  # without what was paid in on the first day
        self.peak = 0.0  # of the time-weighted growth, so that a withdrawal is no drawdown
        self.positions: dict[str, int] = {}
        self.executions: dict[str, int] = {}
        self.working: dict[str, dict[str, Any]] = {}
        self.locks: dict[str, str] = {}
        self.counts = {"orders": 0, "fills": 0, "denials": 0, "runs": 0}
        self.regime = ""
        self.scale = 0.0
        self.vol_annual = 0.0
        self.run: dict[str, str] = {}
        self.lease: dict[str, Any] = {}
        self.comparison: dict[str, Any] = {}  # the last complete one with the venue
        self.adjustments: dict[str, dict[str, str]] = {}  # the last few: why each was refused, empty when it was taken
        self.log: deque[tuple[int, str | Fill]] = deque(maxlen=LOG_LINES)  # a fill is put into words when it is read
        self._takes = self._takers()

    def _takers(self) -> dict[type[Event], Callable[[Any], None]]:
        return {
            ModeEntered: self._mode,
            DayMarked: self._day,
            RegimeDecided: self._regime,
            RiskDecision: self._risk,
            RunPlanned: self._planned,
            RunMoved: self._run_moved,
            Approved: self._approved,
            OrderPlanned: self._order_planned,
            OrderMoved: self._order_moved,
            Filled: self._filled,
            InstrumentLocked: self._locked,
            InstrumentReleased: self._released,
            Alarm: self._alarm,
            LeaseTaken: self._leased,
            Reconciled: self._compared,
            BooksAdjusted: self._adjusted,
            AdjustmentRefused: self._adjustment_refused,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of rows that move the board, to read no others."""
        return tuple(kind.__name__ for kind in self._takes)

    def fold(self, row: Row) -> None:
        """Take one durable row."""
        self.seq = row.seq
        self.now_ns = row.at_ns
        take = self._takes.get(type(row.event))
        if take is not None:
            take(row.event)

    def keep(self) -> BoardKept:
        """Everything that rows made of it, to be encoded at once."""
        kept = {name: getattr(self, name) for name in BoardKept.__struct_fields__ if name != "log"}
        return BoardKept(**kept, log=self._lines())

    def load(self, kept: BoardKept) -> None:
        """Become what `keep` gave."""
        for name in BoardKept.__struct_fields__:
            if name != "log":
                setattr(self, name, getattr(kept, name))
        self.log.clear()
        self.log.extend(kept.log)

    def starting(self) -> None:
        """What was folded is the past: a new engine has not said anything yet."""
        self.mode, self.mode_reason = Mode.BOOT, "starting"

    def status(self) -> dict[str, Any]:
        """The whole board as plain values: what `hedgerow status --json` and the console show."""
        day = self.day
        nav = cash_float(day.nav) if day else 0.0
        return {
            "program": self.program,
            "band": self.band,
            "account": self.account,
            "mode": self.mode.value,
            "mode_reason": self.mode_reason,
            "now": _stamp(self.now_ns),
            "session": day.session if day else 0,
            "currency": self.base_currency,
            "nav": nav,
            "profit": cash_float(day.nav - day.flows_total - self.first_nav) if day else 0.0,
            "drawdown": day.twr_index / self.peak - 1.0 if day and self.peak else 0.0,
            "gross": cash_float(day.gross) if day else 0.0,
            "net": cash_float(day.net) if day else 0.0,
            "fees": cash_float(day.fees_total) if day else 0.0,
            "cash": {currency: cash_float(amount) for currency, amount in sorted(day.cash.items())} if day else {},
            "sleeves": {name: cash_float(pnl) for name, pnl in sorted(day.sleeve_pnl.items())} if day else {},
            "positions": {name: qty_float(quantity) for name, quantity in sorted(self.positions.items()) if quantity},
            "lease": dict(self.lease),
            "working": list(self.working.values()),
            "locks": dict(self.locks),
            "comparison": dict(self.comparison),
            "adjustments": {name: dict(each) for name, each in self.adjustments.items()},
            "regime": self.regime,
            "scale": self.scale,
            "vol_annual": self.vol_annual,
            "run": dict(self.run),
            "counts": dict(self.counts),
            "journal_seq": self.seq,
            "log": [f"{_stamp(at_ns)} {text}" for at_ns, text in self._lines()[-20:]],
        }

    def _lines(self) -> list[tuple[int, str]]:
        return [(at_ns, _in_words(said) if isinstance(said, Fill) else said) for at_ns, said in self.log]

    def _say(self, text: str | Fill) -> None:
        self.log.append((self.now_ns, text))

    def _mode(self, event: ModeEntered) -> None:
        self.mode, self.mode_reason = event.mode, event.reason
        if event.mode is Mode.HALTED:
            self.halted = event.reason or "without a reason"
        elif event.mode in (Mode.TRADING, Mode.REDUCE_ONLY):
            self.halted = ""
        self._say(f"mode {event.was.value} → {event.mode.value}: {event.reason}")

    def _day(self, event: DayMarked) -> None:
        if self.day is None:
            self.first_nav = event.nav - event.flows_total
        self.day = event
        self.positions = dict(event.positions)
        self.peak = max(self.peak, event.twr_index)

    def _regime(self, event: RegimeDecided) -> None:
        if event.regime.value != self.regime:
            self._say(f"regime {self.regime or 'none'} → {event.regime.value}: {event.why}")
        self.regime = event.regime.value

    def _risk(self, event: RiskDecision) -> None:
        self.scale, self.vol_annual = event.scale, event.vol_annual

    def _planned(self, event: RunPlanned) -> None:
        self.counts["runs"] += 1
        self.run = {"run_id": event.run_id, "status": "PLANNED"}
        if event.intents:
            self._say(f"run {event.run_id}: {len(event.intents)} intents, {len(event.left_out)} left out")

    def _run_moved(self, event: RunMoved) -> None:
        self.run = {"run_id": event.run_id, "status": event.status}
        if event.status == "ABORTED":
            self._say(f"run {event.run_id} ABORTED: {event.reason}")

    def _approved(self, event: Approved) -> None:
        self.counts["denials"] += len(event.denials)
        for denial in event.denials[:3]:
            self._say(f"denied {denial.instrument}: {denial.code}, {denial.text}")

    def _order_planned(self, event: OrderPlanned) -> None:
        self.counts["orders"] += 1
        spec = event.spec
        self.working[spec.client_id] = {
            "id": spec.client_id,
            "instrument": spec.instrument,
            "side": spec.side.name,
            "quantity": qty_float(spec.quantity),
            "type": spec.type.value,
            "limit": px_float(spec.limit),
            "state": "PLANNED",
        }

    def _order_moved(self, event: OrderMoved) -> None:
        if event.now in TERMINAL or event.event == "DECLARED_ABSENT":
            self.working.pop(event.client_id, None)
        elif event.client_id in self.working:
            self.working[event.client_id]["state"] = event.now
        if event.now in ("UNKNOWN", "LOST", "REJECTED"):
            self._say(f"order {event.client_id} {event.was} → {event.now}: {event.evidence or event.event}")

    def _filled(self, event: Filled) -> None:
        fill = event.fill
        signed = fill.side.value * fill.quantity
        before = self.executions.pop(fill.corrects, 0) if fill.corrects else 0
        self.executions[fill.exec_id] = signed
        if len(self.executions) > CORRECTABLE:
            del self.executions[next(iter(self.executions))]
        self.positions[fill.instrument] = self.positions.get(fill.instrument, 0) + signed - before
        if not fill.corrects:
            self.counts["fills"] += 1
        self._say(fill)

    def _alarm(self, event: Alarm) -> None:
        self._say(f"ALARM {event.code} {event.subject}: {event.text}")

    def _leased(self, event: LeaseTaken) -> None:
        self.lease = {"venue": event.venue, "account": event.account, "token": event.token, "holder": event.holder}
        self._say(f"lease of {event.account} at {event.venue} taken, fencing token {event.token}")

    def _compared(self, event: Reconciled) -> None:
        if event.complete:
            apart = [_apart(each) for each in event.breaks if each.kind in EXPONENTS]
            self.comparison = {
                "id": event.id, "at": _stamp(event.at_ns), "compared": list(event.compared), "differences": apart,
            }  # fmt: skip

    def _adjusted(self, event: BooksAdjusted) -> None:
        if event.quantity:
            self.positions[event.instrument] = self.positions.get(event.instrument, 0) + event.quantity
        self._answered(event.id, "")

    def _adjustment_refused(self, event: AdjustmentRefused) -> None:
        self._answered(event.id, event.text)
        self._say(f"adjustment {event.id} by {event.by} refused: {event.text}")

    def _answered(self, adjustment: str, refused: str) -> None:
        self.adjustments[adjustment] = {"refused": refused}
        if len(self.adjustments) > ADJUSTMENTS:
            del self.adjustments[next(iter(self.adjustments))]

    def _locked(self, event: InstrumentLocked) -> None:
        self.locks[event.instrument] = event.reason
        self._say(f"LOCKED {event.instrument}: {event.reason}")

    def _released(self, event: InstrumentReleased) -> None:
        self.locks.pop(event.instrument, None)
        self._say(f"released {event.instrument} by {event.by}: {event.reason}")


def _apart(each: Break) -> dict[str, str]:
    """A difference in exact decimals of the subject's own unit."""
    exponent = EXPONENTS[each.kind]
    book, venue = (f"{Decimal(figure).scaleb(exponent).normalize():f}" for figure in (each.ours, each.theirs))
    return {"kind": each.kind, "subject": each.subject, "book": book, "venue": venue}


def _in_words(fill: Fill) -> str:
    was = f"{fill.corrects} was really " if fill.corrects else ""
    return (
        f"{was}{fill.side.name} {qty_float(fill.quantity):g} {fill.instrument} at {px_float(fill.price):g}, "
        f"fee {cash_float(fill.fee):g} {fill.fee_currency}"
    )


def _stamp(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if at_ns else ""
