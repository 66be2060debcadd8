"""Combos: several contracts at fixed ratios, traded as one order at one net price, whole or not at all.

A combo's name says its legs, so whoever sees an order knows them. The calendar spread of a future is
`PRODUCT@YYYYMM-YYYYMM`: buying one sells the first month and buys the second, which is the roll of a long position;
selling one rolls a short. Its price is what is bought less what is sold, and may be zero or negative.

A combo is never held and never priced by itself: executions, positions, exposure and locks are its legs'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
from msgspec import structs

from model.instruments import contract_id, product_of
from model.market import Quote
from model.orders import Intent, Share, Side
from model.units import Px, Qty

MONTH = 6
"""Digits of a contract month."""


class ComboLeg(msgspec.Struct, frozen=True, gc=False):
    """One contract of a combo, and how many of it one combo has: bought with it if positive, sold if negative."""

    instrument: str
    ratio: int

    @property
    def size(self) -> int:
        return abs(self.ratio)

    def side(self, of: Side | int) -> Side:
        """The leg's own side when the combo is bought or sold."""
        return Side.BUY if self.ratio * of > 0 else Side.SELL


Legs = tuple[ComboLeg, ...]


def calendar_spread(product: str, first: str, second: str) -> str:
    """Name of the combo that, bought, sells one contract of a product and buys another."""
    return f"{product}@{first.rpartition('@')[2]}-{second.rpartition('@')[2]}"


@lru_cache(maxsize=4096)
def legs_of(instrument: str) -> Legs:
    """The legs that a name says; none for anything that is not a combo."""
    product, at, months = instrument.partition("@")
    first, dash, second = months.partition("-")
    if not (at and dash and _is_month(first) and _is_month(second) and first != second):
        return ()
    return ComboLeg(contract_id(product, int(first)), -1), ComboLeg(contract_id(product, int(second)), 1)


def _is_month(text: str) -> bool:
    return len(text) == MONTH and text.isascii() and text.isdigit()


@lru_cache(maxsize=4096)
def contracts_of(instrument: str) -> tuple[str, ...]:
    """What an order in this instrument can move a position in: a combo's legs, else the instrument itself."""
    return tuple(leg.instrument for leg in legs_of(instrument)) or (instrument,)


def name_of(legs: Sequence[ComboLeg]) -> str:
    """The combo of these legs, in whatever order. Raises ValueError for legs that are no calendar spread."""
    ordered = tuple(sorted(legs, key=lambda leg: leg.ratio))
    if len(ordered) == 2:
        name = calendar_spread(product_of(ordered[0].instrument), ordered[0].instrument, ordered[1].instrument)
        if legs_of(name) == ordered:
            return name
    raise ValueError(f"{', '.join(f'{leg.ratio:+d} {leg.instrument}' for leg in legs)} is no calendar spread")


def net(legs: Legs, prices: Mapping[str, Px]) -> Px:
    """A combo's price from its legs'. Raises KeyError for a leg without one."""
    return sum(leg.ratio * prices[leg.instrument] for leg in legs)


def whole(legs: Legs, filled: Mapping[str, Qty]) -> Qty:
    """How many combos are complete, of what each leg has filled (unsigned)."""
    return min(filled.get(leg.instrument, 0) // leg.size for leg in legs)


def net_quote(instrument: str, quotes: Sequence[Quote]) -> Quote:
    """What a combo can be sold and bought for at once against its legs' quotes, which stand in the legs' order.

    As old as the oldest of them, and as large as the smallest.
    """
    bid = ask = 0
    sizes: dict[Side, list[Qty]] = {Side.BUY: [], Side.SELL: []}
    for leg, quote in zip(legs_of(instrument), quotes, strict=True):
        for side in Side:
            buys = leg.side(side) is Side.BUY
            sizes[side].append((quote.ask_size if buys else quote.bid_size) // leg.size)
        bid += leg.ratio * (quote.bid if leg.ratio > 0 else quote.ask)
        ask += leg.ratio * (quote.ask if leg.ratio > 0 else quote.bid)
    at_ns = min(quote.at_ns for quote in quotes)
    return Quote(instrument, bid, ask, min(sizes[Side.SELL]), min(sizes[Side.BUY]), at_ns)


# -- intents


def worth(intent: Intent) -> Px:
    """What a share of an intent's price is a share of: its reference's size, or a combo's legs' together; 0 for none.

    A net price is no measure: it may be nothing while its legs move by percents.
    """
    if not intent.leg_references:
        return abs(intent.reference)
    legs = zip(legs_of(intent.instrument), intent.leg_references, strict=True)
    return sum(leg.size * abs(reference) for leg, reference in legs)


def as_legs(intent: Intent) -> tuple[Intent, ...]:
    """What an intent comes to, contract by contract; itself when it is no combo. All keep the intent's id."""
    legs = legs_of(intent.instrument)
    if not legs:
        return (intent,)
    references = intent.leg_references or (0,) * len(legs)
    return tuple(
        structs.replace(
            intent, instrument=leg.instrument, side=leg.side(intent.side), quantity=intent.quantity * leg.size,
            shares=shares_in(leg, intent.shares), reference=reference, leg_references=(), limit=0,
        )
        for leg, reference in zip(legs, references, strict=True)
    )  # fmt: skip


def shares_in(leg: ComboLeg, shares: Sequence[Share]) -> tuple[Share, ...]:
    """The signed parts of one leg, from the signed parts of the combos."""
    return tuple(Share(each.sleeve, each.quantity * leg.ratio) for each in shares)
