"""Which contracts a description means, by the protocol's rules: every field that is given must fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from simulation.tws.catalogue.chains import Chains
from simulation.tws.catalogue.listed import Listed
from simulation.tws.catalogue.refused import invalid, unknown_contract
from simulation.tws.catalogue.shelf import Shelf
from simulation.tws.terms import Contract

LISTED_TYPES = ("STK", "FUT", "IND", "CASH")
OPTION_TYPES = ("OPT", "FOP")
OTHER_TYPES = ("BOND", "CFD", "CMDTY", "CRYPTO", "EVENT", "FUND", "IOPT", "NEWS", "WAR", "FIXED", "BILL")
"""Known to the protocol, listed by nobody here: error 200."""

RIGHTS = {"C": "C", "CALL": "C", "P": "P", "PUT": "P", "": "", "0": "", "?": ""}


def find(wanted: Contract, shelf: Shelf, chains: Chains, today: int) -> list[Listed]:
    """Every listed contract that fits, in the order of their ids.

    A con id alone is enough, and then only an exchange is looked at besides. Otherwise a type and a symbol, a local
    symbol or an ISIN are needed. What has expired by `today` fits only where expired contracts are wanted. A currency
    future fits only when its currency is said.  Raises Refused: 321 for a BAG, an unknown type or a description
    without a name, 200 when nothing fits.
    """
    check(wanted)
    exchange, primary = routing(wanted)
    if wanted.con_id:
        one = of_id(wanted.con_id, shelf, chains)
        found = [one] if one is not None and (not exchange or exchange in one.routes) else []
    else:
        every = _candidates(wanted, shelf, chains, today)
        found = [
            one
            for one in every
            if _fits(one, wanted, exchange, primary) and (wanted.include_expired or not one.expired(today))
        ]
    if not found:
        raise unknown_contract()
    return sorted(found, key=lambda one: one.con_id)


def of_id(con_id: int, shelf: Shelf, chains: Chains) -> Listed | None:
    """The contract of an id, stock or option."""
    return chains.get(con_id) if chains.owns(con_id) else shelf.get(con_id)


def check(wanted: Contract) -> None:
    """Raises Refused, 321, for what no gateway answers."""
    kind = wanted.sec_type
    if kind == "BAG":
        raise invalid("A combination has no contract details; ask for its legs")
    known = (*LISTED_TYPES, *OPTION_TYPES, *OTHER_TYPES, "CONTFUT")
    if (kind and kind not in known) or not (kind or wanted.con_id or wanted.local_symbol or wanted.sec_id):
        raise invalid("Please enter a valid security type")
    if not (wanted.con_id or wanted.symbol or wanted.local_symbol or wanted.sec_id or wanted.trading_class):
        raise invalid("Please enter a valid symbol, local symbol or security id")
    if wanted.sec_id and wanted.sec_id_type not in ("ISIN", ""):
        raise invalid(f"Security ids of type {wanted.sec_id_type} are not known here; give an ISIN")
    if wanted.right.upper() not in RIGHTS:
        raise invalid(f"{wanted.right} is not a right; give C or P")
    if wanted.expiry and not (wanted.expiry.isdecimal() and len(wanted.expiry) in (6, 8)):
        raise invalid(f"{wanted.expiry} is not a contract month or last trade date; give yyyymm or yyyymmdd")


def routing(wanted: Contract) -> tuple[str, str]:
    """Exchange and primary exchange, which `SMART/NYSE` says together."""
    exchange, _, primary = wanted.exchange.partition("/")
    return exchange, primary or wanted.primary_exchange


def _candidates(wanted: Contract, shelf: Shelf, chains: Chains, today: int) -> Iterator[Listed]:
    kinds = (wanted.sec_type,) if wanted.sec_type else ("STK",) if wanted.sec_id else (*LISTED_TYPES, *OPTION_TYPES)
    for kind in kinds:
        if kind in OPTION_TYPES:
            yield from chains.matching(kind, wanted, 0 if wanted.include_expired else today)
        elif wanted.symbol:
            yield from shelf.with_symbol(kind, wanted.symbol)
        elif kind == "FUT":
            yield from shelf.with_code(wanted.local_symbol or wanted.trading_class)
        else:
            yield from shelf.of_type(kind)


def _fits(one: Listed, wanted: Contract, exchange: str, primary: str) -> bool:
    """Whether every field that is given fits."""
    if one.sec_type == "FUT" and one.instrument.asset_class == "fx" and not (wanted.currency or wanted.local_symbol):
        return False
    return (
        _same(
            (wanted.symbol, one.symbol),
            (wanted.currency, one.currency),
            (wanted.local_symbol, one.local_symbol),
            (wanted.trading_class, one.trading_class),
            (primary if one.sec_type == "STK" else "", one.exchange),
            (wanted.sec_id, one.instrument.isin),
            (RIGHTS[wanted.right.upper()], one.right),
        )
        and (not exchange or exchange in one.routes)
        and (not wanted.strike or wanted.strike == one.strike)
        and (not wanted.expiry or wanted.expiry in (one.expiry, one.month))
        and (not wanted.multiplier or _number(wanted.multiplier) == _number(one.multiplier or "1"))
    )


def _same(*pairs: tuple[str, str]) -> bool:
    return all(not wanted or wanted == has for wanted, has in pairs)


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def symbols(pattern: str, shelf: Shelf, most: int = 16) -> list[Listed]:
    """Stocks, funds and indices whose symbol begins with the pattern, then those with such a word in their name."""
    wanted = pattern.strip().upper()
    if not wanted:
        return []
    every = [*shelf.of_type("STK"), *shelf.of_type("IND")]
    first = [one for one in every if one.symbol.upper().startswith(wanted)]
    words = [one for one in every if one not in first and _named(one, wanted)]
    return (sorted(first, key=lambda one: (len(one.symbol), one.symbol, one.con_id)) + words)[:most]


def _named(one: Listed, wanted: str) -> bool:
    name = one.instrument.name.upper()
    return name.startswith(wanted) or any(word.startswith(wanted) for word in name.replace("(", " ").split())


def front(living: Sequence[Listed], active: str) -> Listed:
    """The month a continuous future stands for: the one that the rolls hold, else the first that lives."""
    return next((one for one in living if one.instrument.id == active), living[0])
