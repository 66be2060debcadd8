"""Margin of a basket: each order is asked for by itself, and the answers are put together so that none helps another.

The broker's what-if is about one order on the account as it is. It does not know of the others, so nothing nets: what
each order adds is added up, and what one would free is not counted, for it may not fill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from model.margin import AskMargin, MarginTold
from model.orders import OrderSpec
from model.units import Cash
from ports.ib.errors import IBError
from ports.ib.session import Session
from ports.ib.what_if import WhatIf

NO_LINK = "the link to the broker does not stand"


class MarginDesk:
    """tell: an answer leaves.  ask: one order's what-if in a session; raises IBError."""

    def __init__(
        self, *, ask: Callable[[Session, OrderSpec], Awaitable[WhatIf]], tell: Callable[[MarginTold], None],
        now_ns: Callable[[], int],
    ) -> None:  # fmt: skip
        self._ask, self._tell, self._now_ns = ask, tell, now_ns
        self._wanted: asyncio.Queue[AskMargin] = asyncio.Queue()

    def want(self, asked: AskMargin, *, ready: bool) -> None:
        """Answer soon; without a link at once, that nothing is known."""
        if ready:
            self._wanted.put_nowait(asked)
        else:
            self._unknown(asked, NO_LINK)

    async def answer(self, session: Session) -> None:
        """Answer what is asked while a session lasts. What it leaves behind is answered when it is over: unknown."""
        asked: AskMargin | None = None
        try:
            while True:
                asked = await self._wanted.get()
                await self._answer(session, asked)
                asked = None
        finally:
            left = [] if asked is None else [asked]
            while not self._wanted.empty():
                left.append(self._wanted.get_nowait())
            for each in left:
                self._unknown(each, NO_LINK)

    async def _answer(self, session: Session, asked: AskMargin) -> None:
        """All orders at once: the pacer keeps them in order, and one that is silent holds up no other."""
        told = await asyncio.gather(*(self._ask(session, each) for each in asked.orders), return_exceptions=True)
        answers: list[WhatIf] = []
        for order, each in zip(asked.orders, told, strict=True):
            if isinstance(each, WhatIf):
                answers.append(each)
            elif isinstance(each, IBError):
                self._unknown(asked, f"{order.instrument}: {each}")
                return
            else:
                raise each
        self._tell(replace(combined(asked, answers, self._now_ns()), currency=session.base))

    def _unknown(self, asked: AskMargin, reason: str) -> None:
        self._tell(MarginTold(asked.id, self._now_ns(), unknown=reason))


def combined(asked: AskMargin, told: Sequence[WhatIf], at_ns: int) -> MarginTold:
    """What all orders together may need at most. Unknown when a figure of one of them is.

    initial: the highest that was there before, and every increase.  equity: the lowest that was there before, less
    every cost. Orders that work already are in neither: they are the broker's to refuse.
    """
    sums = Sums()
    for order, each in zip(asked.orders, told, strict=True):
        if not sums.take(each):
            why = each.warning or each.status
            return MarginTold(asked.id, at_ns, unknown=f"{order.instrument}: the broker said no margin ({why})")
    initial, equity = max(sums.initial) + sums.more, min(sums.equity) - sums.cost
    return MarginTold(asked.id, at_ns, initial=initial, equity=equity, available=equity - initial)


class Sums:
    """initial, equity: before each order.  more: increases of margin.  cost: what equity is less by."""

    def __init__(self) -> None:
        self.initial: list[Cash] = []
        self.equity: list[Cash] = []
        self.more: Cash = 0
        self.cost: Cash = 0

    def take(self, told: WhatIf) -> bool:
        """False when a figure is not known."""
        before, change, worth, gain = told.initial_before, told.initial_change, told.equity_before, told.equity_change
        if before is None or change is None or worth is None or gain is None:
            return False
        self.initial.append(before)
        self.equity.append(worth)
        self.more += max(change, 0)
        self.cost += max(-gain, 0)
        return True
