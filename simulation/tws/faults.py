"""What goes wrong at a gateway, said in advance: the n-th message of a kind, in either direction, is harmed."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from simulation.tws import replies as tell
from simulation.tws import requests as ask


class Harm(enum.Enum):
    """What happens to one message."""

    DROP = "drop"
    DELAY = "delay"  # a request that is late is carried out even if its client has gone by then
    DUPLICATE = "duplicate"
    SWAP = "swap"  # it comes just after the next message that goes the same way
    CLOSE_BEFORE = "close_before"  # a request is not carried out, an answer is not sent; the connection ends
    CLOSE_AFTER = "close_after"  # a request is carried out and nothing of it is said; an answer is sent; then the end
    HALF_OPEN = "half_open"  # from here on the gateway neither reads nor answers this client; the socket stays
    EMPTY = "empty"  # a query is answered as if there were nothing
    REFUSE = "refuse"  # a request is answered with an error and not carried out
    NOTICE = "notice"  # a request is answered with an error code and carried out nevertheless
    SECOND_ORDER = "second_order"  # a change of an order makes another one, under the same id


ABOUT_REQUESTS = frozenset({Harm.EMPTY, Harm.REFUSE, Harm.NOTICE, Harm.SECOND_ORDER})

EMPTY: dict[type[ask.ClientMessage], Callable[..., tell.ServerMessage]] = {
    ask.ReqPositions: lambda asked: tell.PositionEnd(),
    ask.ReqPositionsMulti: lambda asked: tell.PositionMultiEnd(req_id=asked.req_id),
    ask.ReqOpenOrders: lambda asked: tell.OpenOrderEnd(),
    ask.ReqAllOpenOrders: lambda asked: tell.OpenOrderEnd(),
    ask.ReqAutoOpenOrders: lambda asked: tell.OpenOrderEnd(),
    ask.ReqCompletedOrders: lambda asked: tell.CompletedOrdersEnd(),
    ask.ReqExecutions: lambda asked: tell.ExecDetailsEnd(req_id=asked.req_id),
    ask.ReqAccountUpdates: lambda asked: tell.AccountDownloadEnd(account=asked.account),
    ask.ReqAccountUpdatesMulti: lambda asked: tell.AccountUpdateMultiEnd(req_id=asked.req_id),
    ask.ReqAccountSummary: lambda asked: tell.AccountSummaryEnd(req_id=asked.req_id),
    ask.ReqContractDetails: lambda asked: tell.ContractDataEnd(req_id=asked.req_id),
    ask.ReqOptionChain: lambda asked: tell.OptionChainEnd(req_id=asked.req_id),
    ask.ReqHistoricalData: lambda asked: tell.HistoricalData(req_id=asked.req_id, start="", end="", bars=()),
}
"""The answers that say that there is nothing."""


def _names(base: Any) -> dict[str, Any]:
    return {kind.__name__: kind for kind in base.__subclasses__()}


REQUESTS: dict[str, Any] = _names(ask.ClientMessage)
REPLIES: dict[str, Any] = _names(tell.ServerMessage)


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Harm to one message.

    message: the name of its struct (`PlaceOrder`, `OrderStatus`, ...).  nth: counted from 1, of one client when that is
    said.  seconds: of a delay.  code, text: of a refusal or a notice.  Raises ValueError for what cannot be done.
    """

    message: str
    nth: int = 1
    harm: Harm
    client: int | None = None
    seconds: float = 0.0
    code: int = 0
    text: str = ""

    def __post_init__(self) -> None:
        if self.message not in REQUESTS and self.message not in REPLIES:
            raise ValueError(f"message: there is no message {self.message!r}")
        if self.nth < 1:
            raise ValueError("nth: messages are counted from 1")
        if self.harm in ABOUT_REQUESTS and self.message not in REQUESTS:
            raise ValueError(f"harm: {self.harm.value} is about requests; {self.message} is an answer")
        if self.harm is Harm.EMPTY and REQUESTS[self.message] not in EMPTY:
            raise ValueError(f"harm: {self.message} has no empty answer")
        if self.harm is Harm.SECOND_ORDER and self.message != "PlaceOrder":
            raise ValueError("harm: only PlaceOrder can make a second order")
        if (self.harm is Harm.DELAY) != (self.seconds > 0):
            raise ValueError("seconds: a delay needs some, and nothing else has any")
        if (self.harm in (Harm.REFUSE, Harm.NOTICE)) != (self.code > 0):
            raise ValueError("code: a refusal and a notice need one, and nothing else has any")


class FaultPlan:
    """Faults of one gateway. Counting begins with the plan. happened: what was done, in order."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.happened: list[Fault] = []
        self._faults: dict[tuple[str, int | None, int], Fault] = {}
        self._seen: Counter[tuple[str, int | None]] = Counter()
        self.watched: set[str] = set()
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Raises ValueError when another fault has the same message."""
        key = (fault.message, fault.client, fault.nth)
        if key in self._faults:
            raise ValueError(f"two faults name {fault.message} number {fault.nth}; give each once")
        self._faults[key] = fault
        self.watched.add(fault.message)

    def next(self, message: str, harm: Harm, *, client: int | None = None, **how: object) -> Fault:
        """Harm the next message of a kind that is not to be harmed already. how: as `Fault` has it."""
        nth = self._seen[message, client] + 1
        while (message, client, nth) in self._faults:
            nth += 1
        fault = msgspec.convert({"message": message, "nth": nth, "harm": harm.value, "client": client, **how}, Fault)
        self.add(fault)
        return fault

    def relent(self) -> None:
        """Harm nothing more than what was harmed already."""
        self._faults.clear()

    def harm(self, message: str, client: int | None) -> Fault | None:
        """The fault of the message that comes now, if it has one; the message is counted."""
        found = None
        for whose in (client, None) if client is not None else (None,):
            self._seen[message, whose] += 1
            found = self._faults.get((message, whose, self._seen[message, whose])) or found
        if found is not None:
            self.happened.append(found)
        return found
