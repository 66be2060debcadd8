"""The port in front of the simulated gateway over a real socket: an engine that writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.clock import PacedClock
from engine.message import Message, Told
from model.execution import LockInstrument
from model.instruments import Instrument
from model.margin import MarginTold
from model.market import Quote
from model.orders import (
    CancelAtVenue,
    CashMoved,
    Fill,
    ModifyOrder,
    OrderSpec,
    OrderType,
    RequestSnapshot,
    Side,
    SubmitOrder,
    TimeInForce,
    VenueDown,
    VenueSnapshot,
    VenueUp,
    intent_id,
)
from model.sessions import Sessions
from model.units import NS_PER_SECOND, px, qty
from ports.ib.port import IBPort
from ports.ib.settings import IBSettings, Patience
from simulation.tws.broker import Stories
from simulation.tws.clock import LoopClock
from simulation.tws.control import Control
from simulation.tws.faults import FaultPlan
from simulation.tws.gateway import Gateway
from simulation.tws.service.house import GatewayRules
from simulation.tws.world import Founding, found
from state.lake import Lake
from tests.tws.gateway.bourse import INSTRUMENTS, WEDNESDAY, sessions

ACCOUNT = "DU1000001"
PATIENCE_S = 10.0
"""How long a test waits for what must come; nothing is measured by it."""

QUICK = Patience(
    connect_s=2.0, answer_s=0.5, look_gap_s=0.03, heartbeat_s=5.0, silence_s=0.5, settle_s=0.0, commission_s=0.2,
    first_tick_s=0.3, id_in_use_s=0.05, cancel_s=0.2, refused_s=0.1, first_wait_s=0.02, longest_wait_s=0.1,
)  # fmt: skip

CONTRACTS: Mapping[str, Instrument] = {
    **{name: each for name, each in INSTRUMENTS.items() if each.roll is None and name != "VXX"},
    "SP500@201906": INSTRUMENTS["SP500"].contract(201906),
    "SP500@201909": INSTRUMENTS["SP500"].contract(201909),
}
replace = msgspec.structs.replace
M = TypeVar("M", bound=Message)


class Listener:
    """What the actors would have been told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Message]] = []

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        self.told.append((to, message))
        return Told.OK

    def all(self, kind: type[M], client_id: str = "") -> list[M]:
        """Every message of a kind, in order, once; what several actors are told is counted with `orders`."""
        first = {VenueSnapshot: "reconciler", CashMoved: "portfolio", Quote: "market_data", LockInstrument: "system",
            MarginTold: "risk"}  # fmt: skip
        return [
            message
            for to, message in self.told
            if isinstance(message, kind)
            and to == first.get(type(message), "orders")
            and client_id in ("", getattr(message, "client_id", ""))
        ]

    def fills(self, client_id: str = "") -> list[Fill]:
        return self.all(Fill, client_id)


