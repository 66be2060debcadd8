"""The tree of actors of one program: who lives, who tells whom, and what falls with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from actors import parameters as read
from actors.basket import Basket
from actors.fx import Fx
from actors.market_data import MarketData
from actors.order_desk import Clients
from actors.orders import Orders
from actors.pair import Pair
from actors.portfolio import Portfolio
from actors.reconciler import ReconcilePolicy, Reconciler
from actors.regime import RegimeActor
from actors.risk import Risk
from actors.sleeve import SleeveHost
from actors.system import System
from actors.variation import CENT
from actors.watchdog import HealthLimits, Watchdog
from config.loader import Configuration
from engine.actor import Actor
from engine.effects import Ref
from engine.supervise import Branch, Child, Intensity, OnExhausted, Strategy
from model.decisions import Halt
from model.instruments import Instrument
from model.rolls import RollSchedule
from model.sessions import Sessions
from model.units import cash

replace = msgspec.structs.replace
Built = Callable[[], Actor]
Seat = tuple[str, Built]


class Assembly:
    """Builds the actors of a configuration; every restart builds a fresh one the same way.

    calendars: sessions by calendar name.  auto_trade: from OBSERVING to TRADING without a word from an operator.
    own: makes sleeves of `kind: custom`.  watched: whether the watchdog judges how late things are.
    heartbeat: the port that takes the watchdog's word to the guardian, if any.  pace: of the engine's clock; what is
    waited for of a wire or of this process is waited for in the world's seconds.  broker: the venue is an account that
    was there before the program: it settles futures without a word, tells cash in whole cents, and may hold what is not
    the program's.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        rolls: RollSchedule,
        calendars: Mapping[str, Sessions],
        auto_trade: bool,
        reconcile: ReconcilePolicy,
        own: read.OwnSleeve,
        watched: bool,
        heartbeat: str = "",
        broker: bool = False,
        pace: float = 1.0,
    ) -> None:
        self.settings = configuration.settings
        self.program = configuration.program
        self.instruments: Mapping[str, Instrument] = configuration.instruments
        self.rolls = rolls
        self.calendars = calendars
        self.auto_trade = auto_trade
        self.reconcile = reconcile
        self.own = own
        self.watched = watched
        self.heartbeat = heartbeat
        self.broker = broker
        self.pace = pace
        self.sleeves = tuple(f"sleeve.{sleeve.id}" for sleeve in self.program.sleeves)

    def tree(self) -> Branch:
        """The supervision tree of docs/flow.md."""
        settings = self.settings.engine
        usual = Intensity(restarts=settings.max_restarts, window_s=settings.restart_window_s)
        once = Intensity(restarts=1, window_s=settings.restart_window_s)
        halt = ("system", Halt("the risk actor crashed", "supervisor"))
        sleeves = tuple(Child(name, self._sleeve(place)) for place, name in enumerate(self.sleeves))
        branches = (
            self._branch("control", (("system", self._system), ("watchdog", self._watchdog)), usual),
            self._branch(
                "broker",
                (
                    ("orders", self._orders),
                    ("reconciler", self._reconciler),
                    ("portfolio", self._portfolio),
                    ("pair", self._pair),
                    ("basket", self._basket),
                ),
                once,
                Strategy.REST_FOR_ONE,
            ),
            self._branch(
                "data",
                (("market_data", self._market_data), ("fx", self._fx), ("regime", self._regime)),
                usual,
                Strategy.REST_FOR_ONE,
            ),
            Branch("risks", (Child("risk", self._risk, before_restart=halt),), intensity=once),
            Branch("sleeves", sleeves, intensity=usual, on_exhausted=OnExhausted.QUARANTINE),
        )
        return Branch("root", branches, on_exhausted=OnExhausted.SAFE_STOP)

    @staticmethod
    def _branch(
        name: str, seats: Sequence[Seat], intensity: Intensity, strategy: Strategy = Strategy.ONE_FOR_ONE
    ) -> Branch:
        return Branch(name, tuple(Child(who, build) for who, build in seats), strategy, intensity)

    # -- control

    def _system(self) -> System:
        told = ("orders", "risk", "basket", "pair", "reconciler")
        return System(
            listeners=tuple(Ref(name) for name in told),
            lock_listeners=(Ref("orders"), Ref("risk")),
            auto_trade=self.auto_trade,
        )

    def _watchdog(self) -> Watchdog:
        limits = HealthLimits() if self.watched else HealthLimits(silence_ns=0, feed_down_ns=0)
        limits = replace(limits, silence_ns=int(limits.silence_ns * self.pace))
        return Watchdog(system=Ref("system"), limits=limits, heartbeat=self.heartbeat)

    # -- broker

    def _orders(self) -> Orders:
        clients = Clients(
            pair=Ref("pair"),
            basket=Ref("basket"),
            risk=Ref("risk"),
            portfolio=Ref("portfolio"),
            reconciler=Ref("reconciler"),
            system=Ref("system"),
            market_data=Ref("market_data"),
        )
        policy = read.execution_policy(self.program.execution)
        policy = replace(policy, ack_within_ns=int(policy.ack_within_ns * self.pace))
        return Orders(instruments=self.instruments, clients=clients, policy=policy)

    def _reconciler(self) -> Reconciler:
        policy, pace = self.reconcile, self.pace
        patient = replace(
            policy,
            settle_ns=int(policy.settle_ns * pace),
            retry_ns=int(policy.retry_ns * pace),
            answer_within_ns=int(policy.answer_within_ns * pace),
        )
        return Reconciler(orders=Ref("orders"), portfolio=Ref("portfolio"), system=Ref("system"), policy=patient)

    def _portfolio(self) -> Portfolio:
        capital = {
            sleeve.id: cash(self.program.capital) * round(sleeve.capital_share * 1_000_000) // 1_000_000
            for sleeve in self.program.sleeves
        }
        return Portfolio(
            instruments=self.instruments,
            base=self.program.base_currency,
            cash=read.opening_cash(self.program),
            risk=Ref("risk"),
            regime=Ref("regime"),
            reconciler=Ref("reconciler"),
            sleeve_capital=capital,
            bands=read.cash_bands(self.program.risk, told_to=CENT if self.broker else 0),
            finds_variation=self.broker,
            shares_account=self.broker,
        )

    def _pair(self) -> Pair:
        return Pair(orders=Ref("orders"), risk=Ref("risk"), policy=read.legging_policy(self.program.execution))

    def _basket(self) -> Basket:
        return Basket(
            instruments=self.instruments,
            sleeves=tuple(sleeve.id for sleeve in self.program.sleeves),
            risk=Ref("risk"),
            portfolio=Ref("portfolio"),
            policy=read.basket_policy(self.program.execution),
        )

    # -- data

    def _market_data(self) -> MarketData:
        watchers: dict[str, list[Ref[Any]]] = {name: [] for name in self.instruments}
        for place, name in enumerate(self.sleeves):
            for product in read.sleeve(self.program, place, self.instruments, self.own).products:
                watchers[product].append(Ref(name))
        regime = self.program.regime
        inputs = (regime.volatility_index, regime.europe_volatility_index, regime.momentum_long, regime.momentum_short)
        for input_product in sorted({one for one in inputs if one is not None}):
            watchers[input_product].append(Ref("regime"))
        return MarketData(
            program=self.program.id,
            instruments=self.instruments,
            rolls=self.rolls,
            fx=Ref("fx"),
            portfolio=Ref("portfolio"),
            orders=Ref("orders"),
            bar_watchers={product: tuple(refs) for product, refs in watchers.items()},
            calendars={name: self.calendars[one.calendar] for name, one in self.instruments.items()},
            rules=read.freshness(self.settings.data),
        )

    def _fx(self) -> Fx:
        listeners: tuple[Ref[Any], ...] = (Ref("regime"), Ref("portfolio"), Ref("risk"))
        return Fx(base=self.program.base_currency, listeners=listeners, rules=read.fx_rules(self.program.fx))

    def _regime(self) -> RegimeActor:
        return RegimeActor(rules=read.regime_rules(self.program.regime), risk=Ref("risk"))

    # -- risk and sleeves

    def _risk(self) -> Risk:
        return Risk(
            instruments=self.instruments,
            rules=read.risk_rules(self.program.risk),
            limits=read.gate_limits(self.program.risk, self.program.execution),
            sleeves=tuple(Ref(name) for name in self.sleeves),
            basket=Ref("basket"),
            pair=Ref("pair"),
            system=Ref("system"),
        )

    def _sleeve(self, place: int) -> Built:
        def build() -> SleeveHost:
            sleeve = read.sleeve(self.program, place, self.instruments, self.own)
            return SleeveHost(sleeve=sleeve, basket=Ref("basket"), market_data=Ref("market_data"))

        return build
