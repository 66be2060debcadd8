"""Why risk says no: every code it may give, what it means, and what to do about it."""

from __future__ import annotations

from typing import Final, NamedTuple


class DenialCode(NamedTuple):
    """One row of the table."""

    meaning: str
    next: str


DENIAL_CODES: Final[dict[str, DenialCode]] = {
    "MODE": DenialCode("the system is not trading", "read why it stopped, then resume it"),
    "REDUCE_ONLY": DenialCode(
        "only orders that shrink a position may be sent", "resume trading when the cause is gone"
    ),
    "LOCKED": DenialCode("the instrument is locked", "reconcile it, then release it"),
    "INVALID": DenialCode("the order has no size or no price", "report it: the sleeve or the basket made it"),
    "UNKNOWN_INSTRUMENT": DenialCode("the instrument is in no program", "add it to the universe"),
    "DUPLICATE": DenialCode("this intent was approved before", "nothing: the order of the first approval stands"),
    "STALE_PRICE": DenialCode(
        "its price is stale, suspect or missing", "mend the feed; the position is held meanwhile"
    ),
    "STALE_FX": DenialCode(
        "the rate of its currency is stale, suspect or missing", "mend the rates; it is held meanwhile"
    ),
    "NAV_UNKNOWN": DenialCode("net asset value is unknown or not positive", "reconcile the account"),
    "PRICE_COLLAR": DenialCode(
        "the limit is too far from the reference price", "check units and quotes of the instrument"
    ),
    "ORDER_SIZE": DenialCode("one order is too large for the account", "raise max_order_share or split the decision"),
    "TURNOVER": DenialCode("the session's turnover limit is reached", "wait for the next session or raise the limit"),
    "INSTRUMENT_CAP": DenialCode(
        "the position would be over its own limit", "raise the cap or lower the sleeve's weight"
    ),
    "GROSS": DenialCode(
        "gross exposure would be over its limit", "lower the sleeves' size or raise max_gross_leverage"
    ),
    "NET": DenialCode("net exposure would be over its limit", "balance the sleeves or raise max_net_leverage"),
    "MARGIN": DenialCode(
        "the broker's margin for the whole basket leaves too little", "lower the sleeves' size or add money"
    ),
    "MARGIN_UNKNOWN": DenialCode(
        "the broker did not say what margin the basket needs", "read why, mend it, and let the next run ask again"
    ),
    "RATE": DenialCode("too many orders in a minute", "look for a sleeve that flickers"),
    "TOO_SOON": DenialCode("an order in this instrument was approved a moment ago", "look for a sleeve that flickers"),
    "RUN_SIZE": DenialCode("one proposal holds too many orders", "look for a fault in the inputs before resuming"),
    "PAIR": DenialCode("another leg of its pair was denied", "see the other leg's denial"),
}
