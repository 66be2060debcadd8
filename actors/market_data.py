"""Turns what feeds say into what decisions may use: checked bars, stitched products, quotes for those who watch."""

from __future__ import annotations

import collections
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from actors.price_book import ContractPrice, FreshnessRules, PriceBook, ProductPrice
from engine.actor import Actor
from engine.effects import Effects, Journal, Ref, Tell
from engine.message import Event
from model.decisions import CycleOpened, run_id
from model.execution import Alarm
from model.instruments import Instrument, Kind, product_of
from model.market import (
    BarClosed,
    FeedState,
    Mark,
    ProductBar,
    Quality,
    Quote,
    SessionClosed,
    TellAgain,
    WatchAgain,
    WatchQuotes,
)
from model.rolls import RollSchedule
from model.sessions import Sessions

GOOD, STALE, SUSPECT, MISSING = Quality.GOOD, Quality.STALE, Quality.SUSPECT, Quality.MISSING
_RECENT = 32
_KEPT_BARS = 64


class MarketKept(Event, frozen=True, gc=False):
    """Snapshot of the market data actor."""

    products: list[ProductPrice]
    contracts: dict[str, ContractPrice]
    closed: list[int]
    bars: dict[str, list[ProductBar]] = msgspec.field(default_factory=dict)


