"""One client that has started: what it may ask, who answers, and what it hears."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from simulation.tws.catalogue import Pacing, Refused
from simulation.tws.link import DEFINITIONS, HISTORY
from simulation.tws.replies import CurrentTime, ErrorMessage, ManagedAccounts, NextValidId, ServerMessage
from simulation.tws.requests import (
    CancelOrder,
    ClientMessage,
    GlobalCancel,
    PlaceOrder,
    ReqContractDetails,
    ReqCurrentTime,
    ReqHeadTimestamp,
    ReqHistoricalData,
    ReqHistoricalTicks,
    ReqIds,
    ReqManagedAccounts,
    ReqMarketDataType,
    ReqMatchingSymbols,
    ReqOptionChain,
    SetServerLogLevel,
    UnknownRequest,
)
from simulation.tws.service.house import House

Handler = Callable[[Any], None]

WAITS = (PlaceOrder, CancelOrder, GlobalCancel)
"""What the gateway keeps while its link is lost, and does when that is restored."""

LOCAL = (ReqIds, ReqManagedAccounts, ReqCurrentTime, ReqMarketDataType, SetServerLogLevel)
"""What it answers by itself meanwhile, as it does whatever cancels a subscription; all else is not answered."""

FARMED = {
    DEFINITIONS: (ReqContractDetails, ReqOptionChain, ReqMatchingSymbols),
    HISTORY: (ReqHistoricalData, ReqHeadTimestamp, ReqHistoricalTicks),
}
"""What is not answered while a farm is broken."""

SECONDS = 10**9

PROCESSING = "Error processing request.-'bS' : cause - "


class Voice(Protocol):
    """Where a client's messages go."""

    @property
    def congested(self) -> bool:
        """Whether what is said now would wait because the client does not read."""
        ...

    def say(self, message: ServerMessage) -> None: ...


class Service(Protocol):
    """Answers some kinds of requests of one client. `close` lets go of whatever it holds for it."""

    @property
    def handlers(self) -> Mapping[type[ClientMessage], Handler]: ...

    def close(self) -> None: ...


@runtime_checkable
class Priced(Service, Protocol):
    """A service whose subscriptions carry prices."""

    def catch_up(self) -> None: ...

    def suspend(self, code: int, text: str) -> None: ...


@runtime_checkable
class Holding(Service, Protocol):
    """A service that tells positions."""

    def positions_changed(self) -> None: ...


class Client:
    """A started client. `ask` does what it asks; its services speak through `say`.

    Everything that they refuse with `Refused` becomes an error message under the request's own id.
    """

    def __init__(self, house: House, voice: Voice, client_id: int, accounts: str) -> None:
        self.house, self.client_id, self.accounts = house, client_id, accounts.split(",")
        self.pacing = Pacing()
        self.market_data_type = 1
        self.log_level = 2
        self._voice = voice
        self._services: list[Service] = []
        self._waiting: list[ClientMessage] = []
        self._handlers: dict[type[ClientMessage], Handler] = {
            ReqIds: lambda asked: self.say(NextValidId(order_id=house.broker.next_order_id(client_id))),
            ReqManagedAccounts: lambda asked: self.say(ManagedAccounts(accounts=accounts)),
            ReqCurrentTime: lambda asked: self.say(CurrentTime(epoch_s=house.clock.market_ns() // SECONDS)),
            ReqMarketDataType: self._data_type,
            SetServerLogLevel: self._set_log_level,
            UnknownRequest: self._unknown,
        }

    def offer(self, service: Service) -> None:
        """Let a service answer what it can."""
        self._services.append(service)
        self._handlers.update(service.handlers)

    # -- hearing and speaking

    @property
    def congested(self) -> bool:
        return self._voice.congested

    def say(self, message: ServerMessage) -> None:
        self._voice.say(message)

    def refuse(self, req_id: int, code: int, text: str) -> None:
        self.say(ErrorMessage(req_id=req_id, code=code, text=text))

    def ask(self, message: ClientMessage) -> None:
        """Do what a message asks, or say why not."""
        if not self.house.link.up:
            if isinstance(message, WAITS):
                self._waiting.append(message)
                return
            if not isinstance(message, LOCAL) and not type(message).__name__.startswith("Cancel"):
                return
        if any(farm in self.house.link.broken and isinstance(message, kinds) for farm, kinds in FARMED.items()):
            return
        self._do(message)

    def resume(self) -> None:
        """The link is back: do what waited for it."""
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._do(message)

    def lose_data(self) -> None:
        """The link came back without its subscriptions of prices, and nobody says so."""
        for service in self._services:
            if isinstance(service, Priced):
                service.close()

    def caught_up(self) -> None:
        """Prices flow again, or the client reads again: tell what it has missed, as it is now."""
        for service in self._services:
            if isinstance(service, Priced):
                service.catch_up()

    def suspend(self, code: int, text: str) -> None:
        """Say under every subscription of prices why it stands still."""
        for service in self._services:
            if isinstance(service, Priced):
                service.suspend(code, text)

    def positions_changed(self) -> None:
        """Tell what has changed of the positions that the client wants to hear of."""
        for service in self._services:
            if isinstance(service, Holding):
                service.positions_changed()

    def close(self) -> None:
        for service in self._services:
            service.close()

    def _do(self, message: ClientMessage) -> None:
        handler = self._handlers.get(type(message), self._unknown)
        try:
            handler(message)
        except Refused as refused:
            self.refuse(req_id_of(message), refused.code, refused.text)

    def _data_type(self, message: ReqMarketDataType) -> None:
        if not 1 <= message.kind <= 4:
            self.refuse(-1, 321, f"Error validating request.-'bS' : cause - {message.kind} is no market data type")
            return
        self.market_data_type = message.kind

    def _set_log_level(self, message: SetServerLogLevel) -> None:
        self.log_level = message.level

    def _unknown(self, message: ClientMessage) -> None:
        number = message.number if isinstance(message, UnknownRequest) else message.ident
        self.refuse(-1, 505, f"Fatal Error: Unknown message id {number}; this gateway does not simulate it")


def req_id_of(message: ClientMessage) -> int:
    """The id under which an answer to a request is expected, -1 for none."""
    found: int = getattr(message, "req_id", getattr(message, "order_id", -1))
    return found
