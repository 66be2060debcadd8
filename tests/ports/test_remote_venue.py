"""The port to an exchange process, over a real socket: what it carries, what it refuses, and how it notices silence."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.message import Message, Told
from model.market import BarClosed, Quote, SessionClosed
from model.orders import (
    CancelAtVenue,
    OrderAcked,
    OrderRejected,
    OrderSent,
    OrderSpec,
    OrderType,
    RequestSnapshot,
    Side,
    SubmitOrder,
    TimeInForce,
    VenueDown,
    VenueSnapshot,
    VenueUp,
)
from ports.remote_venue import Address, FrameError, Frames, MarketAgain, RemoteVenue, packed
from ports.remote_venue.frames import KINDS, Hello

WITHIN_S = 10.0
SPEC = OrderSpec(
    client_id="hr-1", instrument="ALPHA", side=Side.BUY, quantity=10, type=OrderType.LIMIT, tif=TimeInForce.DAY, limit=5
)
UP = VenueUp("simulated", "PAPER", True, 1)


class Heard:
    """The engine's side: everything that was told, and to whom."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Message]] = []

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        self.told.append((to, message))
        return Told.OK

    def kinds(self, to: str) -> list[type[Message]]:
        return [type(message) for who, message in self.told if who == to]


class Exchange:
    """The other side: keeps what it is sent, and says what the test wants."""

    def __init__(self, path: Path) -> None:
        self.address = Address.of(str(path))
        self.got: list[tuple[Message, int]] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Exchange:
        self._server = await asyncio.start_unix_server(self._client, self.address.path)
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._server.close()
        for writer in self.writers:
            writer.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        frames = Frames(reader)
        try:
            while True:
                message = await frames.next()
                self.got.append((message, frames.token))
        except (EOFError, OSError):
            writer.close()

    def say(self, *messages: Message) -> None:
        for message in messages:
            self.writers[-1].write(packed(message))


