"""Asking for historical bars: paced, and again where the gateway only says that it was too fast."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from ports.ib.codes import Action, rule_of
from ports.ib.contracts import Pin
from ports.ib.errors import RequestRefused, Unanswered
from ports.ib.history_pace import HistoryPace
from ports.ib.pacer import Lane
from ports.ib.session import Session

TRADES, MIDPOINT, PAIR = "TRADES", "MIDPOINT", "CASH"
ANSWER_S = 120.0
TRIES = 4


async def bars_of(
    session: Session, pace: HistoryPace, pin: Pin, *, size: str, duration: str, end: str = "",
) -> list[Any]:  # fmt: skip
    """Bars of one contract that end by `end` (now where it is empty), oldest first; none where the gateway has none.

    Raises RequestRefused for good, Unanswered, LinkLost.
    """
    from ports.ib.forms import contract_form

    contract = contract_form(pin.query)
    what = MIDPOINT if contract.secType == PAIR else TRADES
    line, request = (contract.conId, what), (contract.conId, what, size, duration, end)
    loop, last = asyncio.get_running_loop(), RequestRefused(162, "it was not tried")
    for _ in range(TRIES):
        await asyncio.sleep(pace.wait_s(loop.time(), line, request))
        pace.asked(loop.time(), line, request)
        req_id = session.questions.new_id()
        try:
            ask = partial(
                session.client.reqHistoricalData, req_id, contract, end, duration, size, what, True, 2, False, []
            )
            return await session.questions.ask(req_id, ask, ANSWER_S)
        except Unanswered:
            session.send(Lane.QUERY, partial(session.client.cancelHistoricalData, req_id), _gone)
            raise
        except RequestRefused as error:
            last = error
            if rule_of(error.number).action is not Action.HISTORY:
                raise
            if "no data" in error.text.lower():
                return []
            if "pacing" not in error.text.lower():
                raise
            pace.objected(loop.time())
    raise last


def _gone(reason: str) -> None:
    """The session is over, and its questions with it."""
