"""W1: the common daily trend backtest of forty futures through the whole engine, against other engines in the same run.

    python -m benchmarks.trend --data panel.npz [--rounds 3] [--peers-dir DIR --peers-python PYTHON] [--json FILE]

`panel.npz` holds `names`, `days` and `value` (days x instruments, US dollars of one contract). Every actor and the
simulated exchange are the real ones, on virtual time with a journal in memory. A decision of close t is filled at close
t+1. The books must end at the equity that all the peers agree on, to the cent, after the same number of trades.
"""

from __future__ import annotations

import argparse
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from actors.basket import Basket
from actors.fx import Fx
from actors.leg_groups import LeggingPolicy
from actors.market_data import MarketData
from actors.netting import BasketPolicy
from actors.order_desk import Clients
from actors.orders import Orders
from actors.pair import Pair
from actors.portfolio import Portfolio
from actors.price_book import FreshnessRules
from actors.pricing import ExecutionPolicy, Style
from actors.reconciler import ReconcilePolicy, Reconciler
from actors.regime import RegimeActor, RegimeRules
from actors.risk import Risk
from actors.risk_gate import GateLimits
from actors.risk_scale import RiskRules
from actors.sleeve import SleeveHost
from actors.system import System
from benchmarks.contest import Contest, Outcome, Peer, arguments
from engine.clock import VirtualClock
from engine.drive import VirtualDriver
from engine.effects import Ref
from engine.kernel import Kernel
from engine.supervise import Branch, Child
from model.instruments import Commission, Instrument, Kind, TickStep
from model.market import BarClosed, SessionClosed
from model.rolls import RollSchedule
from model.sessions import Session, Sessions
from model.units import CASH_SCALE, NS_PER_DAY, cash
from ports.simulated import SimulatedVenue
from quant.risk_scaling import ScaleRules
from simulation.exchange import Exchange, MemoryRecord, VenueRules
from sleeves.trend import Trend, TrendRules

CAPITAL = 100_000_000
EQUITY, TRADES = 169_138_742.49, 86_670
PAIRS = ((16, 64), (32, 128))
CLOSE_NS = 21 * 3_600 * 10**9
LOOSE = 1e9
PEERS = (Peer("backtrader", "w1_backtrader.py", 2.0), Peer("nautilus_trader", "w1_nautilus.py", 5.0))

Day = list[BarClosed]


def future(name: str) -> Instrument:
    return Instrument(
        id=name, kind=Kind.FUTURE, venue="SIM", currency="USD", calendar="WEEKDAYS",
        ticks=(TickStep(Decimal(0), Decimal("0.01")),), commission=Commission(share_of_notional=Decimal("0.0002")),
    )  # fmt: skip


def load(path: Path) -> tuple[list[str], list[Session], list[Day]]:
    """The panel as instruments, sessions and one list of bars a day."""
    with np.load(path, allow_pickle=False) as panel:
        names = [str(name) for name in panel["names"]]
        days = panel["days"].astype("datetime64[D]").astype(np.int64).tolist()
        dates = [int(str(day).replace("-", "")) for day in panel["days"].astype("datetime64[D]")]
        prices = (np.rint(panel["value"] * 100).astype(np.int64) * 10**7).tolist()
    sessions = [
        Session(date, day * NS_PER_DAY, day * NS_PER_DAY + CLOSE_NS) for date, day in zip(dates, days, strict=True)
    ]
    bars = [
        [BarClosed(name, at.date, p, p, p, p, 0, at.closes_ns) for name, p in zip(names, row, strict=True)]
        for at, row in zip(sessions, prices, strict=True)
    ]
    return names, sessions, bars


class Tape:
    """A source that shows a day's closes to the venue, lets it speak, then tells them to the engine."""

    def __init__(self, venue: SimulatedVenue, kernel: Kernel, sessions: list[Session], days: list[Day]) -> None:
        self._price, self._tell = venue.on_price, kernel.inlet("market_data")
        self._sessions, self._days = sessions, days
        self._at = 0
        self._shown = False

    def next_ns(self) -> int | None:
        return self._sessions[self._at].closes_ns if self._at < len(self._days) else None

    def fire(self, now_ns: int) -> None:
        bars = self._days[self._at]
        if not self._shown:
            for bar in bars:
                self._price(bar)
            self._shown = True
            return
        for bar in bars:
            self._tell(bar)
        self._tell(SessionClosed(self._sessions[self._at].date, now_ns))
        self._at += 1
        self._shown = False


