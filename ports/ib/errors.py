"""What can go wrong at this edge, one tree. Each says what happened and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class IBError(Exception):
    """Base: `code` is stable, `next` is what a person can do."""

    code: ClassVar[str] = "IB"

    def __init__(self, what: str, next_step: str = "read the log around this moment") -> None:
        super().__init__(what)
        self.next = next_step


class NotOpened(IBError):  # noqa: N818
    """No session: nobody listens, or the gateway hung up or said nothing."""

    code = "IB_NOT_OPENED"


class HungUp(NotOpened):
    """The gateway took the connection and closed it before there was a session."""


class IdInUse(IBError):  # noqa: N818
    """The gateway still has a session under our client id."""

    code = "IB_CLIENT_ID"


class WrongAccount(IBError):  # noqa: N818
    """The account may not be traded by this configuration."""

    code = "IB_ACCOUNT"


class LinkLost(IBError):  # noqa: N818
    """The session ended while an answer was awaited."""

    code = "IB_LINK"


class Unanswered(IBError):  # noqa: N818
    """A deadline passed. That is no empty answer: nothing is known. `parts` came before it."""

    code = "IB_SILENT"

    def __init__(self, what: str, parts: Sequence[Any] = ()) -> None:
        super().__init__(what)
        self.parts = list(parts)


class RequestRefused(IBError):  # noqa: N818
    """The gateway refused a request. `number` is its own code."""

    code = "IB_REFUSED"

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"{number}: {text}")
        self.number = number
        self.text = text


class NotPinned(IBError):  # noqa: N818
    """No contract of the broker is known for an instrument, or it is not the one that is meant."""

    code = "IB_CONTRACT"


class NotEncodable(IBError):  # noqa: N818
    """The broker has no order of this form."""

    code = "IB_ORDER_FORM"


class NoMarketClock(IBError):  # noqa: N818
    """Nobody tells the market's time where a rehearsal should find it."""

    code = "IB_CLOCK"
