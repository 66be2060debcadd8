"""Whether a contract that the gateway names is the one that is meant. Every difference is said; one blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from model.instruments import Instrument, Kind
from model.sessions import Sessions
from ports.ib.contracts import CLASSES, money_per_unit, own_money_per_unit, query_of
from ports.ib.errors import NotPinned
from ports.ib.hours import differences

LEAST_SHARED = 0.3
"""Share of our name's words that the gateway's must have where it tells no ISIN."""

_WORD = re.compile(r"[a-z0-9]{3,}")
_EMPTY_WORDS = frozenset({"ucits", "etf", "acc", "dist", "the", "plc", "inc", "corp", "and", "fund"})


def chosen(instrument: Instrument, found: Sequence[Any]) -> Any:
    """The one contract found that has the right kind, currency and month. Raises NotPinned, listing them."""
    query = query_of(instrument)
    fits = [
        each
        for each in found
        if each.contract.secType == query.sec_type
        and each.contract.currency == query.currency
        and query.primary_exchange in ("", each.contract.primaryExchange)
        and (instrument.kind is not Kind.FUTURE or _month(each) == str(instrument.contract_month))
        and (not query.trading_class or each.contract.tradingClass == query.trading_class)
    ]
    if len(fits) == 1:
        return fits[0]
    names = "; ".join(_named(each) for each in (fits or found)[:6]) or "nothing"
    raise NotPinned(
        f"{instrument.id}: {len(fits)} contracts fit, found were {names}",
        "make symbol, venue, currency or contract month in the instrument table exact",
    )


def problems(instrument: Instrument, details: Any, sessions: Sessions | None, now_ns: int) -> list[str]:
    """What does not agree with our own table."""
    contract, found = details.contract, []
    wanted = CLASSES.get((instrument.venue, instrument.symbol or instrument.id))
    if contract.currency != instrument.currency:
        found.append(f"its currency is {contract.currency}, ours {instrument.currency}")
    if wanted and contract.tradingClass != wanted:
        found.append(f"its trading class is {contract.tradingClass}, and {wanted} is meant")
    if instrument.kind is not Kind.FX_SPOT and money_per_unit(details) != own_money_per_unit(instrument):
        found.append(
            f"1.0 of its price is worth {money_per_unit(details)}, by our table {own_money_per_unit(instrument)}: "
            "multiplier or pence do not agree"
        )
    found += _identity(instrument, details)
    if sessions is not None:
        hours = details.tradingHours if instrument.kind is Kind.FUTURE else details.liquidHours
        found += differences(hours, details.timeZoneId, sessions, now_ns)
    return found


def _identity(instrument: Instrument, details: Any) -> list[str]:
    isin = next((each.value for each in details.secIdList or [] if each.tag == "ISIN"), "")
    if isin and instrument.isin:
        return [] if isin == instrument.isin else [f"its ISIN is {isin}, ours {instrument.isin}"]
    if instrument.kind not in (Kind.ETF, Kind.STOCK) or not instrument.name or not details.longName:
        return []
    ours, theirs = _words(instrument.name), _words(details.longName)
    if ours and len(ours & theirs) < LEAST_SHARED * len(ours):
        return [f"its name is {details.longName!r}, ours {instrument.name!r}"]
    return []


def _words(name: str) -> set[str]:
    return set(_WORD.findall(name.lower())) - _EMPTY_WORDS


def _month(details: Any) -> str:
    month: str = details.contractMonth or details.contract.lastTradeDateOrContractMonth[:6]
    return month


def _named(details: Any) -> str:
    each = details.contract
    parts = (each.symbol, each.secType, each.lastTradeDateOrContractMonth, each.primaryExchange or each.exchange,
             each.currency, each.multiplier, each.tradingClass)  # fmt: skip
    return " ".join(part for part in parts if part)
