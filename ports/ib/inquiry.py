"""Asking what became of orders: quickly for one that may have ended, thoroughly for the reconciler.

A snapshot may claim absence (`ids_enforced`) only when every order that left and was never shown has been looked for
three times, five seconds apart, in one stretch of one session, by looks that agree. The first snapshot of a life always
waits for that, for nobody remembers what an earlier life had sent. An order that left before the gateway's midnight is
never proved absent. What waited in our own pacer and never reached the socket was told as refused already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from model.orders import RequestSnapshot, VenueFact
from ports.ib.blotter import Blotter, ours
from ports.ib.contracts import BAG, Pins
from ports.ib.encoding import decode
from ports.ib.errors import IBError, LinkLost, Unanswered
from ports.ib.executions import Executions
from ports.ib.heard import ContractSeen, ExecutionSeen
from ports.ib.look import Look, Looks, vanished
from ports.ib.maintenance import midnight_ns
from ports.ib.qualify import Qualifier
from ports.ib.session import Session
from ports.ib.settings import IBSettings
from ports.ib.snapshots import incomplete, snapshot_of, unexplained

MOST_LOOKS = 8
"""For one snapshot; after that it is told as incomplete, and the reconciler asks again."""


class Inquiry:
    """venue: the name in snapshots.  tell: a fact leaves.  retake: executions whose contract is known by now."""

    def __init__(
        self, settings: IBSettings, *, pins: Pins, blotter: Blotter, executions: Executions, qualifier: Qualifier,
        tell: Callable[[VenueFact], None], retake: Callable[[ExecutionSeen], None], now_ns: Callable[[], int],
        venue: str,
    ) -> None:  # fmt: skip
        self._settings, self._pins, self._blotter, self._executions = settings, pins, blotter, executions
        self._qualifier, self._tell, self._retake = qualifier, tell, retake
        self._now_ns, self._venue = now_ns, venue
        self._looks = Looks(settings.patience.look_gap_s)
        self._proved_once = False
        self._wanted: RequestSnapshot | None = None
        self._want = asyncio.Event()
        self._refs: dict[str, None] = {}
        self._ref_came = asyncio.Event()
        self._nobodys: set[int] = set()

    def begin(self) -> None:
        """A session begins: only what is asked in it counts."""
        self.doubt()
        self._wanted = None
        self._nobodys.clear()

    def doubt(self) -> None:
        """The link was away: looks from before prove nothing together with looks from after."""
        self._looks.forget()

    def want(self, request: RequestSnapshot) -> None:
        """Answer this request; an older one that was not answered yet is not answered any more."""
        self._wanted = request
        self._want.set()

    def soon(self, ref: str) -> None:
        """Look what became of one order."""
        self._refs[ref] = None
        self._ref_came.set()

    # -- thorough

    async def first_look(self, session: Session) -> None:
        """Everything, once, for the link to be believed. Raises Unanswered, RequestRefused, LinkLost."""
        self._looks.add(await self._look(session))

    async def answer(self, session: Session) -> None:
        """Answer every request. Raises LinkLost."""
        while True:
            await self._want.wait()
            self._want.clear()
            request, self._wanted = self._wanted, None
            if request is not None:
                await self._answer(session, request)

    async def _answer(self, session: Session, request: RequestSnapshot) -> None:
        try:
            look = await self._proving_look(session)
        except LinkLost:
            raise
        except IBError:
            self._tell(incomplete(request, self._venue, self._now_ns()))
            return
        day_ns = midnight_ns(self._now_ns(), self._settings.day_zone)
        unshown = self._blotter.unresolved()
        too_old = any(each.sent_ns < day_ns for each in unshown)
        snapshot = snapshot_of(
            look, request, venue=self._venue, pins=self._pins, executions=self._executions, held=self._blotter.held,
            day_ns=day_ns, proves_absence=not too_old,
        )  # fmt: skip
        for each in unshown:
            each.absent = True  # it is watched for all the same: showing it says that the proof was wrong
        self._proved_once = True
        self._tell(snapshot)

    async def _proving_look(self, session: Session) -> Look:
        """The last of as many looks as it takes. Raises Unanswered when they do not come to agree."""
        for _ in range(MOST_LOOKS):
            look = await self._look(session)
            day_ns = midnight_ns(self._now_ns(), self._settings.day_zone)
            clean = not unexplained(look, self._blotter.held, self._executions) and not self._gone_since(look, day_ns)
            if clean and self._looks.add(look):
                newest_ns = max((each.sent_ns for each in self._blotter.unresolved()), default=0)
                if (self._proved_once and not newest_ns) or self._looks.prove(newest_ns):
                    return look
            elif not clean:
                self._looks.forget()
            now_s, gap_s = asyncio.get_running_loop().time(), self._settings.patience.look_gap_s
            await asyncio.sleep(self._looks.wait_s(now_s) if clean else gap_s)
        raise Unanswered(f"{MOST_LOOKS} looks did not come to agree")

    def _gone_since(self, look: Look, day_ns: int) -> list[str]:
        """Orders that left today, were shown, and are shown no more by any part.

        Of those from the days before, the gateway need not tell any more: no snapshot reaches back to them.
        """
        held = self._blotter.held
        return [ref for ref in vanished(look, self._blotter.expected()) if held[ref].sent_ns >= day_ns]

    async def _look(self, session: Session) -> Look:
        """Look, learn what unknown contracts are, and take over what is shown."""
        look = await session.look(self._executions.waits_for_costs)
        await self._identify(
            session,
            [
                *(each.contract for each in look.positions),
                *(each.contract for each in (*look.open, *look.completed)),
                *(each.contract for each in look.executions),
            ],
        )
        for order in (*look.open, *look.completed):
            self._executions.ordered(order.ref, order.contract.legs)
        for seen in look.executions:
            self._retake(seen)
        for order in look.open:
            if ours(order.ref):
                held = self._blotter.adopt(order, self._name(order.contract))
                if held.spec is None and (pin := self._pins.of_contract(order.contract)) is not None:
                    held.spec = decode(order, pin)
        refs = dict.fromkeys([*look.shows(), *self._blotter.expected()])
        self._blotter.apply(look.open, look.completed, refs, self._executions.filled)
        return look

    async def _identify(self, session: Session, contracts: Iterable[ContractSeen]) -> None:
        con_ids: dict[int, None] = {}
        for contract in contracts:
            legs = [con_id for con_id, _ in contract.legs] if contract.sec_type == BAG else [contract.con_id]
            con_ids.update(dict.fromkeys(legs))
        for con_id in con_ids:
            if not con_id or con_id in self._nobodys or self._pins.knows(con_id):
                continue
            if not await self._qualifier.identify(session, con_id, self._now_ns()):
                self._nobodys.add(con_id)

    def _name(self, contract: ContractSeen) -> str:
        pin = self._pins.of_contract(contract)
        return pin.instrument if pin is not None else f"con-{contract.con_id}"

    # -- quick

    async def look_up(self, session: Session) -> None:
        """Open, ended and executed orders, whenever one of ours is in question. Raises LinkLost."""
        while True:
            await self._ref_came.wait()
            await asyncio.sleep(0)  # what came with the same bytes is asked for together
            self._ref_came.clear()
            refs, self._refs = self._refs, {}
            try:
                open_orders, completed = await session.orders()
                done = await session.executions()
                await self._identify(session, [each.contract for each in done])
            except LinkLost:
                self._refs |= refs
                raise
            except IBError:
                self._refs |= refs
                await asyncio.sleep(self._settings.patience.look_gap_s)
                self._ref_came.set()
                continue
            for seen in done:
                self._retake(seen)
            self._blotter.apply(open_orders, completed, refs, self._executions.filled)
