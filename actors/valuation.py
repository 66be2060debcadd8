"""Net asset value from the books, and where it came from.

With E the money of one currency (cash and open value), r its rate to the base currency at a day's mark, and V, F, I, D
the price profit, fees, financing and deposits of the day in that currency:

    nav' - nav = sum over currencies of  E (r' - r)  +  r' (V - F + I + D)

so that, summed over days and to the rounding of single positions (1e-6 each),

    nav = initial capital + variation_total + fx_total + financing_total + flows_total - fees_total

`variation_total` comes from trades and marks, `nav` from cash and open values: two ledgers that must agree. Sums are
kept unrounded, in 1e-15 of the base currency. Realised and unrealised profit are both in `variation_total`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.books import Books
from model.decisions import ExposureLine
from model.market import Quality
from model.units import PX_SCALE, Cash, Px, div_half_even


class Valued(msgspec.Struct, frozen=True, gc=False):
    """The books at some prices and rates. `money` is cash and open value by currency, in that currency."""

    nav: Cash
    cash_base: Cash
    open_value: Cash
    gross: Cash
    net: Cash
    lines: tuple[ExposureLine, ...]
    money: dict[str, Cash]
    degraded: tuple[str, ...]


class Totals(msgspec.Struct, gc=False):
    """Running sums since the start, in 1e-15 of the base currency. `sleeves` is price profit less fees by sleeve."""

    variation: int = 0
    fx: int = 0
    fees: int = 0
    financing: int = 0
    flows: int = 0
    sleeves: dict[str, int] = {}
    money: dict[str, Cash] = {}
    rates: dict[str, Px] = {}
    nav: Cash = 0
    twr: float = 1.0


def rounded(nano: int) -> Cash:
    return div_half_even(nano, PX_SCALE)


def missing_rates(books: Books, rates: Mapping[str, Px]) -> list[str]:
    """Currencies with money in the books that no rate is known for, ever."""
    needed = {currency: None for currency, amount in books.cash.items() if amount}
    needed.update({each.contract.currency: None for each in books.positions.values()})
    return [currency for currency in needed if not rates.get(currency)]


def value(books: Books, prices: Mapping[str, Px], qualities: Mapping[str, Quality], rates: Mapping[str, Px]) -> Valued:
    """The books at these prices and rates. A position without a price keeps its last one and is named degraded."""
    money = {currency: amount for currency, amount in books.cash.items() if amount}
    lines, degraded = [], []
    gross = net = 0
    for name, position in books.positions.items():
        contract = position.contract
        price = prices.get(name, 0) or position.price
        quality = qualities.get(name, Quality.MISSING)
        open_value = position.open_value(price)
        currency = contract.currency
        if open_value:
            money[currency] = money.get(currency, 0) + open_value
        sleeves = {sleeve: line.quantity for sleeve, line in position.sleeves.items() if line.quantity}
        if not position.quantity and not sleeves:
            continue
        if quality is not Quality.GOOD:
            degraded.append(name)
        exposure = rounded(contract.money(price * position.quantity) * rates[currency])
        gross += abs(exposure)
        net += exposure
        lines.append(ExposureLine(name, position.quantity, price, quality, currency, exposure, sleeves))
    cash_base = rounded(sum(amount * rates[currency] for currency, amount in books.cash.items() if amount))
    nav = rounded(sum(amount * rates[currency] for currency, amount in money.items()))
    return Valued(nav, cash_base, nav - cash_base, gross, net, tuple(lines), money, tuple(degraded))


def capital(cash: Mapping[str, Cash], rates: Mapping[str, Px]) -> int:
    """Initial money in 1e-15 of the base currency."""
    return sum(amount * rates[currency] for currency, amount in cash.items() if amount)


def close_day(books: Books, totals: Totals, valued: Valued, prices: Mapping[str, Px], rates: Mapping[str, Px]) -> None:
    """Book the day: what each cause added since the last mark, converted at today's rates."""
    for currency, amount in totals.money.items():
        totals.fx += amount * (rates[currency] - totals.rates[currency])
    for name, position in books.positions.items():
        price = prices.get(name, 0) or position.price
        position.price = price
        rate = rates[position.contract.currency]
        if not position.contract.delivers:
            profit = position.profit(price)
            totals.variation += (profit - position.marked) * rate
            position.marked = profit
        money = position.contract.money
        for sleeve, line in position.sleeves.items():
            profit = money(price * line.quantity - line.paid)
            totals.sleeves[sleeve] = totals.sleeves.get(sleeve, 0) + (profit - line.marked) * rate
            line.marked = profit
    flows = _converted(books.flows, rates)
    totals.variation += _converted(books.converted, rates)
    totals.fees += _converted(books.fees, rates)
    totals.financing += _converted(books.financing, rates)
    totals.flows += flows
    for (sleeve, currency), fee in books.sleeve_fees.items():
        totals.sleeves[sleeve] = totals.sleeves.get(sleeve, 0) - fee * rates[currency]
    if totals.nav > 0:
        totals.twr *= (valued.nav - rounded(flows)) / totals.nav
    totals.nav = valued.nav
    totals.money = dict(valued.money)
    totals.rates = {currency: rates[currency] for currency in valued.money}


def _converted(amounts: Mapping[str, Cash], rates: Mapping[str, Px]) -> int:
    return sum(amount * rates[currency] for currency, amount in amounts.items() if amount)
