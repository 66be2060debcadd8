"""The metrics port. Gauges and counters follow the journal; runtime figures are sampled when they are scraped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.message import Event, Message, Told
from engine.ports import Outside, Row
from model.decisions import Approved, DayMarked, Mode, ModeEntered, Regime, RegimeDecided, RiskDecision, RunMoved
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Filled
from model.units import cash_float

RUN_STATUS = {"PLANNED": 0, "SUBMITTED": 1, "FILLED": 2, "DONE": 3, "ABORTED": 4}
MODES = {mode: number for number, mode in enumerate(Mode)}
CORRECTABLE = 10_000
"""How many of the newest executions a correction may still refer to."""
REGIMES = {Regime.NORMAL: 0, Regime.RECOVERY: 0, Regime.ELEVATED: 1, Regime.CRISIS: 2}


class MetricsPort:
    """Serves `/metrics` on a loopback port. `runtime` gives the kernel's figures by name when asked.

    listening: the port while it is served, 0 otherwise; a `port` of 0 lets the system choose.
    """

    name = "metrics"
    idle = True

    def __init__(self, port: int, runtime: Callable[[], Mapping[str, float]]) -> None:
        switch_off_created: Callable[[], None] = disable_created_metrics
        switch_off_created()
        self.registry = CollectorRegistry()
        self.listening = 0
        self._port = port
        self._peak = 0.0
        self._last = 0.0
        self._fees: dict[str, int] = {}
        self._takes: dict[type[Event], Callable[[Any], None]] = {
            ModeEntered: self._mode,
            DayMarked: self._day,
            RegimeDecided: self._regime,
            RiskDecision: self._risk,
            RunMoved: self._run_moved,
            Approved: self._approved,
            OrderPlanned: self._planned,
            OrderMoved: self._moved,
            Filled: self._filled,
        }
        self._declare()
        self.registry.register(_Runtime(runtime))

    def _declare(self) -> None:
        gauge, counter = self._gauge, self._counter
        self.mode = gauge("mode", "System mode, in the order BOOT .. SAFE_STOP")
        self.nav = gauge("portfolio_nav", "Net asset value in base currency")
        self.cash = gauge("portfolio_cash", "Cash in base currency")
        self.gross = gauge("portfolio_gross_exposure", "Gross exposure in base currency")
        self.net = gauge("portfolio_net_exposure", "Net exposure in base currency")
        self.daily_return = gauge("portfolio_daily_return_ratio", "Return of the last session")
        self.drawdown = gauge("portfolio_drawdown_ratio", "Fraction below the highest net asset value, negative")
        self.sleeve_pnl = gauge("sleeve_pnl", "Profit of a sleeve in base currency since the start", "sleeve")
        self.vol = gauge("risk_realized_vol_annual", "Blended volatility a year")
        self.scale = gauge("risk_scaling_factor", "What risk-taking sleeves are multiplied by")
        self.regime = gauge("risk_regime", "0 normal or recovery, 1 elevated, 2 crisis")
        self.missing = gauge("regime_inputs_missing", "Inputs that the last regime decision went without")
        self.run_status = gauge("run_ledger_status", "0 PLANNED, 1 SUBMITTED, 2 FILLED, 3 DONE, 4 ABORTED")
        self.submitted = counter("orders_submitted_total", "Orders made durable for the venue", "side")
        self.filled = counter("order_fills_total", "Executions", "side")
        self.ended = counter("orders_ended_total", "Orders that reached a terminal state", "state")
        self.unknown = counter("orders_unknown_total", "Orders whose fate became unknown")
        self.denied = counter("orders_denied_total", "Intents refused before they were orders", "code")
        self.commission = counter("execution_commission_total", "Commissions in the fee's currency", "currency")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"hedgerow_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"hedgerow_{name}", text, labels, registry=self.registry)

    def deliver(self, message: Message, cause: int) -> Told:
        """Metrics take facts from the journal only."""
        return Told.OK

    async def run(self, outside: Outside) -> None:
        server, thread = start_http_server(self._port, "127.0.0.1", self.registry)
        try:
            self.listening = server.server_port
            await asyncio.Event().wait()
        finally:
            self.listening = 0
            server.shutdown()
            server.server_close()
            thread.join(5)

    def fold(self, row: Row) -> None:
        """Take one durable row."""
        take = self._takes.get(type(row.event))
        if take is not None:
            take(row.event)

    def recall(self, day: DayMarked, peak: float) -> None:
        """Begin with what was known before this process: the last marked day, and the highest growth so far."""
        self._peak = peak
        self._day(day)

    def _mode(self, event: ModeEntered) -> None:
        self.mode.set(MODES[event.mode])

    def _day(self, event: DayMarked) -> None:
        worth = event.twr_index
        self._peak = max(self._peak, worth)
        self.nav.set(cash_float(event.nav))
        self.cash.set(cash_float(event.cash_base))
        self.gross.set(cash_float(event.gross))
        self.net.set(cash_float(event.net))
        self.daily_return.set(worth / self._last - 1.0 if self._last else 0.0)
        self.drawdown.set(worth / self._peak - 1.0 if self._peak > 0 else 0.0)
        self._last = worth
        for sleeve, profit in event.sleeve_pnl.items():
            self.sleeve_pnl.labels(sleeve).set(cash_float(profit))

    def _regime(self, event: RegimeDecided) -> None:
        self.regime.set(REGIMES[event.regime])
        self.missing.set(len(event.degraded))

    def _risk(self, event: RiskDecision) -> None:
        self.vol.set(event.vol_annual)
        self.scale.set(event.scale)

    def _run_moved(self, event: RunMoved) -> None:
        self.run_status.set(RUN_STATUS[event.status])

    def _approved(self, event: Approved) -> None:
        for denial in event.denials:
            self.denied.labels(denial.code).inc()

    def _planned(self, event: OrderPlanned) -> None:
        self.submitted.labels(event.spec.side.name).inc()

    def _moved(self, event: OrderMoved) -> None:
        if event.now == event.was:
            return
        if event.now == "UNKNOWN":
            self.unknown.inc()
        elif event.now in ("FILLED", "CANCELLED", "REJECTED", "EXPIRED"):
            self.ended.labels(event.now).inc()

    def _filled(self, event: Filled) -> None:
        fill = event.fill
        before = self._fees.get(fill.corrects, 0) if fill.corrects else 0
        self._fees[fill.exec_id] = fill.fee
        if len(self._fees) > CORRECTABLE:
            del self._fees[next(iter(self._fees))]
        if not fill.corrects:
            self.filled.labels(fill.side.name).inc()
        self.commission.labels(fill.fee_currency).inc(max(0.0, cash_float(fill.fee - before)))


class _Runtime(Collector):
    """The runtime's figures, asked for at each scrape: there need be no runtime before the first."""

    def __init__(self, runtime: Callable[[], Mapping[str, float]]) -> None:
        self._runtime = runtime

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for name, value in self._runtime().items():
            text = f"The runtime's own figure: {name.replace('_', ' ')}"
            yield GaugeMetricFamily(f"hedgerow_runtime_{name}", text, value=value)