class Stand:
    """A gateway, its control, and the ports that a test lets live before it."""

    def __init__(self, gateway: Gateway, state: Path, clock: Callable[[], PacedClock]) -> None:
        self.gateway, self.state, self.clock = gateway, state, clock
        self.control = Control(gateway)
        self.heard = Listener()
        self.port: IBPort
        self.token: int | None = 0
        self._task: asyncio.Task[None] | None = None
        self._orders = self._asked = 0

    def now_ns(self) -> int:
        return self.clock().now_ns

    def settings(self, **more: object) -> IBSettings:
        made = IBSettings(
            account=ACCOUNT, state_dir=str(self.state), port=self.gateway.port, day_zone="US/Eastern", patience=QUICK,
            messages_per_s=500,
        )  # fmt: skip
        return msgspec.structs.replace(made, **more)

    def start(
        self, *, instruments: Iterable[Instrument] = (), sessions: Mapping[str, Sessions] | None = None,
        streamed: Iterable[str] = (), rotated: Iterable[str] = (), **settings: object,
    ) -> IBPort:  # fmt: skip
        """Let a port live: a fresh one, as after the engine's own restart."""
        self.port = IBPort(
            self.settings(**settings), instruments=instruments or CONTRACTS.values(), now_ns=self.now_ns,
            sessions=sessions, token=lambda: self.token, streamed=streamed, rotated=rotated,
        )  # fmt: skip
        self._task = asyncio.ensure_future(self.port.run(self.heard))
        return self.port

    async def kill(self) -> None:
        """End the port at once, as a killed engine does: nothing is said."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def up(self, times: int = 1) -> None:
        """Until the link was told to stand so often in this test."""
        await self.until(lambda: len(self.heard.all(VenueUp)) >= times, "the link")

    async def down(self, times: int = 1) -> None:
        await self.until(lambda: len(self.heard.all(VenueDown)) >= times, "the loss of the link")

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Let the loop turn until something is so; fails when it does not become so, or the port dies."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true():
                    if self._task is not None and self._task.done():
                        self._task.result()
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise AssertionError(f"{what or 'it'} did not come; told was {self.heard.told[-12:]}") from None

    async def heard_of(self, kind: type[M], client_id: str = "", times: int = 1) -> M:
        """The newest message of a kind about an order, once there are so many."""
        await self.until(lambda: len(self.heard.all(kind, client_id)) >= times, f"{kind.__name__} of {client_id}")
        return self.heard.all(kind, client_id)[-1]

    # -- requests

    def spec(self, quantity: str = "100", limit: str = "", instrument: str = "ABC", **more: object) -> OrderSpec:
        """A buy of a new decision: a limit where one is given, a market order otherwise."""
        self._orders += 1
        client_id = intent_id("run", instrument, Side.BUY, qty(quantity), "sleeve", 0, self._orders)
        made = OrderSpec(
            client_id=client_id, instrument=instrument, side=Side.BUY, quantity=qty(quantity),
            type=OrderType.LIMIT if limit else OrderType.MARKET, tif=TimeInForce.DAY, limit=px(limit) if limit else 0,
        )  # fmt: skip
        return msgspec.structs.replace(made, **more)

    def submit(self, spec: OrderSpec, *, resend: bool = False) -> Told:
        return self.port.deliver(SubmitOrder(spec, resend), 0)

    def cancel(self, spec: OrderSpec) -> Told:
        return self.port.deliver(CancelAtVenue(spec.client_id), 0)

    def modify(self, spec: OrderSpec, limit: str, change_id: str = "change-1") -> Told:
        return self.port.deliver(ModifyOrder(spec.client_id, change_id, px(limit)), 0)

    async def snapshot(self, since_ns: int = 0) -> VenueSnapshot:
        """What the reconciler is answered."""
        self._asked += 1
        name = f"rc-{self._asked}"
        assert self.port.deliver(RequestSnapshot(name, since_ns), 0) is Told.OK
        await self.until(lambda: self._answer(name), name)
        return self._answer(name)[0]

    def _answer(self, name: str) -> list[VenueSnapshot]:
        return [each for each in self.heard.all(VenueSnapshot) if each.id == name]

    # -- the other side

    def price(self, bid: float, ask: float, instrument: str = "ABC", **more: float) -> None:
        self.control.set_price(instrument, bid=bid, ask=ask, **more)

    def at_broker(self, spec: OrderSpec) -> int:
        """How many orders the broker ever had under a reference."""
        tickets = self.gateway.house.broker._blotter.tickets.values()  # the truth that the port must not see
        return sum(each.order.order_ref == spec.client_id for each in tickets)


@asynccontextmanager
async def stand(
    lake: Lake, state: Path, *, plan: FaultPlan | None = None, stories: Stories | None = None,
    now_ns: int = WEDNESDAY, pace: float = 1.0, rules: GatewayRules | None = None, **founding: object,
) -> AsyncIterator[Stand]:  # fmt: skip
    """A gateway in the middle of a trading day, with ABC at 100 to 100.02."""
    loop = asyncio.get_running_loop()
    made = Founding(gateway=rules or GatewayRules(messages_per_second=1_000), **founding)  # type: ignore[arg-type]
    clock = LoopClock(loop, now_ns, pace)
    house = found(made, clock, INSTRUMENTS, sessions, lake, None, stories)
    gateway = Gateway(house, plan)
    await gateway.listen()
    began_ns = round(clock.began_s * NS_PER_SECOND)
    here = Stand(gateway, state, lambda: PacedClock(now_ns, began_ns, pace, lambda: round(loop.time() * NS_PER_SECOND)))
    here.price(100.0, 100.02)
    try:
        yield here
    finally:
        await here.kill()
        await gateway.close()
