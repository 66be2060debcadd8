"""The simulated venue's rates of exchange: those of the lake, each from the moment it was published."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from model.units import PX_SCALE, Px, div_half_even
from state.lake import Lake


class LakeRates:
    """Money of the base currency for one unit of another, as last published by the venue's present time."""

    def __init__(self, lake: Lake, base: str, currencies: Iterable[str]) -> None:
        self.now_ns: Callable[[], int] = lambda: 0
        self._base = base
        self._series: dict[str, tuple[list[int], list[int]]] = {}
        for currency in sorted({base, *currencies} - {"USD"}):
            series = lake.fx(currency)
            self._series[currency] = (series.at_ns.tolist(), series.rate.tolist())

    def __call__(self, currency: str) -> Px | None:
        ours, base = self._in_dollars(currency), self._in_dollars(self._base)
        if ours is None or base is None:
            return None
        return ours if base == PX_SCALE else div_half_even(ours * PX_SCALE, base)

    def _in_dollars(self, currency: str) -> Px | None:
        if currency == "USD":
            return PX_SCALE
        at_ns, rates = self._series[currency]
        place = bisect_right(at_ns, self.now_ns())
        return rates[place - 1] if place else None
