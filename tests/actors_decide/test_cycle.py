"""The deciding half of the engine on a kernel: bars in, one journalled decision after another, approvals out."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from actors.fx import Fx, FxFixed
from actors.market_data import MarketData
from actors.regime import RegimeActor, RegimeRules
from actors.risk import Risk
from actors.risk_gate import GateLimits
from actors.risk_scale import RiskRules
from actors.sleeve import SleeveHost
from engine.actor import Actor
from engine.clock import VirtualClock
from engine.drive import VirtualDriver
from engine.effects import Effects, Ref, Tell
from engine.kernel import Kernel
from engine.memory import MemoryJournal
from engine.message import Event
from engine.ports import Row
from engine.supervise import Branch, Child
from model.decisions import (
    Approved,
    CycleFx,
    Decide,
    ExposureLine,
    Mode,
    ModeChanged,
    NavMarked,
    Propose,
    RegimeDecided,
    RiskDecision,
    Targets,
)
from model.market import BarClosed, FxRateSeen, Mark, ProductBar, Quality, SessionClosed, TellAgain
from model.orders import Intent, Purpose, Side, intent_id
from model.rolls import RollSchedule
from model.units import CASH_SCALE, QTY_SCALE, px
from sleeves.trend import Trend, TrendRules
from tests.actors_decide.made import future

PRODUCTS = {"A": future("A", "USD", "50"), "B": future("B", "EUR", "10")}
DAYS = 120


class Book(Actor):
    """Marks a book of ten million whose positions are what was approved."""

    def __init__(self, held: dict[str, int]) -> None:
        self.held = held
        self.prices: dict[str, int] = {}

    def on_mark(self, mark: Mark) -> Effects:
        self.prices[mark.instrument] = mark.price
        return None

    def on_cycle_fx(self, told: CycleFx) -> Effects:
        lines = tuple(
            ExposureLine(name, quantity, self.prices[name], Quality.GOOD, "USD", 0, {"trend": quantity})
            for name, quantity in self.held.items()
            if quantity
        )
        cycle, money = told.cycle, 10_000_000 * CASH_SCALE
        marked = NavMarked(
            cycle.run_id, cycle.session, money, {}, 0, 0, lines, {}, {}, (), self.clock.now_ns, dict(self.prices)
        )
        return [Tell(Ref("risk"), marked), Tell(Ref("regime"), marked)]


class Orders(Actor):
    """Stands for basket and executor: proposes the difference, takes what is approved as done."""

    def __init__(self, held: dict[str, int]) -> None:
        self.held = held
        self.references: dict[str, int] = {}

    def on_decide(self, decide: Decide) -> Effects:
        self.references = dict(decide.portfolio.prices)
        return None

    def on_targets(self, targets: Targets) -> Effects:
        intents = []
        for want in targets.wants:
            traded = want.quantity - self.held.get(want.product, 0)
            if want.hold or not traded:
                continue
            side, size, run = Side.BUY if traded > 0 else Side.SELL, abs(traded), targets.run_id
            intents.append(
                Intent(
                    id=intent_id(run, want.product, side, size, "trend", 0, 0),
                    run_id=run,
                    instrument=want.product,
                    side=side,
                    quantity=size,
                    purpose=Purpose.REBALANCE,
                    shares=(),
                    reference=self.references[want.product],
                )
            )
        return [Tell(Ref("risk"), Propose(targets.run_id, tuple(intents), "basket"))] if intents else None

    def on_approved(self, approved: Approved) -> Effects:
        for intent in approved.intents:
            self.held[intent.instrument] = self.held.get(intent.instrument, 0) + intent.side.value * intent.quantity
        return None


class Silent(Actor):
    """The executor's mailbox."""

    def on_approved(self, approved: Approved) -> Effects:
        return None


