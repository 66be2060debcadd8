"""The port to an exchange process: requests out, facts and prices in, and the link's own ups and downs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable

from engine.message import Message, Told
from engine.port_supervisor import Outdoors
from engine.ports import Outside
from model.market import BarClosed, Quote, SessionClosed
from model.orders import OrderSent, SubmitOrder, VenueDown
from ports.remote_venue.frames import Address, FrameError, Frames, Hello, MarketAgain, packed
from ports.simulated.venue import ORDERS, TO_ORDERS, TOLD_TO, unfenced

MARKET = (BarClosed, Quote, SessionClosed)
TO_MARKET = ("market_data",)
SILENCE_S = 5.0
AGAIN_S = 0.2
MOST_UNSENT = 4 * 1024 * 1024
"""Bytes that may wait for a venue that does not read; after that the link is as good as down."""


class RemoteVenue:
    """Keeps a session with the exchange at `address`, for ever: a lost one is told as `VenueDown` and opened again.

    The exchange's own `VenueUp` opens a session. Until it comes, and while the link is down, `deliver` answers FULL, so
    that its sender hears that a request was refused. token: asked before each request leaves; None when this engine may
    not speak any more.  silence_s: a link on which nothing comes for so long is lost.
    """

    name = "venue"
    idle = True

    def __init__(
        self, address: Address, *, now_ns: Callable[[], int], token: Callable[[], int | None] = unfenced,
        silence_s: float = SILENCE_S, again_s: float = AGAIN_S,
    ) -> None:  # fmt: skip
        self._address = address
        self._now_ns = now_ns
        self._token = token
        self._silence_s = silence_s
        self._again_s = again_s
        self._writer: asyncio.StreamWriter | None = None
        self._outside: Outside | None = None

    def deliver(self, message: Message, cause: int) -> Told:
        writer, token = self._writer, self._token()
        if (
            token is None
            or writer is None
            or self._outside is None
            or writer.transport.get_write_buffer_size() > MOST_UNSENT
        ):
            return Told.FULL
        writer.write(packed(message, token))
        if type(message) is SubmitOrder:
            self._outside.tell(ORDERS, OrderSent(message.order.client_id, self._now_ns()))
        return Told.OK

    def tell_market_again(self) -> None:
        """Let the exchange tell its last bars once more; without a session its beginning brings them anyway."""
        if self._writer is not None:
            self._writer.write(packed(MarketAgain()))

    async def run(self, outside: Outside) -> None:
        self._outside = outside
        while True:
            token = self._token()
            with contextlib.suppress(OSError):
                reader, writer = await self._address.open()
                try:
                    if token:
                        writer.write(packed(Hello(), token))
                    await self._session(Frames(reader), writer, outside)
                finally:
                    self._writer = None
                    writer.transport.abort()  # what was not sent may not arrive after the link was told to be down
            await asyncio.sleep(self._again_s)

    async def _session(self, frames: Frames, writer: asyncio.StreamWriter, outside: Outside) -> None:
        """Tell what comes until the link is lost, and then that."""
        try:
            async with asyncio.timeout(self._silence_s):
                first = await frames.next()
            self._writer = writer
            self._tell(first, outside)
            while True:
                async with asyncio.timeout(self._silence_s):
                    message = await frames.next()
                self._tell(message, outside)
                await self._held_back(outside)
        except (TimeoutError, EOFError, FrameError, OSError) as error:
            if self._writer is not None:
                self._down(error, outside)

    @staticmethod
    async def _held_back(outside: Outside) -> None:
        """Read no further while an actor has more unread facts than it should."""
        for _ in itertools.takewhile(
            lambda _: isinstance(outside, Outdoors) and outside.intake_paused, itertools.count()
        ):
            await asyncio.sleep(0.001)

    def _down(self, error: Exception, outside: Outside) -> None:
        if isinstance(error, TimeoutError):
            reason = f"the exchange said nothing for {self._silence_s:g} s"
        elif isinstance(error, EOFError):
            reason = "the exchange hung up"
        else:
            reason = f"the link broke: {error}"
        self._writer = None
        down = VenueDown("exchange process", reason, self._now_ns())
        for actor in TOLD_TO[VenueDown]:
            outside.tell(actor, down)

    @staticmethod
    def _tell(message: Message, outside: Outside) -> None:
        to = TO_MARKET if isinstance(message, MARKET) else _hearers(message)
        for actor in to:
            outside.tell(actor, message)


def _hearers(message: Message) -> tuple[str, ...]:
    """Which actors a fact of the venue is for."""
    kinds: dict[type, tuple[str, ...]] = dict(TOLD_TO)
    return kinds.get(type(message), TO_ORDERS)
