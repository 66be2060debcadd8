"""Contracts of which the past is wanted: those too that have expired and those that nobody may trade."""

from __future__ import annotations

from model.instruments import Instrument, Kind
from ports.ib.contract_checks import chosen, problems
from ports.ib.contracts import Pin, pinned, query_of
from ports.ib.errors import NotPinned
from ports.ib.session import Session


async def past_pin(session: Session, instrument: Instrument) -> Pin:
    """The contract of an instrument for questions about its past; no order may name it.

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
    return pinned(instrument, details, (), "only its past is asked for")
