"""What looks odd in a track record, and why: sentences made from its own figures, none when there is nothing odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np

from model.units import cash_float
from research.performance import growth
from research.scrutiny import Scrutiny

CAUSES = {
    "EXPIRED": "their contract had no close on the session for which they were sent",
    "REJECTED": "the venue refused them",
    "CANCELLED": "the engine took them back",
    "LOST": "the venue proved that it never had them",
}
LEFT_OUT = {
    "ORDER_OPEN": "an earlier order still waited for its close, mostly over a holiday of that exchange alone",
    "DEGRADED": "there was no price of the day: holidays, gaps of the record, contracts kept past their last close",
    "NO_PRICE": "the contract to be bought had never had a price",
    "PAIR": "another leg of the pair could not be sent",
    "STALE_PRICE": "the price was too old for the last check",
    "STALE_FX": "the rate of exchange was too old",
    "ORDER_SIZE": "the order was larger than one order may be",
    "TURNOVER": "the day's turnover was used up",
    "GROSS": "gross leverage would have passed its limit",
    "NET": "net leverage would have passed its limit",
}
SHARE = 0.25
SIGMAS = 6.0
HALF = 0.5


def oddities(s: Scrutiny, wanted: tuple[str, ...] = ()) -> list[str]:
    """Each a sentence with its figures and its cause. wanted: products that a sleeve was told to trade."""
    found = [*_orders(s), *_left_out(s), *_silences(s), *_scale(s), *_modes(s)]
    return [*found, *_concentration(s), *_days(s), *_currencies(s), *_idle(s, wanted)]


def _orders(s: Scrutiny) -> Iterator[str]:
    sent = sum(year.orders["sent"] for year in s.years.values())
    for state, cause in CAUSES.items():
        products = Counter({name: count for (ended, name), count in s.unfilled.items() if ended == state})
        count = products.total()
        if count:
            yield f"{count:,} of {sent:,} orders ({count / sent:.2%}) ended {state}: {cause}. Most: {_most(products)}."


def _left_out(s: Scrutiny) -> Iterator[str]:
    for code in sorted({code for code, _ in s.left_out}):
        products = Counter({name: count for (why, name), count in s.left_out.items() if why == code})
        cause = LEFT_OUT.get(code, "see the table of denial codes")
        yield f"Left out as {code}, {products.total():,} times: {cause}. Most: {_most(products)}."


def _silences(s: Scrutiny) -> Iterator[str]:
    long = sorted((one for one in s.silences if one.days >= 3), key=lambda one: -one.days)
    if long:
        names = ", ".join(f"{one.contract} ({one.days} sessions to {_day(one.last)})" for one in long[:6])
        yield (
            f"{len(long)} positions were kept past the last close of their contract, {sum(one.days for one in long)} "
            f"sessions in all, because the record had no price at which to roll them. They stood at that close and "
            f"are settled at it when the contract ends, so what the market did meanwhile is in no figure: {names}."
        )


def _scale(s: Scrutiny) -> Iterator[str]:
    total = sum(s.bounds.values())
    held = sum(count for name, count in s.bounds.items() if name in ("state", "gross"))
    if total and held / total > SHARE:
        regimes = sum((year.regimes for year in s.years.values()), Counter())
        words = ", ".join(f"{name} {count / total:.0%}" for name, count in regimes.most_common())
        yield (
            f"On {held / total:.0%} of sessions it was not volatility that set the size but a limit of the regime or "
            f"of leverage ({words}): the volatility target hardly acts."
        )


def _modes(s: Scrutiny) -> Iterator[str]:
    for one in s.downs:
        when = datetime.fromtimestamp(one.at_ns / 1e9, UTC).date().isoformat()
        yield f"The engine entered {one.mode.value} on {when}: {one.reason} ({one.by})."
    for lock in s.locks:
        yield f"{lock.instrument} was locked: {lock.reason}."
    for code, count in sorted(s.alarms.items()):
        meaning = (
            "closes waited for a second one before they were believed" if code == "PRICE_SUSPECT" else "see the log"
        )
        yield f"Alarm {code}, {count:,} times: {meaning}."


def _concentration(s: Scrutiny) -> Iterator[str]:
    total = sum(s.profit.values())
    if total <= 0:
        yield f"The products lost {-total:,.0f} together."
        return
    for name, profit in sorted(s.profit.items(), key=lambda item: -item[1]):
        if profit > SHARE * total:
            yield f"{name} alone made {profit:,.0f}, {profit / total:.0%} of what all products made."
    gains = yearly(s)
    best = max(gains, key=lambda year: gains[year])
    whole = sum(gains.values())
    if len(gains) > 3 and gains[best] > HALF * whole > 0:
        yield f"{best} alone made {gains[best] / whole:.0%} of the profit of {len(gains)} years."


def _days(s: Scrutiny) -> Iterator[str]:
    if len(s.days) < 30:
        return
    wealth = growth(s.days)
    returns = wealth[1:] / wealth[:-1] - 1.0
    deviation = returns.std(ddof=1)
    for at in np.flatnonzero(np.abs(returns) > SIGMAS * deviation)[:5].tolist():
        size = returns[at] / deviation
        yield f"{_day(s.days[at + 1].session)}: {returns[at]:+.2%}, {abs(size):.1f} standard deviations of the record."
    same = int((returns == 0).sum())
    if same > len(returns) / 100:
        yield f"Net asset value did not change on {same:,} sessions: every market that was held was closed."


def _currencies(s: Scrutiny) -> Iterator[str]:
    made = cash_float(s.days[-1].nav - s.days[0].nav)
    moved = cash_float(s.days[-1].fx_total)
    if made and abs(moved) > SHARE / 2 * abs(made):
        yield f"Rates of exchange moved {moved:+,.0f} of the {made:+,.0f}: cash in other currencies was not all hedged."


def _idle(s: Scrutiny, wanted: tuple[str, ...]) -> Iterator[str]:
    never = [name for name in wanted if not s.lots_traded[name]]
    if never:
        yield f"Never traded though it was to be: {', '.join(never)}."


def yearly(s: Scrutiny) -> dict[int, float]:
    """Profit in base money by calendar year."""
    found: dict[int, float] = {}
    before = s.days[0].nav - s.days[0].flows_total
    for day in s.days:
        year = day.session // 10_000
        found[year] = found.get(year, 0.0) + cash_float(day.nav - day.flows_total - before)
        before = day.nav - day.flows_total
    return found


def _most(products: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in products.most_common(3))


def _day(session: int) -> str:
    return date(session // 10_000, session // 100 % 100, session % 100).isoformat()
