"""Currency rates from the broker's pairs: what their quotes make of one unit of each currency in base money."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal

from model.instruments import Instrument, Kind
from model.market import FxRateSeen, Quote
from model.units import NS_PER_SECOND, PX_SCALE, Px, div_half_even

DOLLAR = "USD"
QUOTED_IN_DOLLARS = frozenset({"EUR", "GBP", "AUD", "NZD"})
"""Their pairs have the dollar second; every other currency's pair has it first, as the market writes them."""

EVERY_NS = 30 * NS_PER_SECOND
SOURCE = "interactive brokers"
VENUE, CALENDAR = "IDEALPRO", "24x5"


def pair_of(currency: str) -> Instrument:
    """The dollar pair of a currency, under the name that the shipped tables give it."""
    direct = currency in QUOTED_IN_DOLLARS
    first, second = (currency, DOLLAR) if direct else (DOLLAR, currency)
    return Instrument(
        id=first + second, kind=Kind.FX_SPOT, venue=VENUE, currency=second, calendar=CALENDAR, symbol=first + second,
        underlying=first, lot=Decimal(1),
    )  # fmt: skip


class PairRates:
    """currencies: whose rates are wanted.  base: in whose money.  tell: a rate leaves; each no more often than every
    half minute, and only when it was quoted anew.  traded: pairs among these are quoted to the engine as well."""

    def __init__(
        self, currencies: Iterable[str], base: str, tell: Callable[[FxRateSeen], object], *,
        traded: Collection[str] = (),
    ) -> None:  # fmt: skip
        wanted = dict.fromkeys(currencies)
        self._base, self._tell, self._traded = base, tell, traded
        self._told_for = [each for each in wanted if each != base]
        needed = dict.fromkeys([*self._told_for, base]) if self._told_for else {}
        self.pairs = {pair.id: pair for pair in (pair_of(each) for each in needed if each != DOLLAR)}
        self._of = {pair_of(each).id: each for each in needed if each != DOLLAR}
        self._dollars: dict[str, tuple[Px, int]] = {}
        self._told_ns: dict[str, int] = {}

    def take(self, quote: Quote) -> bool:
        """Whether a quote is for rates alone; those of every pair are taken."""
        currency = self._of.get(quote.instrument)
        if currency is None:
            return False
        if quote.bid_size and quote.ask_size and 0 < quote.bid <= quote.ask:
            self._hear(currency, quote)
        return quote.instrument not in self._traded

    def _hear(self, currency: str, quote: Quote) -> None:
        mid = div_half_even(quote.bid + quote.ask, 2)
        dollars = mid if currency in QUOTED_IN_DOLLARS else div_half_even(PX_SCALE * PX_SCALE, mid)
        self._dollars[currency] = (dollars, quote.at_ns)
        for each in self._told_for if currency == self._base else (currency, DOLLAR):
            if each in self._told_for:
                self._say(each)

    def _say(self, currency: str) -> None:
        """The older of the two quotes of a cross is as old as the rate is."""
        ours, through = self._worth(currency), self._worth(self._base)
        if ours is None or through is None:
            return
        at_ns = min(each[1] for each in (ours, through) if each[1])
        told_ns = self._told_ns.get(currency)
        if told_ns is not None and at_ns - told_ns < EVERY_NS:
            return
        self._told_ns[currency] = at_ns
        self._tell(FxRateSeen(currency, div_half_even(ours[0] * PX_SCALE, through[0]), SOURCE, at_ns))

    def _worth(self, currency: str) -> tuple[Px, int] | None:
        """Dollars for one unit, and since when; 0 for the dollar itself, which has no age."""
        return (PX_SCALE, 0) if currency == DOLLAR else self._dollars.get(currency)
