"""What an order would cost in margin and commission, asked of the broker without making one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from model.units import Cash
from ports.ib.errors import Unanswered
from ports.ib.pacer import Lane
from ports.ib.session import Session
from ports.ib.wire_numbers import amount_in, known


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """None is unknown, which the broker says by huge figures and by empty ones. Margins are in the base currency.

    No guarantee: the account may have changed by the time an order arrives.
    """

    status: str
    initial_before: Cash | None
    initial_change: Cash | None
    equity_before: Cash | None
    equity_change: Cash | None
    commission: Cash | None
    commission_currency: str
    warning: str


async def what_if(
    session: Session, order_id: int, contract: Any, order: Any, allow: Callable[[], None] = lambda: None
) -> WhatIf:
    """Ask, unless `allow` raises ConnectionError as it leaves. The first answer may lack the margins when it carries a
    warning: then a later one is waited for.

    Raises RequestRefused with the broker's reason, Unanswered when nothing came, LinkLost.
    """
    key = ("what-if", order_id)

    def write() -> None:
        allow()
        session.client.placeOrder(order_id, contract, order)

    try:
        told = await session.questions.ask(key, write, session.settings.patience.answer_s, lane=Lane.ORDER)
    except Unanswered as silent:
        told = silent.parts
        if not told:
            raise
    return _read(told[-1])


def _read(state: Any) -> WhatIf:
    return WhatIf(
        status=state.status,
        initial_before=amount_in(state.initMarginBefore),
        initial_change=amount_in(state.initMarginChange),
        equity_before=amount_in(state.equityWithLoanBefore),
        equity_change=amount_in(state.equityWithLoanChange),
        commission=amount_in(state.commission) if known(state.commission) else None,
        commission_currency=state.commissionCurrency,
        warning=state.warningText,
    )
