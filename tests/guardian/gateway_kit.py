"""A guardian before the simulated gateway over a real socket, in a thread of its own as in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from app.guardian import Deed, Guardian
from model.orders import OrderAcked
from model.units import qty
from ports.guardian import ClosingPlan, Heartbeat, SealedFile
from ports.guardian.plan import closing_orders
from ports.guardian.venue import GuardianVenue
from ports.ib.guardian import GatewaySession
from simulation.tws.requests import PlaceOrder
from simulation.tws.terms import Contract, Order
from state.lake import Lake
from state.lease import NS, LeaseStore
from state.process_id import ProcessId
from tests.guardian.kit import ENGINE, KEY, LAPSE_S, QUIET, Kept
from tests.ib.kit import ACCOUNT, CONTRACTS, Stand, stand

T = TypeVar("T")
ENGINES_CLIENT, GUARDIANS_CLIENT = 17, 1017


class KilledHere(BaseException):
    """What a kill looks like from inside: nothing is done any more."""


class Deeds(Kept):
    """A log in memory. killed_at: dies when it is to write the first deed of this code."""

    killed_at = ""

    def write(self, deed: Deed) -> None:
        if deed.code == self.killed_at:
            raise KilledHere(deed.code)
        super().write(deed)

    def last(self, code: str) -> str:
        """What was said of the last deed of a kind."""
        return [deed.text for deed in self.deeds if deed.code == code][-1]


class Watch:
    """One engine that died, and guardians that come one after the other.

    stands: whether the guardian's token does.  asked: how often that was asked.  killed_asking: die at that question.
    """

    def __init__(self, here: Stand, *, flatten: bool = False) -> None:
        self.here, self.flatten = here, flatten
        self.log = Deeds()
        self.now_s = 1_000.0
        self.stands = True
        self.asked = self.killed_asking = 0
        self.lease = LeaseStore(here.state / "lease", "ib", ACCOUNT, living=lambda process: None)
        self.plans = SealedFile(here.state / "closing-plan", ClosingPlan, KEY)
        self.guardian = self.comes()

    def comes(self, **settings: object) -> Guardian:
        """A guardian as it starts, which knows what is written in its log."""

        def session(token: int, beat: Heartbeat) -> GuardianVenue:
            return self.session(**settings)

        self.guardian = Guardian(
            beats=self, plans=self.plans, lease=self.lease, session=session, log=self.log, lapse_s=LAPSE_S,
            flatten=self.flatten, end=self._end, seconds=lambda: self.now_s, wall_ns=lambda: int(self.now_s * NS),
        )  # fmt: skip
        return self.guardian

    def session(self, **settings: object) -> GatewaySession:
        return GatewaySession(
            self.here.settings(**settings), CONTRACTS.values(), may_send=self._may_send, now_ns=self.here.now_ns
        )

    def read(self) -> Heartbeat:
        """The engine's last beat, for ever."""
        return Heartbeat(ENGINE, 3, QUIET, words=3)

    def plan(self, **units: str) -> ClosingPlan:
        """What the engine has left: close so much of each."""
        orders = closing_orders({name: qty(held) for name, held in units.items()}, 50)
        plan = ClosingPlan(50, int(self.now_s * NS) + 900 * NS, orders)
        self.plans.write(plan)
        return plan

    async def acts(self) -> bool:
        """One round after the engine has been silent for long enough; whether it came to its end."""

        def rounds() -> bool:
            self.guardian.look()
            self.now_s += LAPSE_S + 2
            return self.guardian.look()

        return await asyncio.to_thread(rounds)

    async def killed(self) -> None:
        """A round in which the guardian dies, and the next one comes."""
        try:
            await self.acts()
        except KilledHere:
            self.log.killed_at, self.killed_asking = "", 0
            self.comes()
        else:
            raise AssertionError(f"nobody was killed: {self.log.codes}")

    async def with_session(self, deed: Callable[[GatewaySession], T], **settings: object) -> T:
        """Something done in a session of the guardian, which is closed."""

        def do() -> T:
            session = self.session(**settings)
            try:
                return deed(session)
            finally:
                session.close()

        return await asyncio.to_thread(do)

    def open_at_broker(self) -> list[str]:
        return sorted(each.order.order_ref for each in self.here.control.dump().orders)

    def holds(self) -> dict[str, float]:
        return {each.contract.symbol: each.quantity for each in self.here.control.dump().positions if each.quantity}

    def sent(self, ref: str) -> int:
        """How many orders the broker ever had under a reference."""
        tickets = self.here.gateway.house.broker._blotter.tickets.values()
        return sum(each.order.order_ref == ref for each in tickets)

    def by_hand(self, ref: str, *, account: str = ACCOUNT) -> None:
        """A person's buy of ABC far below the market, typed into the gateway."""
        contract = Contract(symbol="ABC", sec_type="STK", exchange="SMART", currency="USD")
        order = Order(
            action="BUY", quantity=5.0, order_type="LMT", limit=90.0, tif="DAY", order_ref=ref,
            account=account,
        )  # fmt: skip
        self.here.control.enter_by_hand(PlaceOrder(order_id=0, contract=contract, order=order))

    def _may_send(self) -> bool:
        self.asked += 1
        if self.asked == self.killed_asking:
            raise KilledHere("asked whether it may send")
        return self.stands

    def _end(self, process: ProcessId) -> str:
        return "killed"


@asynccontextmanager
async def watch(lake: Lake, state: Path, *, flatten: bool = False, **more: object) -> AsyncIterator[Watch]:
    """A gateway, and a guardian whose engine is about to die."""
    async with stand(lake, state, **more) as here:  # type: ignore[arg-type]
        yield Watch(here, flatten=flatten)


async def resting(here: Stand, *limits: str) -> list[str]:
    """Orders of a living engine that work below the market; their references."""
    specs = [here.spec(limit=limit) for limit in limits]
    for spec in specs:
        here.submit(spec)
    for spec in specs:
        await here.heard_of(OrderAcked, spec.client_id)
    return [spec.client_id for spec in specs]


def named(orders: Collection[str]) -> str:
    """How a deed names what it cancelled."""
    return f"{len(orders)} orders: {', '.join(orders)}"
