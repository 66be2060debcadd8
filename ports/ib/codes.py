"""The gateway's error codes as data: what each means for us. A code that is not here leaves the outcome unknown."""

from __future__ import annotations

import enum

import msgspec


class Action(enum.StrEnum):
    """What follows. Those about orders depend on what the order was doing; see `ports/ib/blotter.py`."""

    NOTE = "note"  # nothing changes
    DEGRADE = "degrade"  # the upstream link is gone: no place, no modify
    RESTORE_ANEW = "restore_anew"  # it is back without our subscriptions
    RESTORE = "restore"  # it is back with them
    RECONNECT = "reconnect"
    ID_IN_USE = "id_in_use"
    STOP = "stop"  # a person has to mend something before another try makes sense
    SLOW_DOWN = "slow_down"
    FEWER_LINES = "fewer_lines"
    DATA_STALE = "data_stale"
    DATA_BACK = "data_back"
    DATA_REFUSED = "data_refused"
    DATA_DELAYED = "data_delayed"
    DATA_AGAIN = "data_again"
    REQUEST_FAILED = "request_failed"
    HISTORY = "history"  # its text says whether to wait or that there is nothing
    REJECT = "reject"  # ends a new order; of a change it says nothing about the order
    ENDED = "ended"  # the order is said to be over: its executions first
    CANCEL_FAILED = "cancel_failed"  # nothing to cancel: ask what became of it
    ASK = "ask"  # the outcome is unknown: ask for open orders and executions


ENDING = frozenset({Action.RECONNECT, Action.STOP, Action.ID_IN_USE})
"""After these the session is over."""


class Severity(enum.IntEnum):
    """How loudly it is said."""

    INFO = 0
    WARNING = 1
    ALARM = 2


class Rule(msgspec.Struct, frozen=True):
    """One code. text: what it means, in our words."""

    action: Action
    severity: Severity
    text: str


_A, _I, _W, _X = Action, Severity.INFO, Severity.WARNING, Severity.ALARM

_GROUPS: tuple[tuple[Action, Severity, str, tuple[int, ...]], ...] = (
    (_A.DEGRADE, _X, "the gateway lost its link to the broker's servers", (1100, 2110)),
    (_A.RESTORE_ANEW, _W, "the link to the broker's servers is back, subscriptions are gone", (1101,)),
    (_A.RESTORE, _W, "the link to the broker's servers is back, subscriptions live on", (1102,)),
    (_A.RECONNECT, _X, "the gateway listens at another port now", (1300,)),
    (_A.RECONNECT, _W, "the session is broken on this side", (501, 502, 504, 507)),
    (_A.STOP, _X, "gateway and client do not speak the same protocol", (503, 505)),
    (_A.ID_IN_USE, _W, "an older session still has our client id", (326,)),
    (_A.SLOW_DOWN, _X, "more messages a second than the gateway takes", (100,)),
    (_A.FEWER_LINES, _W, "all market data lines are in use", (101, 309, 10190)),
    (_A.DATA_STALE, _W, "a data farm is not reached", (2103, 2105, 2157)),
    (_A.DATA_BACK, _I, "a data farm is reached", (2104, 2106, 2158)),
    (_A.NOTE, _I, "a data farm is idle or being connected", (2107, 2108, 2119)),
    (_A.DATA_STALE, _X, "another session of this user has the market data", (10197,)),
    (_A.DATA_AGAIN, _W, "a live subscription ended: it is asked for again", (10182, 10225)),
    (_A.DATA_REFUSED, _X, "the account has no subscription for this market data", (354, 10089, 10090, 10168, 10186)),
    (_A.DATA_REFUSED, _W, "the gateway does not give this kind of stream here", (420, 10187, 10189)),
    (_A.DATA_DELAYED, _W, "quotes of this contract are delayed", (10167,)),
    (_A.HISTORY, _W, "history was not given", (162,)),
    (_A.NOTE, _I, "a word about history, depth or attributes that changes nothing", (165, 317, 492, 2100, 2109)),
    (_A.NOTE, _I, "a question that was taken back is not known any more", (300, 366)),
    (_A.NOTE, _W, "another program took the account stream over", (2101,)),
    (_A.NOTE, _I, "the order crosses the other side of the market, or a preset changed it", (2137, 10349)),
    (_A.REQUEST_FAILED, _X, "no contract, or more than one, fits the description", (200,)),
    (_A.REJECT, _X, "this account may not trade this contract", (203, 460, 10345)),
    (_A.REJECT, _W, "rejected by the broker or the exchange", (201,)),
    (_A.REJECT, _X, "beyond a precaution that is set in the gateway", (109, 383, 10311)),
    (_A.REJECT, _W, "the price is not on a tick of the contract", (110,)),
    (_A.REJECT, _X, "an order of this form is not taken", (111, 113, 382, 387, 10052, 10268, 10269, 10289, 10293)),
    (_A.REJECT, _X, "the request is not valid", (320, 321, 322)),
    (_A.NOTE, _W, "the broker capped the price", (2161,)),
    (_A.NOTE, _W, "a message about the order; it works on", (399, 404, 434)),
    (_A.ENDED, _I, "the order is cancelled", (202,)),
    (_A.CANCEL_FAILED, _W, "there is nothing to cancel under this id, or not any more", (135, 136, 161, 10147, 10148)),
    (_A.ASK, _X, "the order id was used before", (103,)),
    (_A.ASK, _W, "the change does not fit what became of the order", (104, 105, 106, 107, 329, 2102)),
)  # fmt: skip

RULES: dict[int, Rule] = {
    code: Rule(action, severity, text) for action, severity, text, codes in _GROUPS for code in codes
}

UNKNOWN = Rule(Action.ASK, Severity.ALARM, "a code that is not in the table: what it did is not known")


def rule_of(code: int) -> Rule:
    """The rule of a code; UNKNOWN, which asks and never assumes a rejection, for every other."""
    return RULES.get(code, UNKNOWN)
