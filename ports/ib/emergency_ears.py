"""What a guardian hears at a gateway: every client's orders, and what is said of them unasked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from model.units import NS_PER_SECOND
from ports.ib.codes import Action, Rule
from ports.ib.deaf import Deaf
from ports.ib.heard import ENDED, FILLED, Complaint, ExecutionSeen, OrderSeen, StatusSeen
from ports.ib.session import Session

OVER = frozenset({FILLED, *ENDED})


class EveryOrder(Session):
    """Also notes who has each open order's number, in whatever account. `numbers`: of the look that is being taken."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.numbers: dict[int, set[int]] = {}

    def on_open_order(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        if order_id > 0 and not order.whatIf and state.status not in OVER:
            self.numbers.setdefault(order_id, set()).add(order.clientId)
        super().on_open_order(order_id, contract, order, state)


class Ears(Deaf):
    """What is said unasked: whether the broker is reached, and what becomes of orders.

    ended: permanent ids of orders that were said to be over.  spoken_of: references that were heard of.  objections: by
    order id.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lost = ""
        self.stretch = 0
        self.ended: set[int] = set()
        self.spoken_of: set[str] = set()
        self.objections: dict[int, tuple[Complaint, Rule]] = {}
        self.stirred = asyncio.Event()
        self.end: Callable[[str], None] = lambda reason: None

    def heard_complaint(self, complaint: Complaint, rule: Rule) -> None:
        super().heard_complaint(complaint, rule)
        if rule.action is Action.DEGRADE:
            self.lost = rule.text
            self.stretch += 1
        elif rule.action in (Action.RESTORE, Action.RESTORE_ANEW):
            self.lost = ""
            self.stretch += 1
        elif rule.action in (Action.RECONNECT, Action.STOP, Action.ID_IN_USE):
            self.end(f"{complaint.code}: {rule.text}")
        elif complaint.about > 0 and rule.action is not Action.NOTE:
            self.objections[complaint.about] = (complaint, rule)
            self.stirred.set()

    def heard_order(self, seen: OrderSeen) -> None:
        self._heard(seen.ref, seen.perm_id, seen.status)

    def heard_status(self, seen: StatusSeen) -> None:
        self._heard("", seen.perm_id, seen.status)

    def heard_execution(self, seen: ExecutionSeen, live: bool) -> None:
        self._heard(seen.ref, 0, "")

    def _heard(self, ref: str, perm_id: int, status: str) -> None:
        self.spoken_of.add(ref)
        if perm_id and status in OVER:
            self.ended.add(perm_id)
        self.stirred.set()

    async def until(self, true: Callable[[], bool], most_ns: int) -> None:
        """Until something is so, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_ns / NS_PER_SECOND):
                while not true():
                    self.stirred.clear()
                    await self.stirred.wait()