class MarketData(Actor):
    """Check every price once, at the door; tell products to sleeves, marks to the portfolio, and open the cycles.

    instruments: the products.  bar_watchers, quote_watchers: who wants bars of a product, quotes of an instrument or of
    all contracts of a product.  calendars: a product's own sessions, by which its age is counted; without one every
    closed session counts.
    """

    def __init__(
        self,
        *,
        program: str,
        instruments: Mapping[str, Instrument],
        rolls: RollSchedule,
        fx: Ref[CycleOpened],
        portfolio: Ref[Mark],
        orders: Ref[Quote | WatchAgain] | None = None,
        bar_watchers: Mapping[str, tuple[Ref[ProductBar], ...]] | None = None,
        quote_watchers: Mapping[str, tuple[Ref[Quote], ...]] | None = None,
        calendars: Mapping[str, Sessions] | None = None,
        rules: FreshnessRules | None = None,
    ) -> None:
        self.program = program
        self.rules = rules or FreshnessRules()
        negative = {name: each.kind is Kind.FUTURE for name, each in sorted(instruments.items())}
        self.book = PriceBook(negative, rolls, self.rules)
        self.fx, self.portfolio, self.orders = fx, portfolio, orders
        self._bar_watchers = {name: (bar_watchers or {}).get(name, ()) for name in instruments}
        self._quote_watchers = dict(quote_watchers or {})
        self._calendars = dict(calendars or {})
        self._last = {name: collections.deque[ProductBar](maxlen=_KEPT_BARS) for name in instruments}
        self._closed: list[int] = []
        self._quotes: dict[str, Quote] = {}
        self._told: dict[str, tuple[Ref[Any], ...]] = {}
        self._watched: dict[str, bool] = {}

    def on_start(self) -> Effects:
        """Who watches which quotes is in no snapshot."""
        return None if self.orders is None else (Tell(self.orders, WatchAgain()),)

    def on_bar_closed(self, bar: BarClosed) -> Effects:
        product = self.book.take(bar)
        if product is None:
            return None
        name, session, at_ns = bar.instrument, bar.session, bar.at_ns
        contract = self.book.contracts[name]
        mark = Tell(self.portfolio, Mark(name, contract.price, contract.quality, session, at_ns))
        if name != product.held:
            return (mark,)
        quality, previous = product.quality, product.told
        seen = ProductBar(
            product.product,
            product.contract,
            session,
            product.price,
            product.adjusted,
            bar.high,
            bar.low,
            quality,
            at_ns,
            bar.history,
            previous,
        )
        effects: list[Any] = [mark]
        if quality is GOOD:
            product.told = session
            self._last[product.product].append(seen)
        elif not bar.history:
            effects.append(Journal(Alarm("PRICE_SUSPECT", product.product, product.note, at_ns)))
        for watcher in self._bar_watchers[product.product]:
            effects.append(Tell(watcher, seen))
        return effects

    def on_session_closed(self, closed: SessionClosed) -> Effects:
        if not self._closed or closed.session > self._closed[-1]:
            self._closed.append(closed.session)
            del self._closed[:-_RECENT]
        return None if closed.history else (Tell(self.fx, self._open(closed)),)

    def on_quote(self, quote: Quote) -> Effects:
        name = quote.instrument
        told = self._told.get(name)
        if told is None:
            told = self._tell_to(name)
        if not 0 < quote.bid <= quote.ask and not self._plausible(quote):
            return None
        self._quotes[name] = quote
        if len(told) == 1:
            return (Tell(told[0], quote),)
        return [Tell(watcher, quote) for watcher in told]

    def on_watch_quotes(self, watch: WatchQuotes) -> Effects:
        if watch.on:
            self._watched[watch.instrument] = True
        else:
            self._watched.pop(watch.instrument, None)
        self._told.pop(watch.instrument, None)
        known = self._quotes.get(watch.instrument)
        return (Tell(self.orders, known),) if watch.on and known is not None and self.orders is not None else None

    def on_tell_again(self, again: TellAgain) -> Effects:
        """A watcher was rebuilt from an older snapshot. Who has seen these bars ignores them."""
        return [
            Tell(watcher, bar)
            for product in again.products
            for bar in self._last.get(product, ())
            for watcher in self._bar_watchers[product]
        ]

    def on_feed_state(self, state: FeedState) -> Effects:
        """A quote from before an outage is no quote; bars age by themselves."""
        if not state.up:
            self._quotes.clear()
        return None

    def snapshot(self) -> MarketKept:
        products, contracts = self.book.keep()
        bars = {name: list(each) for name, each in self._last.items() if each}
        return MarketKept(products, contracts, list(self._closed), bars)

    def restore(self, snapshot: Event) -> None:
        if not isinstance(snapshot, MarketKept):
            raise ValueError(
                f"{type(snapshot).__name__} is no snapshot of market data; start without it and read the history again"
            )
        self.book.load(snapshot.products, snapshot.contracts)
        self._closed = list(snapshot.closed)
        for name, bars in snapshot.bars.items():
            if name in self._last:
                self._last[name].extend(bars)

    def _open(self, closed: SessionClosed) -> CycleOpened:
        session, rolls = closed.session, self.book.rolls
        degraded: dict[str, Quality] = {}
        contracts: dict[str, str] = {}
        rolling: dict[str, str] = {}
        sessions: dict[str, int] = {}
        inputs = []
        for name, product in self.book.products.items():
            quality = product.quality if product.seen == session else self._aged(product, session)
            if quality is not GOOD:
                degraded[name] = quality
            sessions[name] = product.told
            contracts[name] = after = rolls.after_orders(name, session)
            active = rolls.active(name, session)
            if active != after:
                rolling[name] = active
            inputs.append(f"{name}|{product.contract}|{product.price}|{quality.value}")
        digest = hashlib.sha256("\n".join(inputs).encode()).hexdigest()
        run = run_id(self.program, session, closed.number, digest)
        return CycleOpened(
            run, self.program, session, closed.number, closed.at_ns, digest, degraded, contracts, rolling, sessions
        )

    def _aged(self, product: ProductPrice, session: int) -> Quality:
        if product.quality is not GOOD:
            return product.quality
        calendar = self._calendars.get(product.product)
        if calendar is not None:
            age = len(calendar.between(product.seen + 1, session))
        else:
            age = sum(1 for each in self._closed if product.seen < each <= session)
        return STALE if age > self.rules.max_age_sessions else GOOD

    def _plausible(self, quote: Quote) -> bool:
        """One-sided quotes and prices under nought are possible; crossed ones and nought with a size are errors."""
        product = self.book.products.get(product_of(quote.instrument))
        negative = product is not None and product.may_be_negative
        for price, size in ((quote.bid, quote.bid_size), (quote.ask, quote.ask_size)):
            if size > 0 and (price == 0 or (price < 0 and not negative)):
                return self._rejected("a quote of nought or less")
        if quote.bid_size > 0 and quote.ask_size > 0 and quote.bid > quote.ask:
            return self._rejected("a crossed quote")
        return quote.bid_size > 0 or quote.ask_size > 0 or self._rejected("a quote without a side")

    def _rejected(self, why: str) -> bool:
        self.book.rejected[why] = self.book.rejected.get(why, 0) + 1
        return False

    def _tell_to(self, name: str) -> tuple[Ref[Any], ...]:
        watchers = self._quote_watchers.get(name) or self._quote_watchers.get(product_of(name)) or ()
        if self.orders is not None and name in self._watched:
            watchers = (*watchers, self.orders)
        self._told[name] = watchers
        return watchers