class Engine:
    """A kernel with the deciding actors, and a way to tell it days."""

    def __init__(self, held: dict[str, int] | None = None) -> None:
        self.held: dict[str, int] = dict(held or {})
        self.journal = MemoryJournal()
        self.kernel = Kernel(clock=VirtualClock(1), journal=self.journal)
        self.kernel.host(Branch("root", tuple(Child(name, build) for name, build in self.parts().items())))
        self.driver = VirtualDriver(self.kernel)

    def parts(self) -> dict[str, Callable[[], Actor]]:
        sleeve = Trend(
            id="trend",
            instruments=PRODUCTS,
            rules=TrendRules(pairs=((4, 16), (8, 32)), warm_up=60, volatility_min=2, idm=1.2),
        )
        watchers = {name: (Ref[ProductBar]("sleeve.trend"),) for name in PRODUCTS}
        return {
            "market_data": lambda: MarketData(
                program="test",
                instruments=PRODUCTS,
                rolls=RollSchedule({}),
                fx=Ref("fx"),
                portfolio=Ref("portfolio"),
                bar_watchers=watchers,
            ),
            "fx": lambda: Fx(base="USD", listeners=[Ref("regime"), Ref("portfolio"), Ref("risk")]),
            "regime": lambda: RegimeActor(rules=RegimeRules(), risk=Ref("risk")),
            "portfolio": lambda: Book(self.held),
            "risk": lambda: Risk(
                instruments=PRODUCTS,
                rules=RiskRules(),
                limits=GateLimits(
                    max_order_share=9, max_daily_turnover_share=9, max_gross_leverage=9, max_net_leverage=9
                ),
                sleeves=[Ref("sleeve.trend")],
                basket=Ref("basket"),
                pair=Ref("pair"),
            ),
            "sleeve.trend": lambda: SleeveHost(sleeve=sleeve, basket=Ref("basket")),
            "basket": lambda: Orders(self.held),
            "pair": Silent,
        }

    def start(self, rows: list[Row] | None = None) -> Engine:
        if rows:
            self.kernel.recover_from(rows)
        self.kernel.start()
        self.kernel.tell("risk", ModeChanged(Mode.TRADING, "test"))
        self.driver.settle()
        return self

    def day(self, k: int, *, history: bool = False, without: str = "", rate: bool = True) -> list[Event]:
        """Tell one session; what it journalled."""
        before, session = len(self.journal.rows), 20240101 + k
        if rate:
            self.kernel.tell("fx", FxRateSeen("EUR", px("1.10"), "test", self.kernel.clock.now_ns))
        for name, levels in PATHS.items():
            if name != without:
                level = levels[k]
                bar = BarClosed(name, session, level, level, level, level, 0, k, history)
                self.kernel.tell("market_data", bar)
        self.kernel.tell("market_data", SessionClosed(session, self.kernel.clock.now_ns, history))
        self.driver.settle()
        return [row.event for row in self.journal.rows[before:]]


def paths() -> dict[str, list[int]]:
    rng = np.random.default_rng(4)
    up = 4000 + np.cumsum(rng.normal(8.0, 20, DAYS + 20))
    down = 3000 + np.cumsum(rng.normal(-8.0, 20, DAYS + 20))
    return {name: [round(x * 100) * 10**7 for x in path] for name, path in (("A", up), ("B", down))}


PATHS = paths()


def of(events: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if type(event) is kind]


def test_a_day_is_journalled_as_one_chain_of_decisions() -> None:
    engine = Engine().start()
    for k in range(DAYS - 1):
        engine.day(k)
    events = engine.day(DAYS - 1)
    kinds = [type(event) for event in events]
    assert kinds[:4] == [FxFixed, RegimeDecided, RiskDecision, Targets]
    assert engine.held["A"] > 0 > engine.held["B"]
    assert engine.kernel.dead_letters.total == 0


def test_a_missing_bar_or_rate_trades_nothing_that_depends_on_it() -> None:
    engine = Engine().start()
    for k in range(DAYS):
        engine.day(k)
    before = dict(engine.held)
    targets = of(engine.day(DAYS, without="A"), Targets)[0]
    assert isinstance(targets, Targets)
    assert [want.product for want in targets.wants if want.hold] == ["A"]
    assert engine.held["A"] == before["A"]


def test_after_a_crash_the_same_session_gives_the_same_rows() -> None:
    """Rows of the journal and history up to the day before bring back what was; the session told again adds nothing."""
    one = Engine().start()
    for k in range(DAYS):
        one.day(k)
    held_before = dict(one.held)
    rows = list(one.journal.rows)
    first = one.day(DAYS)
    two = Engine(held_before).start(rows)
    for k in range(DAYS):
        assert of(two.day(k, history=True), Targets) == []
    again = two.day(DAYS)
    plain = [msgspec.to_builtins(event) for event in first]
    assert [msgspec.to_builtins(event) for event in again] == plain
    assert two.held == one.held
    asked_again = two.day(DAYS)
    assert of(asked_again, Targets) == of(asked_again, RiskDecision) == of(asked_again, RegimeDecided) == []
    assert two.held == one.held
    assert max(abs(quantity) for quantity in two.held.values()) >= QTY_SCALE


def test_a_sleeve_rebuilt_from_an_old_snapshot_catches_up_and_decides_the_same() -> None:
    engine, twin = Engine().start(), Engine().start()
    for k in range(DAYS - 5):
        engine.day(k)
        twin.day(k)
    old = engine.kernel.actor("sleeve.trend").snapshot()
    for k in range(DAYS - 5, DAYS):
        engine.day(k)
        twin.day(k)
    host = engine.kernel.actor("sleeve.trend")
    host.restore(old)
    held = dict(engine.held)
    behind = of(engine.day(DAYS), Targets)[0]
    assert isinstance(behind, Targets)
    assert all(want.hold and "missed" in want.reason for want in behind.wants)
    assert engine.held == held
    engine.kernel.tell("market_data", TellAgain(tuple(PRODUCTS)))
    engine.driver.settle()
    twin.day(DAYS)
    assert host.sleeve.state() == twin.kernel.actor("sleeve.trend").sleeve.state()