async def until(done: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        for _ in itertools.takewhile(lambda _: not done(), itertools.count()):
            await asyncio.sleep(0.001)


def played(
    path: Path, play: Callable[[RemoteVenue, Exchange, Heard], Awaitable[None]], *, silence_s: float = 5.0,
    token: Callable[[], int | None] = lambda: 7,
) -> Heard:  # fmt: skip
    """Run a port against an exchange while `play` goes on."""
    heard = Heard()

    async def main() -> None:
        async with Exchange(path / "x.sock") as exchange:
            port = RemoteVenue(
                exchange.address, now_ns=time.time_ns, token=token, silence_s=silence_s, again_s=0.01
            )  # fmt: skip
            running = asyncio.create_task(port.run(heard))
            await until(lambda: exchange.writers)
            await play(port, exchange, heard)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    return heard


async def up(exchange: Exchange, heard: Heard) -> None:
    sessions = len([one for one in heard.told if one == ("orders", UP)])
    exchange.say(UP)
    await until(lambda: len([one for one in heard.told if one == ("orders", UP)]) > sessions)


def test_requests_leave_with_the_fencing_token_and_an_order_is_told_as_sent(tmp_path: Path) -> None:
    async def play(port: RemoteVenue, exchange: Exchange, heard: Heard) -> None:
        await up(exchange, heard)
        sent = (SubmitOrder(SPEC), CancelAtVenue("hr-1"), RequestSnapshot("rc-1", 0))
        assert [port.deliver(message, 0) for message in sent] == [Told.OK] * 3
        port.tell_market_again()
        await until(lambda: len(exchange.got) == 5)
        assert exchange.got == [(Hello(), 7), *((message, 7) for message in sent), (MarketAgain(), 0)]

    assert played(tmp_path, play).kinds("orders") == [VenueUp, OrderSent]


def test_facts_and_prices_reach_who_they_are_for(tmp_path: Path) -> None:
    snapshot = VenueSnapshot("rc-1", "simulated", 0, 1, True, True, (), (), (), (), ())
    bar = BarClosed("ALPHA", 20240102, 1, 1, 1, 1, 0, 5)

    async def play(port: RemoteVenue, exchange: Exchange, heard: Heard) -> None:
        exchange.say(UP, OrderAcked("hr-1", "v-1", 2), snapshot, bar, Quote("ALPHA", 1, 2, 3, 4, 5))
        exchange.say(SessionClosed(20240102, 6, number=3))
        await until(lambda: SessionClosed in heard.kinds("market_data"))

    heard = played(tmp_path, play)
    assert heard.kinds("orders") == [VenueUp, OrderAcked]
    assert heard.kinds("reconciler") == [VenueUp, VenueSnapshot]
    assert heard.kinds("market_data") == [BarClosed, Quote, SessionClosed]


def test_nothing_is_taken_before_the_venue_is_up_nor_after_it_hung_up(tmp_path: Path) -> None:
    async def play(port: RemoteVenue, exchange: Exchange, heard: Heard) -> None:
        assert port.deliver(SubmitOrder(SPEC), 0) is Told.FULL
        await up(exchange, heard)
        exchange.writers[-1].close()
        await until(lambda: VenueDown in heard.kinds("orders"))
        assert port.deliver(SubmitOrder(SPEC), 0) is Told.FULL
        await until(lambda: len(exchange.writers) == 2)
        await up(exchange, heard)
        assert port.deliver(SubmitOrder(SPEC), 0) is Told.OK
        await until(lambda: any(isinstance(message, SubmitOrder) for message, _ in exchange.got))
        # what was refused never comes, in no later session either: an order that was refused may be sent again
        assert [message for message, _ in exchange.got if isinstance(message, SubmitOrder)] == [SubmitOrder(SPEC)]

    heard = played(tmp_path, play)
    for who in ("orders", "reconciler", "system"):
        assert [kind for kind in heard.kinds(who) if kind is not OrderSent] == [VenueUp, VenueDown, VenueUp]


def test_an_engine_without_its_lease_says_nothing(tmp_path: Path) -> None:
    async def play(port: RemoteVenue, exchange: Exchange, heard: Heard) -> None:
        await up(exchange, heard)
        assert port.deliver(SubmitOrder(SPEC), 0) is Told.FULL
        assert exchange.got == []

    played(tmp_path, play, token=lambda: None)


def test_a_venue_that_says_nothing_is_taken_for_lost(tmp_path: Path) -> None:
    async def play(port: RemoteVenue, exchange: Exchange, heard: Heard) -> None:
        await up(exchange, heard)
        await until(lambda: VenueDown in heard.kinds("orders"))
        await until(lambda: len(exchange.writers) > 1)

    heard = played(tmp_path, play, silence_s=0.05)
    (down, *_) = [message for who, message in heard.told if who == "orders" and isinstance(message, VenueDown)]
    assert "said nothing for 0.05 s" in down.reason


@pytest.mark.parametrize("noise", [b"\xff\xff\xff\xff", b"\0\0\0\x0c" + bytes(8) + b"\x03Foo", b"\0\0\0\1a"])
def test_what_is_no_frame_ends_the_session(noise: bytes, tmp_path: Path) -> None:
    async def play(port: RemoteVenue, exchange: Exchange, heard: Heard) -> None:
        await up(exchange, heard)
        exchange.writers[-1].write(noise)
        await until(lambda: VenueDown in heard.kinds("orders"))

    played(tmp_path, play)


def test_a_frame_of_each_kind_is_read_as_it_was_written() -> None:
    async def main() -> list[Message]:
        reader = asyncio.StreamReader()
        for message in (OrderRejected("hr-1", "MARGIN", "no", 4), SubmitOrder(SPEC, resend=True), UP):
            reader.feed_data(packed(message, 3))
        reader.feed_data(packed(UP)[:-1])
        reader.feed_eof()
        frames = Frames(reader)
        found = [await frames.next() for _ in range(3)]
        assert frames.token == 3
        with pytest.raises(EOFError):
            await frames.next()
        return found

    assert asyncio.run(main()) == [OrderRejected("hr-1", "MARGIN", "no", 4), SubmitOrder(SPEC, resend=True), UP]
    assert len({kind.__name__ for kind in KINDS}) == len(KINDS)


def test_a_body_that_does_not_fit_its_kind_is_no_frame() -> None:
    async def main() -> None:
        reader = asyncio.StreamReader()
        frame = packed(UP).replace(b"VenueUp", b"Fill\0\0\0")
        reader.feed_data(frame)
        await Frames(reader).next()

    with pytest.raises(FrameError, match="unknown kind"):
        asyncio.run(main())


@pytest.mark.parametrize("text", ["", "7500", "example.org:7500", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:x"])
def test_an_address_that_is_not_of_this_machine_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        Address.of(text)


def test_an_address_is_a_path_or_a_port_here() -> None:
    assert Address.of("/run/x.sock") == Address(path="/run/x.sock")
    assert Address.of("127.0.0.1:7500") == Address(port=7500)
