"""Structured logs: one JSON object a line, with run, order and cause ids, secrets scrubbed from the final text."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TextIO

import structlog

from engine.ports import Row
from model.decisions import (
    Approved,
    DayMarked,
    InstrumentLocked,
    InstrumentReleased,
    ModeEntered,
    RegimeDecided,
    RunMoved,
    RunPlanned,
)
from model.execution import Alarm
from model.margin import MarginHeard
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Filled
from model.units import cash_float, px_float, qty_float

Scrub = Callable[[str], str]


def configure(level: str, stream: TextIO, scrub: Scrub) -> None:
    """Set up structlog for the process. `level` is a name of the standard library's levels."""

    def write(_: Any, __: str, event: Any) -> str:
        return scrub(str(event))

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
            write,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, Forwarder)]
    root.addHandler(Forwarder())


class Forwarder(logging.Handler):
    """What libraries say by the standard library's logging becomes lines like all others."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info if record.exc_info and record.exc_info[1] is not None else None
        structlog.get_logger("library").log(
            record.levelno, "library", library=record.name, text=record.getMessage(), exc_info=error
        )


def row_logger(level: str) -> Callable[[Row], None]:
    """A function that logs durable rows worth a line; at `warning` and above only what needs a person."""
    log = structlog.get_logger("engine")
    quiet = logging.getLevelNamesMapping()[level.upper()] > logging.INFO
    says: dict[type[Any], Callable[[Any], tuple[str, dict[str, Any]]]] = dict(ALARMS if quiet else EVERYTHING)

    def take(row: Row) -> None:
        say = says.get(type(row.event))
        if say is None:
            return
        what, fields = say(row.event)
        write = log.warning if type(row.event) in ALARMS else log.info
        write(what, seq=row.seq, cause=row.cause, actor=row.actor, engine_ns=row.at_ns, **fields)

    return take


def _mode(e: ModeEntered) -> tuple[str, dict[str, Any]]:
    return "mode", {"mode": e.mode.value, "was": e.was.value, "reason": e.reason, "by": e.by}


def _locked(e: InstrumentLocked) -> tuple[str, dict[str, Any]]:
    return "instrument locked", {"instrument": e.instrument, "reason": e.reason}


def _released(e: InstrumentReleased) -> tuple[str, dict[str, Any]]:
    return "instrument released", {"instrument": e.instrument, "reason": e.reason, "by": e.by}


def _alarm(e: Alarm) -> tuple[str, dict[str, Any]]:
    return "alarm", {"code": e.code, "subject": e.subject, "text": e.text}


def _regime(e: RegimeDecided) -> tuple[str, dict[str, Any]]:
    return "regime", {"run_id": e.run_id, "regime": e.regime.value, "degraded": e.degraded, "why": e.why}


def _planned(e: RunPlanned) -> tuple[str, dict[str, Any]]:
    return "run planned", {"run_id": e.run_id, "intents": len(e.intents), "left_out": len(e.left_out)}


def _approved(e: Approved) -> tuple[str, dict[str, Any]]:
    codes = [f"{d.instrument}:{d.code}" for d in e.denials]
    return "approved", {"run_id": e.run_id, "intents": len(e.intents), "denied": codes}


def _margin(e: MarginHeard) -> tuple[str, dict[str, Any]]:
    told = e.told
    figures = {name: cash_float(getattr(told, name)) for name in ("initial", "equity", "available")}
    return "margin", {"run_id": e.run_id, "orders": len(e.asked), "unknown": told.unknown, **figures}


def _run(e: RunMoved) -> tuple[str, dict[str, Any]]:
    return "run", {"run_id": e.run_id, "status": e.status, "reason": e.reason}


def _order(e: OrderPlanned) -> tuple[str, dict[str, Any]]:
    spec = e.spec
    return "order planned", {
        "run_id": e.intent.run_id, "order_id": spec.client_id, "instrument": spec.instrument, "side": spec.side.name,
        "quantity": qty_float(spec.quantity), "type": spec.type.value, "limit": px_float(spec.limit),
    }  # fmt: skip


def _moved(e: OrderMoved) -> tuple[str, dict[str, Any]]:
    return "order", {"order_id": e.client_id, "what": e.event, "was": e.was, "state": e.now, "evidence": e.evidence}


def _filled(e: Filled) -> tuple[str, dict[str, Any]]:
    fill = e.fill
    return "fill", {
        "run_id": e.run_id, "order_id": fill.client_id, "exec_id": fill.exec_id, "instrument": fill.instrument,
        "side": fill.side.name, "quantity": qty_float(fill.quantity), "price": px_float(fill.price),
        "fee": cash_float(fill.fee), "fee_currency": fill.fee_currency,
    }  # fmt: skip


def _day(e: DayMarked) -> tuple[str, dict[str, Any]]:
    return "day", {"session": e.session, "nav": cash_float(e.nav), "gross": cash_float(e.gross)}


ALARMS: dict[type[Any], Callable[[Any], tuple[str, dict[str, Any]]]] = {
    ModeEntered: _mode, InstrumentLocked: _locked, InstrumentReleased: _released, Alarm: _alarm,
}  # fmt: skip
EVERYTHING: dict[type[Any], Callable[[Any], tuple[str, dict[str, Any]]]] = {
    **ALARMS, RegimeDecided: _regime, RunPlanned: _planned, MarginHeard: _margin, Approved: _approved, RunMoved: _run,
    OrderPlanned: _order, OrderMoved: _moved, Filled: _filled, DayMarked: _day,
}  # fmt: skip
