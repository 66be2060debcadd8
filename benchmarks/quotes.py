"""W3: a million quotes through market data, a quoting sleeve, risk, pair, orders and the simulated exchange.

    python -m benchmarks.quotes [--rounds 3] [--peers-dir DIR --peers-python PYTHON] [--json FILE]

Ten instruments walk on a grid of one tick, one quote a millisecond in all. The sleeve follows an exponential mean of
each and sends a limit order of one contract every so many quotes: every thousandth joins the best price and rests, or
every tenth takes the other side and fills at once. The last part takes 200 instruments and watches memory.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from actors.basket import Basket
from actors.fx import Fx
from actors.leg_groups import LeggingPolicy
from actors.market_data import MarketData
from actors.order_desk import Clients
from actors.orders import Orders
from actors.pair import Pair
from actors.portfolio import Portfolio
from actors.reconciler import ReconcilePolicy, Reconciler
from actors.regime import RegimeActor, RegimeRules
from actors.risk import Risk
from actors.risk_gate import GateLimits
from actors.risk_scale import RiskRules
from actors.sleeve import QuotingHost
from actors.system import System
from benchmarks.contest import Contest, Outcome, Peer, arguments
from engine.clock import VirtualClock
from engine.drive import Due, VirtualDriver
from engine.effects import Ref
from engine.kernel import Kernel
from engine.supervise import Branch, Child
from engine.timers import NEVER
from model.decisions import Decide
from model.instruments import Commission, Instrument, Kind, TickStep
from model.market import BarClosed, ProductBar, Quote, SessionClosed
from model.orders import Intent, Purpose, Share, Side, intent_id
from model.rolls import RollSchedule
from model.sessions import Session, Sessions
from model.units import NS_PER_DAY, QTY_SCALE, cash
from ports.simulated import SimulatedVenue
from simulation.exchange import Exchange, MemoryRecord, VenueRules
from sleeves.base import Wanted

START_NS = 1_704_067_200 * 10**9
STEP_NS = 10**6
TICK = 10**7
SIZE = 1_000 * QTY_SCALE
RUN = "20240101.1.quoter.benchmark"
LOOSE = 1e9
EVENTS = 1_000_000
MOST_GROWTH_MIB = 8.0
RESTING = (Peer("nautilus_trader", "w3_nautilus.py", 3.0, ("--every", "1000")),)
CROSSING = (Peer("nautilus_trader", "w3_nautilus.py", 3.0, ("--every", "10", "--cross", "1")),)


class Quoter:
    """A sleeve that follows a mean of every instrument and sends an order each `every` quotes, buys and sells in turn.

    cross: take the other side's price instead of joining one's own.
    """

    id = "quoter"
    hedges = False

    def __init__(self, products: tuple[str, ...], every: int, cross: bool) -> None:
        self.products = products
        self.sent = 0
        self._every, self._left, self._cross = every, every, cross
        self._means: dict[str, float] = {}
        self._alpha = 2.0 / 21.0

    def on_bar(self, bar: ProductBar) -> None:
        self._means[bar.product] = float(bar.price)

    def decide(self, decide: Decide) -> Wanted:
        return Wanted((), ())

    def on_quote(self, quote: Quote) -> tuple[Intent, ...]:
        name = quote.instrument
        mean = self._means[name]
        self._means[name] = mean + self._alpha * ((quote.bid + quote.ask) * 0.5 - mean)
        self._left -= 1
        return () if self._left else (self._intent(quote),)

    @property
    def seen(self) -> int:
        """How many quotes it has followed."""
        return (self.sent + 1) * self._every - self._left

    def _intent(self, quote: Quote) -> Intent:
        buys = self.sent % 2 == 0
        self.sent += 1
        self._left = self._every
        side = Side.BUY if buys else Side.SELL
        return Intent(
            id=intent_id(RUN, quote.instrument, side, QTY_SCALE, self.id, 0, self.sent), run_id=RUN,
            instrument=quote.instrument, side=side, quantity=QTY_SCALE, purpose=Purpose.REBALANCE,
            shares=(Share(self.id, side * QTY_SCALE),), reference=(quote.bid + quote.ask) // 2,
            limit=quote.bid if buys is not self._cross else quote.ask, attempt=self.sent,
        )  # fmt: skip

    def state(self) -> bytes:
        return b""

    def load(self, state: bytes) -> None:
        """It has nothing to take back."""


class Tape:
    """A source of quotes: each to the venue, which may fill by it, then to the engine."""

    def __init__(self, exchange: Exchange, kernel: Kernel, quotes: Iterator[Quote]) -> None:
        self._venue, self._tell = exchange.on_quote, kernel.door("market_data")
        self._quotes = quotes
        self._quote: Quote | None = next(quotes, None)
        self.due = Due(NEVER if self._quote is None else self._quote.at_ns)

    def next_ns(self) -> int | None:
        return None if self._quote is None else self._quote.at_ns

    def fire(self, now_ns: int) -> None:
        quote = self._quote
        assert quote is not None
        self._venue(quote)
        self._tell(quote)
        self._quote = quote = next(self._quotes, None)
        self.due.at_ns = NEVER if quote is None else quote.at_ns


def names(count: int) -> tuple[str, ...]:
    return tuple(f"SYM{place:03d}" for place in range(count))


def walks(events: int, instruments: int) -> Iterator[Quote]:
    """Random walks of one tick a quote, two ticks between bid and ask, always the same ones."""
    draw = np.random.default_rng(11)
    which, steps = draw.integers(0, instruments, events), draw.integers(-1, 2, events)
    mids = [(10_000 + 10 * place) * TICK for place in range(instruments)]
    symbols = names(instruments)
    for count, (place, step) in enumerate(zip(which.tolist(), steps.tolist(), strict=True), start=1):
        mids[place] = mid = max(100 * TICK, mids[place] + step * TICK)
        yield Quote(symbols[place], mid - TICK, mid + TICK, SIZE, SIZE, START_NS + count * STEP_NS)


def future(name: str) -> Instrument:
    return Instrument(
        id=name, kind=Kind.FUTURE, venue="SIM", currency="USD", calendar="ALWAYS",
        ticks=(TickStep(Decimal(0), Decimal("0.01")),), commission=Commission(share_of_notional=Decimal("0.0002")),
    )  # fmt: skip


def tree(instruments: dict[str, Instrument], quoter: Quoter) -> Branch:
    clients = Clients(
        pair=Ref("pair"), basket=Ref("basket"), risk=Ref("risk"), portfolio=Ref("portfolio"),
        reconciler=Ref("reconciler"), system=Ref("system"), market_data=Ref("market_data"),
    )  # fmt: skip
    limits = GateLimits(
        max_gross_leverage=LOOSE, max_net_leverage=LOOSE, max_order_share=LOOSE, max_daily_turnover_share=LOOSE,
        max_orders_per_minute=10**9,
    )  # fmt: skip
    told = tuple(Ref[Any](name) for name in ("orders", "risk", "basket", "pair", "reconciler"))
    watchers = {name: (Ref[Any]("sleeve.quoter"),) for name in instruments}
    listeners = tuple(Ref[Any](name) for name in ("regime", "portfolio", "risk"))
    builders = {
        "system": lambda: System(listeners=told, auto_trade=True),
        "orders": lambda: Orders(instruments=instruments, clients=clients),
        "reconciler": lambda: Reconciler(
            orders=Ref("orders"), portfolio=Ref("portfolio"), system=Ref("system"), policy=ReconcilePolicy(every_ns=0)
        ),
        "portfolio": lambda: Portfolio(
            instruments=instruments, base="USD", cash={"USD": cash(10_000_000)}, risk=Ref("risk"),
            regime=Ref("regime"), reconciler=Ref("reconciler"),
        ),
        "pair": lambda: Pair(orders=Ref("orders"), risk=Ref("risk"), policy=LeggingPolicy(phased=False)),
        "basket": lambda: Basket(
            instruments=instruments, sleeves=("quoter",), risk=Ref("risk"), portfolio=Ref("portfolio")
        ),
        "market_data": lambda: MarketData(
            program="quoter", instruments=instruments, rolls=RollSchedule({}), fx=Ref("fx"),
            portfolio=Ref("portfolio"), orders=Ref("orders"), bar_watchers=watchers, quote_watchers=watchers,
        ),
        "fx": lambda: Fx(base="USD", listeners=listeners),
        "regime": lambda: RegimeActor(rules=RegimeRules(), risk=Ref("risk")),
        "risk": lambda: Risk(
            instruments=instruments, rules=RiskRules(), limits=limits, sleeves=(Ref("sleeve.quoter"),),
            basket=Ref("basket"), pair=Ref("pair"), system=Ref("system"),
        ),
        "sleeve.quoter": lambda: QuotingHost(
            sleeve=quoter, basket=Ref("basket"), risk=Ref("risk"), market_data=Ref("market_data")
        ),
    }  # fmt: skip
    return Branch("root", tuple(Child(name, build) for name, build in builders.items()))


class Market:
    """An engine that has priced its book once and waits for quotes."""

    def __init__(self, instruments: int, every: int, cross: bool) -> None:
        listed = {name: future(name) for name in names(instruments)}
        self.quoter = Quoter(tuple(listed), every, cross)
        sessions = Sessions(
            "ALWAYS",
            [Session(20231231, START_NS - NS_PER_DAY, START_NS), Session(20240101, START_NS, START_NS + NS_PER_DAY)],
        )
        self.exchange = Exchange(
            instruments=listed, sessions={"ALWAYS": sessions}, cash={"USD": cash(10_000_000)}, base_currency="USD",
            fx=lambda currency: 10**9, rules=VenueRules(margin=False), record=MemoryRecord(),
        )  # fmt: skip
        clock = VirtualClock(START_NS - NS_PER_DAY)
        self.kernel = Kernel(clock=clock, alarms_to="system")
        self.kernel.host(tree(listed, self.quoter))
        self.venue = SimulatedVenue(self.exchange, outside=self.kernel, clock=clock)
        self.kernel.attach(self.venue)
        self.kernel.start()
        self.venue.connect()
        VirtualDriver(self.kernel, (self.venue,)).run(START_NS)
        for place, name in enumerate(listed):
            price = (10_000 + 10 * place) * TICK
            bar = BarClosed(name, 20231231, price, price, price, price, 0, START_NS)
            self.venue.on_price(bar)
            self.kernel.tell("market_data", bar)
        self.kernel.tell("market_data", SessionClosed(20231231, START_NS))
        VirtualDriver(self.kernel, (self.venue,)).run(START_NS)

    def play(self, quotes: Iterator[Quote], until_ns: int) -> Outcome:
        """Tell the quotes to the venue and the engine, one after the other."""
        driver = VirtualDriver(self.kernel, (Tape(self.exchange, self.kernel, quotes), self.venue))
        gc.collect()
        began, cpu = time.perf_counter(), time.process_time()
        driver.run(until_ns)
        wall, used = time.perf_counter() - began, time.process_time() - cpu
        return Outcome(wall, used, self.quoter.seen, len(self.exchange.desk.fills))


def played(quotes: list[Quote], every: int, cross: bool) -> Outcome:
    """All quotes through one engine. Raises SystemExit when one was lost or an order did not reach the venue."""
    market = Market(10, every, cross)
    outcome = market.play(iter(quotes), quotes[-1].at_ns)
    wanted = len(quotes) // every
    if outcome.events != len(quotes) or len(market.exchange.desk.orders) != wanted:
        raise SystemExit(f"{outcome.events:,} quotes seen, {len(market.exchange.desk.orders):,} of {wanted:,} orders")
    if cross and outcome.trades != wanted:
        raise SystemExit(f"{outcome.trades:,} fills of {wanted:,} orders that took the other side's price")
    return outcome


def memory(instruments: int, events: int) -> dict[str, float]:
    """Resident memory after a tenth of the quotes and after all of them, MiB; the sleeve only watches."""
    market = Market(instruments, events * 10, cross=False)
    quotes = walks(events, instruments)
    tenth = START_NS + events // 10 * STEP_NS
    market.play(quotes, tenth)
    before = _resident_mib()
    market.play(quotes, START_NS + events * STEP_NS)
    return {"instruments": instruments, "after_a_tenth": before, "after_all": _resident_mib()}


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--only", choices=("resting", "crossing", "memory"))
    asked = parser.parse_args()
    if asked.only in (None, "memory"):
        found = memory(200, EVENTS)
        growth = found["after_all"] - found["after_a_tenth"]
        print(
            f"200 instruments: {found['after_a_tenth']:.0f} MiB after a tenth of the quotes, {growth:+.1f} at the end"
        )
        if asked.json is not None:
            with asked.json.open("a") as sink:
                sink.write(json.dumps({"bench": "quotes, memory", **found}) + "\n")
        if growth > MOST_GROWTH_MIB:
            raise SystemExit(f"memory grew by {growth:.1f} MiB while nothing but quotes came")
    if asked.only == "memory":
        return
    quotes = list(walks(EVENTS, 10))
    options = ("--repeat", "1")
    if asked.only in (None, "resting"):
        contest = Contest("quotes, 1,000 orders", asked, RESTING, options)
        contest.run({"hedgerow": lambda: played(quotes, 1_000, cross=False)})
    if asked.only in (None, "crossing"):
        contest = Contest("quotes, 100,000 orders", asked, CROSSING, options)
        contest.run({"hedgerow": lambda: played(quotes, 10, cross=True)})


if __name__ == "__main__":
    main()
