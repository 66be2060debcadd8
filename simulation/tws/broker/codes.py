"""What the broker says when it refuses: the code that clients act on, and a text of our own."""

from __future__ import annotations

import enum

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """An error about one order. ends: a new order is over with it; otherwise it was never taken."""

    code: int
    text: str
    ends: bool = False


class Code(enum.IntEnum):
    """Codes by their meaning at a real gateway."""

    DUPLICATE_ID = 103
    FILLED_ALREADY = 104
    CHANGED_TOO_MUCH = 105
    TOO_FAR = 109
    OFF_TICK = 110
    TIF_AND_KIND = 111
    TIF_AND_TYPE = 113
    CANCEL_UNKNOWN = 135
    CANCEL_LATE = 161
    NO_CONTRACT = 200
    REJECTED = 201
    CANCELLED = 202
    NOT_ALLOWED = 203
    INVALID = 321
    IMPOSSIBLE = 382
    TOO_LARGE = 383
    NOT_SUPPORTED = 387
    MESSAGE = 399
    LOCATING = 404
    STILL_PROCESSING = 2102
    OUTSIDE_HOURS_IGNORED = 2109
    INDEX = 10345
    NOT_FOUND = 10147
    NOT_CANCELLABLE = 10148
    ETRADE_ONLY = 10268
    FIRM_QUOTE_ONLY = 10269
    PRESET = 10349


TEXTS: dict[Code, str] = {
    Code.DUPLICATE_ID: "Duplicate order id",
    Code.FILLED_ALREADY: "Can't modify a filled order",
    Code.CHANGED_TOO_MUCH: "Order being modified does not match the original order",
    Code.TOO_FAR: "The limit is too far from the market for the precautionary settings",
    Code.OFF_TICK: "The price does not conform to the minimum price variation for this contract",
    Code.TIF_AND_KIND: "The time in force and the kind of contract do not go together",
    Code.TIF_AND_TYPE: "The time in force and the order type do not go together",
    Code.CANCEL_UNKNOWN: "Can't find order with id {id}",
    Code.CANCEL_LATE: "Cancel attempted when the order is not in a cancellable state, permId {perm_id}",
    Code.NO_CONTRACT: "No security definition has been found for the request",
    Code.REJECTED: "Order rejected - reason: {reason}",
    Code.CANCELLED: "Order Canceled - reason: {reason}",
    Code.NOT_ALLOWED: "The security is not available or allowed for this account",
    Code.INVALID: "Error validating request: cause - {reason}",
    Code.IMPOSSIBLE: "The attributes of the order exclude each other: {reason}",
    Code.TOO_LARGE: "The size exceeds the limit of the precautionary settings",
    Code.NOT_SUPPORTED: "Unsupported order type for this exchange and security type",
    Code.MESSAGE: "Order message: {reason}",
    Code.LOCATING: "Order held while shares are being located",
    Code.STILL_PROCESSING: "Unable to modify this order as it is still being processed",
    Code.OUTSIDE_HOURS_IGNORED: "Outside regular trading hours is ignored for this order: it has no meaning here",
    Code.INDEX: "An index cannot be traded",
    Code.NOT_FOUND: "OrderId {id} that needs to be cancelled is not found",
    Code.NOT_CANCELLABLE: "OrderId {id} that needs to be cancelled can not be cancelled, state: {state}",
    Code.ETRADE_ONLY: "The attribute eTradeOnly is not supported",
    Code.FIRM_QUOTE_ONLY: "The attribute firmQuoteOnly is not supported",
    Code.PRESET: "The time in force was set to {tif} by an order preset",
}


def text_of(code: Code, **values: object) -> str:
    """What goes with a code. Raises KeyError when a value that the text needs is missing."""
    return TEXTS[code].format(**values)


def refusal(code: Code, **values: object) -> Refusal:
    return Refusal(code, text_of(code, **values), ends=code == Code.REJECTED)