def tree(instruments: dict[str, Instrument]) -> Branch:
    """Every actor of a decision cycle, one trend sleeve, limits that bind nobody."""
    clients = Clients(
        pair=Ref("pair"), basket=Ref("basket"), risk=Ref("risk"), portfolio=Ref("portfolio"),
        reconciler=Ref("reconciler"), system=Ref("system"), market_data=Ref("market_data"),
    )  # fmt: skip
    execution = ExecutionPolicy(style=Style.CLOSE_AUCTION, market_orders=True)
    scale = ScaleRules(
        clamp_low=1.0, clamp_high=1.0, limit_elevated=1.0, limit_crisis=1.0, crisis_drawdown=-LOOSE, max_gross=LOOSE,
        max_rise=LOOSE,
    )  # fmt: skip
    limits = GateLimits(
        max_gross_leverage=LOOSE, max_net_leverage=LOOSE, max_order_share=LOOSE, max_daily_turnover_share=LOOSE,
        max_orders_per_minute=10**9, max_intents_per_run=10**9,
    )  # fmt: skip
    freshness = FreshnessRules(spike_sigmas=LOOSE, least_move_share=1e6, unit_jump=10**9)
    told = tuple(Ref[Any](name) for name in ("orders", "risk", "basket", "pair", "reconciler"))
    watchers = {name: (Ref[Any]("sleeve.trend"),) for name in instruments}
    listeners = tuple(Ref[Any](name) for name in ("regime", "portfolio", "risk"))
    return Branch(
        "root",
        (
            Child("system", lambda: System(listeners=told, auto_trade=True)),
            Child("orders", lambda: Orders(instruments=instruments, clients=clients, policy=execution)),
            Child(
                "reconciler",
                lambda: Reconciler(
                    orders=Ref("orders"), portfolio=Ref("portfolio"), system=Ref("system"),
                    policy=ReconcilePolicy(every_ns=0),
                ),
            ),
            Child(
                "portfolio",
                lambda: Portfolio(
                    instruments=instruments, base="USD", cash={"USD": cash(CAPITAL)}, risk=Ref("risk"),
                    regime=Ref("regime"), reconciler=Ref("reconciler"), sleeve_capital={"trend": cash(CAPITAL)},
                ),
            ),
            Child(
                "pair", lambda: Pair(orders=Ref("orders"), risk=Ref("risk"), policy=LeggingPolicy(phased=False))
            ),
            Child(
                "basket",
                lambda: Basket(
                    instruments=instruments, sleeves=("trend",), risk=Ref("risk"), portfolio=Ref("portfolio"),
                    policy=BasketPolicy(min_notional=0),
                ),
            ),
            Child(
                "market_data",
                lambda: MarketData(
                    program="trend", instruments=instruments, rolls=RollSchedule({}), fx=Ref("fx"),
                    portfolio=Ref("portfolio"), orders=Ref("orders"), bar_watchers=watchers, rules=freshness,
                ),
            ),
            Child("fx", lambda: Fx(base="USD", listeners=listeners)),
            Child("regime", lambda: RegimeActor(rules=RegimeRules(), risk=Ref("risk"))),
            Child(
                "risk",
                lambda: Risk(
                    instruments=instruments, rules=RiskRules(scale=scale), limits=limits,
                    sleeves=(Ref("sleeve.trend"),), basket=Ref("basket"), pair=Ref("pair"), system=Ref("system"),
                ),
            ),
            Child(
                "sleeve.trend",
                lambda: SleeveHost(
                    sleeve=sleeve(instruments), basket=Ref("basket"), market_data=Ref("market_data")
                ),
            ),
        ),
    )  # fmt: skip


def sleeve(instruments: dict[str, Instrument]) -> Trend:
    rules = TrendRules(
        pairs=PAIRS, scalars=tuple(15.0 / fast**0.5 for fast, _ in PAIRS), fdm=1.05, risk=0.20, idm=2.0, buffer=0.10,
        volatility="root_mean_square", volatility_span=35, volatility_min=1, warm_up=256, capital_mode="fixed",
        capital=float(CAPITAL),
    )  # fmt: skip
    return Trend(id="trend", instruments=instruments, rules=rules)


def backtest(names: list[str], sessions: list[Session], days: list[Day]) -> Outcome:
    """One run from fresh actors to the last close. Raises SystemExit when the books end anywhere else."""
    began, cpu = time.perf_counter(), time.process_time()
    instruments = {name: future(name) for name in names}
    clock = VirtualClock(sessions[0].opens_ns)
    exchange = Exchange(
        instruments=instruments, sessions={"WEEKDAYS": Sessions("WEEKDAYS", [*sessions, _after(sessions[-1])])},
        cash={"USD": cash(CAPITAL)}, base_currency="USD", fx=lambda currency: 10**9,
        rules=VenueRules(daily_bars=True, margin=False), record=MemoryRecord(),
    )  # fmt: skip
    kernel = Kernel(clock=clock, alarms_to="system")
    kernel.host(tree(instruments))
    venue = SimulatedVenue(exchange, outside=kernel, clock=clock)
    kernel.attach(venue)
    kernel.start()
    venue.connect()
    driver = VirtualDriver(kernel, (venue, Tape(venue, kernel, sessions, days)))
    driver.run(sessions[-1].closes_ns)
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    _proved(kernel, exchange)
    return Outcome(wall, used, sum(len(day) for day in days), len(exchange.desk.fills))


def _after(last: Session) -> Session:
    """A session for the orders that the last close decides."""
    return Session(last.date + 1, last.closes_ns + 1, last.closes_ns + NS_PER_DAY)


def _proved(kernel: Kernel, exchange: Exchange) -> None:
    """The engine's books and the venue's own account end at the peers' figures."""
    books = kernel.actor("portfolio").totals.nav / CASH_SCALE
    venue = (exchange.account.equity() or 0) / CASH_SCALE
    trades = len(exchange.desk.fills)
    if not round(books, 2) == round(venue, 2) == EQUITY or trades != TRADES:
        raise SystemExit(f"equity {books:,.6f} (venue {venue:,.6f}) after {trades:,} trades; the peers end at"
                         f" {EQUITY:,.2f} after {TRADES:,}")  # fmt: skip


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    asked: argparse.Namespace = parser.parse_args()
    panel = load(asked.data)
    contest = Contest("trend", asked, PEERS, ("--data", str(asked.data.resolve()), "--repeat", "1"))
    contest.run({"hedgerow": lambda: backtest(*panel)})


if __name__ == "__main__":
    main()
