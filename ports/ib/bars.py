"""Asking for historical bars: paced, and again where the gateway only says that it was too fast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ports.ib.codes import Action, rule_of
from ports.ib.contracts import Pin
from ports.ib.errors import RequestRefused, Unanswered
from ports.ib.history_pace import HistoryPace
from ports.ib.pacer import Lane
from ports.ib.session import Session

TRADES, MIDPOINT, PAIR, FUTURE = "TRADES", "MIDPOINT", "CASH", "FUT"
TRIES = 4


async def bars_of(
    session: Session, pace: HistoryPace, pin: Pin, *, size: str, duration: str, end: str = "",
    slow: Callable[[], None] = lambda: None,
) -> list[Any]:  # fmt: skip
    """Bars of one contract that end by `end` (now where it is empty), oldest first; none where the gateway has none.

    slow: told when the gateway says that it was too fast.
    Raises RequestRefused for good, also for `no data` while the gateway does not reach the past; Unanswered, LinkLost.
    """
    from ports.ib.forms import contract_form

    contract = contract_form(pin.query)
    contract.includeExpired = contract.secType == FUTURE
    what = MIDPOINT if contract.secType == PAIR else TRADES
    line, request = (contract.conId, what), (contract.conId, what, size, duration, end)
    loop, last = asyncio.get_running_loop(), RequestRefused(162, "it was not tried")
    for _ in range(TRIES):
        await asyncio.sleep(pace.wait_s(loop.time(), line, request))
        pace.asked(loop.time(), line, request)
        try:
            return await _ask(session, contract, what, size, duration, end)
        except RequestRefused as error:
            last = error
            if rule_of(error.number).action is not Action.HISTORY:
                raise
            if "no data" in error.text.lower() and not session.cut_off:
                return []
            if "pacing" not in error.text.lower():
                raise
            slow()
            pace.objected(loop.time())
    raise last


async def _ask(session: Session, contract: Any, what: str, size: str, duration: str, end: str) -> list[Any]:
    """One request; what is not answered in time is taken back."""
    req_id, client = session.questions.new_id(), session.client
    try:
        return await session.questions.ask(
            req_id,
            lambda: client.reqHistoricalData(req_id, contract, end, duration, size, what, True, 2, False, []),
            session.settings.patience.history_s,
        )
    except Unanswered:
        session.send(Lane.QUERY, lambda: client.cancelHistoricalData(req_id), lambda reason: None)
        raise
