"""The order manager, books and reconciler of the engine before the gateway, on its loop's clock, life after life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from actors.order_desk import Clients
from actors.orders import Orders
from actors.portfolio import Portfolio
from actors.pricing import ExecutionPolicy
from actors.reconciler import ReconcilePolicy, Reconciler
from actors.system import System
from engine.actor import Actor
from engine.effects import Effects, Ref
from engine.host import Host
from engine.kernel import Kernel
from engine.memory import MemoryJournal
from engine.ports import Row
from engine.stages import StopPlan, StopStage
from engine.supervise import Branch, Child
from model.decisions import Approved, Decide, InstrumentLocked, InstrumentReleased, Mode, ModeChanged, NavMarked
from model.execution import Alarm, Reconciled, ReconcileNow
from model.market import WatchAgain, WatchQuotes
from model.orders import (
    CancelOrder,
    Filled,
    Intent,
    OrderUpdate,
    Place,
    Purpose,
    Share,
    Side,
    VenueUp,
    intent_id,
)
from model.units import NS_PER_SECOND, cash, px, qty
from ports.ib.port import IBPort
from tests.ib.kit import CONTRACTS, PATIENCE_S, Stand

MS = NS_PER_SECOND // 1_000
POLICY = ReconcilePolicy(
    every_ns=300 * MS, settle_ns=60 * MS, overlap_ns=3_600 * NS_PER_SECOND, retry_ns=2 * NS_PER_SECOND
)
EXECUTION = ExecutionPolicy(ack_within_ns=100 * MS, reprice_every_ns=600 * NS_PER_SECOND)
OPENING = cash("1000000")


class Rest(Actor):
    """Stands for the actors that decide."""

    def on_any(
        self, message: OrderUpdate | Filled | ModeChanged | InstrumentLocked | InstrumentReleased | NavMarked
        | WatchQuotes | WatchAgain | VenueUp | Approved | Decide,
    ) -> Effects:  # fmt: skip
        return None


class Engine:
    """One life. The journal goes from life to life, as far as it was committed."""

    def __init__(
        self, stand: Stand, rows: tuple[Row, ...] = (), *, policy: ReconcilePolicy = POLICY,
        waits_s: float = PATIENCE_S, **settings: object,
    ) -> None:  # fmt: skip
        self.stand, self._policy, self._waits_s = stand, policy, waits_s
        self.journal = MemoryJournal()
        if rows:
            self.journal.stage(rows)
            self.journal.commit()
        self.kernel = Kernel(clock=stand.clock(), journal=self.journal)
        self.kernel.host(self._tree())
        self.port = IBPort(
            stand.settings(**settings), instruments=CONTRACTS.values(), now_ns=stand.now_ns, token=lambda: 0
        )
        stand.port = self.port
        self.kernel.recover_from(list(rows))
        stages = (StopStage("drain", 2.0, drain=("*",)), StopStage("seal", 2.0, seals=True))
        self.host = Host(self.kernel, ports=[self.port], stop=StopPlan(stages=stages, stop_timeout_s=30.0))
        self._task = asyncio.ensure_future(self.host.run())

    def _tree(self) -> Branch:
        def ref(name: str) -> Ref[Any]:
            return Ref(name)

        names = ("pair", "basket", "risk", "portfolio", "reconciler", "system", "market_data")
        builds: dict[str, Callable[[], Actor]] = {
            "system": lambda: System(
                listeners=[ref(each) for each in ("orders", "reconciler", *self.deciding())],
                lock_listeners=[ref("orders")], auto_trade=True,
            ),
            "orders": lambda: Orders(
                instruments=CONTRACTS, clients=Clients(**{each: ref(each) for each in names}), policy=EXECUTION
            ),
            "portfolio": lambda: Portfolio(
                instruments=CONTRACTS, base="USD", cash={"USD": OPENING}, risk=ref("risk"), regime=None,
                reconciler=ref("reconciler"),
            ),
            "reconciler": lambda: Reconciler(
                orders=ref("orders"), portfolio=ref("portfolio"), system=ref("system"), policy=self._policy
            ),
        }  # fmt: skip
        for name in ("pair", "basket", "risk", "market_data"):
            builds[name] = self.deciding().get(name, Rest)
        return Branch("root", tuple(Child(name, build) for name, build in builds.items()))

    def deciding(self) -> dict[str, Callable[[], Actor]]:
        """Actors that decide and are there; rests stand for the others."""
        return {}

    async def crash(self) -> tuple[Row, ...]:
        """End this life without a word; what was durable is left."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return tuple(self.journal.rows[: self.journal.committed])

    async def trading(self) -> None:
        await self.until(lambda: self.mode is Mode.TRADING, "TRADING")

    @property
    def mode(self) -> Mode:
        mode: Mode = self.kernel.actor("system").mode
        return mode

    async def until(self, true: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(self._waits_s):
                while not true():
                    if self._task.done():
                        self._task.result()
                    await asyncio.sleep(0.002)
        except TimeoutError:
            rows = "\n".join(str(row.event) for row in self.journal.rows[-16:])
            raise AssertionError(f"{what} did not come in {self.mode}; the last rows are\n{rows}") from None

    def place(self, limit: str, quantity: str = "100", attempt: int = 0, instrument: str = "ABC") -> str:
        """Let an approved intent become an order; its id."""
        run_id = f"20190612.{attempt}.test"
        name = intent_id(run_id, instrument, Side.BUY, qty(quantity), "a", 0, attempt)
        intent = Intent(
            id=name, run_id=run_id, instrument=instrument, side=Side.BUY, quantity=qty(quantity),
            purpose=Purpose.REBALANCE, shares=(Share("a", qty(quantity)),), reference=px(limit), limit=px(limit),
        )  # fmt: skip
        self.host.tell("orders", Place(intent, "ap-1"))
        return name

    def cancel(self, name: str) -> None:
        self.host.tell("orders", CancelOrder(name, "the test wants it gone"))

    def state(self, name: str) -> str:
        order = self.kernel.actor("orders").book.orders.get(name)
        return "" if order is None else str(order.state)

    def rows(self, kind: type[msgspec.Struct]) -> list[Any]:
        return [row.event for row in self.journal.rows if isinstance(row.event, kind)]

    async def compared(self) -> Reconciled:
        """The next comparison that was asked for from now on and passed, or the last one that did not."""
        before = len(self.rows(Reconciled))
        self.host.tell("reconciler", ReconcileNow("the test asks"))
        await self.until(lambda: any(row.passed for row in self.rows(Reconciled)[before:]), "a clean comparison")
        found: Reconciled = self.rows(Reconciled)[-1]
        return found

    def alarms(self) -> list[str]:
        return [row.code for row in self.rows(Alarm)]

    def position(self, instrument: str = "ABC") -> int:
        held = self.kernel.actor("portfolio").books.positions.get(instrument)
        return 0 if held is None else held.quantity

    def cash(self, currency: str = "USD") -> int:
        amount: int = self.kernel.actor("portfolio").books.cash.get(currency, 0)
        return amount
