"""Contracts as questions about the past name them: those too that have expired and those that nobody may trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from model.instruments import Instrument, Kind, TickStep
from ports.ib.contract_checks import chosen, problems
from ports.ib.contracts import pinned, query_of
from ports.ib.errors import NotPinned
from ports.ib.session import Session

DOLLAR = "USD"
BEFORE_DOLLAR = frozenset({"AUD", "EUR", "GBP", "NZD"})
"""Currencies that are quoted in dollars; of every other the market says how many of them one dollar is."""


def rate_pair(currency: str) -> Instrument:
    """The pair from which dollars for one unit of a currency are known, as the market writes it."""
    one, other = (currency, DOLLAR) if currency in BEFORE_DOLLAR else (DOLLAR, currency)
    return Instrument(
        id=f"{one}{other}", kind=Kind.FX_SPOT, venue="IDEALPRO", symbol=one, underlying=one, currency=other,
        calendar="24x5", ticks=(TickStep(Decimal(0), Decimal("0.00005")),),
    )  # fmt: skip


def is_inverse(currency: str) -> bool:
    """Whether `rate_pair` says units for one dollar."""
    return currency not in BEFORE_DOLLAR


async def past_form(session: Session, instrument: Instrument) -> Any:
    """The library's contract of an instrument, with its conId.

    Raises NotPinned where none or another one than is meant is found, RequestRefused (200 for none), Unanswered and
    LinkLost.
    """
    from ports.ib.forms import contract_form

    asked = contract_form(query_of(instrument))
    asked.includeExpired = instrument.kind is Kind.FUTURE
    details = chosen(instrument, await session.details(asked))
    wrong = problems(instrument, details, None, 0)
    if wrong:
        raise NotPinned(f"{instrument.id}: {'; '.join(wrong)}", "correct the instrument table")
    form = contract_form(pinned(instrument, details, (), "").query)
    form.includeExpired = asked.includeExpired
    return form
