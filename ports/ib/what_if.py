"""What an order would cost in margin and commission, asked of the broker without making one."""

from __future__ import annotations

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
    initial_change: Cash | None
    maintenance_change: Cash | None
    equity_after: Cash | None
    commission: Cash | None
    commission_currency: str
    warning: str


async def what_if(session: Session, order_id: int, contract: Any, order: Any) -> WhatIf:
    """Ask. The first answer may lack the margins when it carries a warning: then a later one is waited for.

    Raises RequestRefused with the broker's reason, Unanswered when nothing came, LinkLost.
    """
    key = ("what-if", order_id)
    try:
        told = await session.questions.ask(
            key, lambda: session.client.placeOrder(order_id, contract, order), session.settings.patience.answer_s,
            lane=Lane.ORDER,
        )  # fmt: skip
    except Unanswered as silent:
        told = silent.parts
        if not told:
            raise
    return _read(told[-1])


def _read(state: Any) -> WhatIf:
    return WhatIf(
        status=state.status,
        initial_change=amount_in(state.initMarginChange),
        maintenance_change=amount_in(state.maintMarginChange),
        equity_after=amount_in(state.equityWithLoanAfter),
        commission=amount_in(state.commission) if known(state.commission) else None,
        commission_currency=state.commissionCurrency,
        warning=state.warningText,
    )
