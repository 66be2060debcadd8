"""Faults of what the feed tells the engine. The venue sees the true prices."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec.structs import replace

from model.market import BarClosed, FeedState, Quote
from model.units import NS_PER_SECOND
from simulation.prove.fault import Drawn, Fault
from simulation.prove.scene import Scene
from simulation.stage.world import ALPHA, BETA, FAR, GAMMA, NEAR, TICK

ALL = "everything"
CONTRACTS = (ALPHA, BETA, f"{GAMMA}@{NEAR}", f"{GAMMA}@{FAR}")
LISTENERS = ("market_data", "watchdog")
SECOND = NS_PER_SECOND


def _scaled(quote: Quote, top: int, bottom: int) -> Quote:
    return replace(quote, bid=quote.bid * top // bottom, ask=quote.ask * top // bottom)


QUOTES: dict[str, Callable[[Quote], Quote | None]] = {
    "stale": lambda quote: None,
    "zero": lambda quote: replace(quote, bid=0, ask=0),
    "negative": lambda quote: replace(quote, bid=-quote.ask, ask=-quote.bid),
    "crossed": lambda quote: replace(quote, bid=quote.ask, ask=quote.bid),
    "times 100": lambda quote: _scaled(quote, 100, 1),
    "divided by 100": lambda quote: _scaled(quote, 1, 100),
    "off by 4%": lambda quote: _scaled(quote, 104, 100),
    "one-sided": lambda quote: replace(quote, ask=0, ask_size=0),
    "empty": lambda quote: replace(quote, bid_size=0, ask_size=0),
    "late": lambda quote: replace(quote, at_ns=quote.at_ns - 400 * SECOND),
}


def _bar_scaled(bar: BarClosed, top: int, bottom: int) -> BarClosed:
    prices = (each * top // bottom for each in (bar.open, bar.high, bar.low, bar.close))
    opened, high, low, close = prices
    return replace(bar, open=opened, high=high, low=low, close=close)


BARS: dict[str, Callable[[BarClosed], tuple[BarClosed, ...]]] = {
    "missing": lambda bar: (),
    "duplicated": lambda bar: (bar, bar),
    "zero": lambda bar: (_bar_scaled(bar, 0, 1),),
    "negative": lambda bar: (_bar_scaled(bar, -1, 1),),
    "times 100": lambda bar: (_bar_scaled(bar, 100, 1),),
    "divided by 100": lambda bar: (_bar_scaled(bar, 1, 100),),
    "contradicted": lambda bar: (_bar_scaled(bar, 100, 1), bar),
    "outside its range": lambda bar: (replace(bar, close=bar.close * 2),),
    "of yesterday": lambda bar: (replace(bar, session=bar.session - 1),),
}


def _draw(chance: Random, ways: list[str], lasts_ns: int) -> Drawn:
    contract = ALL if chance.random() < 0.3 else chance.choice(CONTRACTS)
    return Drawn(f"{chance.choice(ways)}, {contract}", 0, lasts_ns)


def draw_quotes(chance: Random) -> Drawn:
    return _draw(chance, [*QUOTES, "frozen", "frozen"], chance.choice((120, 600, 3_600, 14_400)) * SECOND)


def draw_bars(chance: Random) -> Drawn:
    """Bars come at midnight: it lasts long enough to meet one on most days."""
    return _draw(chance, [*BARS], 30_000 * SECOND)


def _frozen() -> Callable[[Quote], Quote]:
    first: dict[str, Quote] = {}
    return lambda quote: replace(first.setdefault(quote.instrument, quote), at_ns=quote.at_ns)


def spoil_quotes(scene: Scene, fault: Fault) -> None:
    way, _, contract = fault.what.partition(", ")
    spoil = _frozen() if way == "frozen" else QUOTES[way]
    scene.spoil_quotes(fault, lambda quote: spoil(quote) if contract in (ALL, quote.instrument) else quote)


def heal_quotes(scene: Scene, fault: Fault) -> None:
    scene.spoil_quotes(fault, None)


def spoil_bars(scene: Scene, fault: Fault) -> None:
    way, _, contract = fault.what.partition(", ")
    spoil = BARS[way]
    scene.spoil_bars(fault, lambda bar: spoil(bar) if contract in (ALL, bar.instrument) else (bar,))


def heal_bars(scene: Scene, fault: Fault) -> None:
    scene.spoil_bars(fault, None)


def draw_outage(chance: Random) -> Drawn:
    return Drawn("", 0, chance.choice((30, 300, 1_800)) * SECOND)


def feed_down(scene: Scene, fault: Fault) -> None:
    """The feed says that it is down, and says nothing more."""
    _say(scene, up=False)
    scene.spoil_quotes(fault, lambda quote: None)


def feed_up(scene: Scene, fault: Fault) -> None:
    scene.spoil_quotes(fault, None)
    _say(scene, up=True)


def _say(scene: Scene, *, up: bool) -> None:
    for listener in LISTENERS:
        scene.tell(listener, FeedState("tape", up, "a fault", scene.now_ns))


def draw_flood(chance: Random) -> Drawn:
    """`much` messages at one moment."""
    return Drawn(chance.choice(("quotes", "bars", "bars of old")), chance.choice((300, 1_500)))


def flood(scene: Scene, fault: Fault) -> None:
    now_ns = scene.now_ns
    mids, last = list(scene.tape.prices.mids.items()), scene.tape.last
    for number in range(fault.much):
        name, mid = mids[number % len(mids)]
        if fault.what == "quotes":
            size = scene.tape.size
            scene.tell("market_data", Quote(name, mid - TICK, mid + TICK, size, size, now_ns))
        else:
            bar = last[number % len(last)]
            scene.tell("market_data", replace(bar, history=fault.what == "bars of old"))
