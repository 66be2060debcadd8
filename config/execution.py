"""Execution: how approved intents become orders."""

from __future__ import annotations

import enum

import msgspec

from config.quantities import Amount, Bps, Count, PositiveSeconds, Seconds, Share

SHORTEST_LEASE_S = 3.0


class Policy(enum.Enum):
    """How an order is priced and when it trades."""

    MARKETABLE_LIMIT = "marketable_limit"
    CLOSE_AUCTION = "close_auction"
    OPEN_AUCTION = "open_auction"


class Collars(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far from the reference price an order may trade, by kind of instrument.

    etf: exchange-traded funds
    stock: shares
    future: futures
    fx_spot: currency pairs
    other: everything else
    """

    etf: Bps = 25.0
    stock: Bps = 30.0
    future: Bps = 5.0
    fx_spot: Bps = 3.0
    other: Bps = 25.0


class PairPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Legs that belong together.

    max_legging_s: how long one leg may be ahead of the other; auctions end by themselves, so there it does not count
    trigger_fill_share: a leg filled this far counts as ahead
    lag_fill_share: a leg filled less than this counts as behind
    """

    max_legging_s: PositiveSeconds = 60.0
    trigger_fill_share: Share = 0.30
    lag_fill_share: Share = 0.10

    def __post_init__(self) -> None:
        if self.lag_fill_share >= self.trigger_fill_share:
            raise ValueError("lag_fill_share: it is not below trigger_fill_share | Give a smaller share")


class OrderLease(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an order outlives an order manager that no longer looks after it; protective orders are exempt.

    timer_s: venues with a cancel timer end our orders after this long without a renewal; 0 leaves the timer alone
    good_for_s: elsewhere limit orders in continuous trading end after this long unless renewed; 0 for the day's end
    """

    timer_s: Seconds = 60.0
    good_for_s: Seconds = 0.0

    def __post_init__(self) -> None:
        for key in ("timer_s", "good_for_s"):
            if 0 < getattr(self, key) < SHORTEST_LEASE_S:
                raise ValueError(f"{key}: renewals would come too often | Give at least {SHORTEST_LEASE_S:g}, or 0")


class ExecutionPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Orders.

    policy: marketable_limit crosses the spread within the collar; close_auction and open_auction trade in the auction
    allow_market_orders: auction orders without a limit; where only closes are known the auction needs it
    crisis_marketable: an intent of CRISIS urgency crosses the spread instead of waiting for an auction
    max_slippage_bps: collars of marketable limits by kind of instrument
    auction_collar_bps: collar of limit orders in an auction
    sanity_bps: a quote whose mid is further from the price of the decision is not believed
    ttl_s: life of an order of normal urgency
    ttl_high_s: life of an urgent one
    ttl_crisis_s: life of a crisis one
    replace_interval_s: time between two prices of a working order
    max_replaces: prices after the first; then it is cancelled
    max_quote_age_s: an older quote prices nothing
    quote_wait_s: how long an order may wait for a quote that prices it
    ack_within_s: an order without a word from the venue for this long is UNKNOWN
    min_notional_base: smaller orders are left out
    drift_band_share: a change smaller than this share of the larger of position and target is left out
    roll_as_spread: a future moves to its next contract by one order for the calendar spread, not by two for its legs
    pair: legs that belong together
    lease: orders end without us
    """

    policy: Policy = Policy.MARKETABLE_LIMIT
    allow_market_orders: bool = False
    crisis_marketable: bool = True
    max_slippage_bps: Collars = Collars()
    auction_collar_bps: Bps = 200.0
    sanity_bps: Bps = 500.0
    ttl_s: PositiveSeconds = 120.0
    ttl_high_s: PositiveSeconds = 60.0
    ttl_crisis_s: PositiveSeconds = 30.0
    replace_interval_s: PositiveSeconds = 15.0
    max_replaces: Count = 6
    max_quote_age_s: PositiveSeconds = 5.0
    quote_wait_s: PositiveSeconds = 10.0
    ack_within_s: PositiveSeconds = 30.0
    min_notional_base: Amount = 2_500
    drift_band_share: Share = 0.0
    roll_as_spread: bool = False
    pair: PairPolicy = PairPolicy()
    lease: OrderLease = OrderLease()

    def __post_init__(self) -> None:
        if self.replace_interval_s > self.ttl_s:
            raise ValueError("replace_interval_s: it is longer than ttl_s | Give an interval within the order's life")
