"""Wires of the virtual loop: what asyncio promises of sockets, held to real sockets where both can show it."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from simulation.stage import VirtualLoop

Play = Callable[[], Coroutine[Any, Any, list[str]]]
TEN_LINES = b"".join(b"line %d\n" % number for number in range(10))


class Spoken(asyncio.Protocol):
    """Writes down what it is told. `answers` lets it answer every byte with two; `stays` keeps it after the end."""

    def __init__(self, name: str, told: list[str], *, answers: bool = False, stays: bool = False) -> None:
        self.name, self.told, self.answers, self.stays = name, told, answers, stays
        self.got = bytearray()
        self.transport: Any = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.event = asyncio.Event()

    async def until(self, true: Callable[[], object]) -> None:
        while not true():
            self.event = asyncio.Event()
            await self.event.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.told.append(f"{self.name} made")
        self.event.set()

    def data_received(self, data: bytes) -> None:
        self.got += data
        self.event.set()
        if self.answers:
            self.transport.write(data + data)

    def eof_received(self) -> bool:
        self.told.append(f"{self.name} got {len(self.got)} and the end")
        self.event.set()
        return self.stays

    def pause_writing(self) -> None:
        self.told.append(f"{self.name} pauses")

    def resume_writing(self) -> None:
        self.told.append(f"{self.name} resumes")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(f"{self.name} lost: {type(exc).__name__ if exc else None}, had {len(self.got)}")
        if not self.over.done():
            self.over.set_result(None)


class Pair:
    """A server with one client. What each is told is kept apart: which of the two hears first is nobody's promise."""

    def __init__(self) -> None:
        self.theirs: list[str] = []
        self.ours: list[str] = []

    async def join(self, **theirs: bool) -> tuple[Spoken, Spoken]:
        """Server's, client's."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[Spoken] = loop.create_future()

        def accept() -> Spoken:
            came.set_result(Spoken("server", self.theirs, **theirs))
            return came.result()

        self.server = await loop.create_server(accept, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        _, client = await loop.create_connection(lambda: Spoken("client", self.ours), "127.0.0.1", port)
        server = await came
        await server.until(lambda: server.transport)
        return server, client

    def told(self) -> list[str]:
        self.server.close()
        return self.theirs + self.ours


async def close_after_writing() -> list[str]:
    pair = Pair()
    server, client = await pair.join()
    client.transport.writelines([TEN_LINES, TEN_LINES])
    client.transport.close()
    client.transport.close()
    assert client.transport.is_closing()
    await asyncio.gather(server.over, client.over)
    assert server.got == TEN_LINES * 2
    return pair.told()


async def half_closed() -> list[str]:
    """The client has said everything and still hears the answer."""
    pair = Pair()
    server, client = await pair.join(stays=True)
    client.transport.write(TEN_LINES)
    assert client.transport.can_write_eof()
    client.transport.write_eof()
    with pytest.raises(RuntimeError, match="write_eof"):
        client.transport.write(b"more")
    await server.until(lambda: "server got 70 and the end" in pair.theirs)
    server.transport.write(b"heard you")
    server.transport.close()
    await asyncio.gather(server.over, client.over)
    assert client.got == b"heard you"
    return pair.told()


async def answered() -> list[str]:
    pair = Pair()
    server, client = await pair.join(answers=True)
    client.transport.write(bytearray(TEN_LINES))
    client.transport.write(memoryview(TEN_LINES))
    await client.until(lambda: len(client.got) == 4 * len(TEN_LINES))
    client.transport.close()
    await asyncio.gather(server.over, client.over)
    return pair.told()


async def aborted() -> list[str]:
    pair = Pair()
    server, client = await pair.join()
    client.transport.abort()
    client.transport.write(b"nobody hears this")
    await asyncio.gather(server.over, client.over)
    return pair.told()


async def reader_that_pauses() -> list[str]:
    """More than any buffer holds waits at the writer, and all of it arrives when the reader goes on."""
    pair = Pair()
    server, client = await pair.join()
    much = bytes(16 << 20)
    server.transport.pause_reading()
    client.transport.set_write_buffer_limits(high=1 << 16)
    client.transport.write(much)
    assert client.transport.get_write_buffer_size() > 1 << 16
    await asyncio.sleep(0.05)
    assert not server.got
    assert not server.transport.is_reading()
    server.transport.resume_reading()
    await server.until(lambda: len(server.got) == len(much))
    client.transport.close()
    await asyncio.gather(server.over, client.over)
    return pair.told()


async def closed_with_bytes_unread() -> list[str]:
    """Who closes without reading what came resets the other."""
    pair = Pair()
    server, client = await pair.join()
    server.transport.pause_reading()
    client.transport.write(TEN_LINES)
    await asyncio.sleep(0.05)
    server.transport.close()
    await asyncio.gather(server.over, client.over)
    return pair.told()


async def streams() -> list[str]:
    """asyncio's own streams, on both ends."""
    said: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(host, port)
    assert writer.get_extra_info("peername") == (host, port)
    writer.write(TEN_LINES)
    writer.write_eof()
    said.append((await reader.read()).decode())
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    said.append(str(server.is_serving()))
    return said


PLAYS = [
    close_after_writing, half_closed, answered, aborted, reader_that_pauses, closed_with_bytes_unread, streams,
]  # fmt: skip


@pytest.mark.parametrize("play", PLAYS)
def test_wires_tell_what_sockets_tell(play: Play) -> None:
    on_sockets = asyncio.run(play())
    assert on_sockets
    for seed in range(8):
        assert VirtualLoop(seed=seed).run_until_complete(play()) == on_sockets, f"seed {seed}"


def arrivals(seed: int) -> list[tuple[int, int]]:
    """When and in which sizes a hundred writes of ten bytes arrive."""
    loop = VirtualLoop(seed=seed)
    came: list[tuple[int, int]] = []

    class Ear(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            came.append((loop.now_ns, len(data)))

    async def main() -> None:
        server = await loop.create_server(Ear, "127.0.0.1", 4002)
        transport, _ = await loop.create_connection(asyncio.Protocol, "localhost", 4002)
        for _ in range(100):
            transport.write(b"ten bytes.")
            await asyncio.sleep(0.001)
        transport.close()
        server.close()
        await server.wait_closed()

    loop.run_until_complete(main())
    return came


def test_the_seed_draws_when_and_in_which_parts_bytes_arrive() -> None:
    one = arrivals(1)
    assert one == arrivals(1)
    assert one != arrivals(2)
    assert sum(size for _, size in one) == 1_000
    assert any(size < 10 for _, size in one)


def test_bytes_take_as_long_as_between_programs_of_one_machine() -> None:
    whole = [came for came in zip(arrivals(3), arrivals(3)[1:], strict=False) if came[0][1] == came[1][1] == 10]
    gaps_us = [(later - earlier) / 1_000 for (earlier, _), (later, _) in whole]
    assert 1_000 - 280 <= min(gaps_us) < 1_000 < max(gaps_us) <= 1_000 + 280


def run(main: Callable[[], Any], seed: int = 0) -> Any:
    return VirtualLoop(seed=seed).run_until_complete(main())


def test_nobody_listens_where_nobody_does() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(ConnectionRefusedError) as refused:
            await loop.create_connection(asyncio.Protocol, "127.0.0.1", 4002)
        assert refused.value.errno == errno.ECONNREFUSED
        server = await loop.create_server(asyncio.Protocol, "", 4002)
        transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", 4002)
        server.close()
        assert not transport.is_closing()
        with pytest.raises(ConnectionRefusedError):
            await loop.create_connection(asyncio.Protocol, "127.0.0.1", 4002)

    run(main)


def test_a_port_is_had_once_until_it_is_given_back() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 4002)
        with pytest.raises(OSError, match="4002") as taken:
            await loop.create_server(asyncio.Protocol, "127.0.0.1", 4002)
        assert taken.value.errno == errno.EADDRINUSE
        server.close()
        assert server.sockets == ()
        other = await loop.create_server(asyncio.Protocol, "127.0.0.1", 4002)
        assert other.is_serving()

    run(main)


def test_a_server_serves_until_it_is_told_not_to() -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 4002)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.serve_forever(), 60)
        assert not server.is_serving()

    run(main)


@pytest.mark.parametrize("seed", range(8))
def test_a_cut_wire_is_a_reset_at_both_ends_and_what_was_under_way_is_lost(seed: int) -> None:
    async def main() -> list[str]:
        pair = Pair()
        server, client = await pair.join()
        client.transport.write(b"under way")
        loop: Any = asyncio.get_running_loop()
        loop.wires.cut()
        await asyncio.gather(server.over, client.over)
        assert loop.wires.open() == []
        return pair.told()

    assert run(main, seed) == [
        "server made", "server lost: ConnectionResetError, had 0",
        "client made", "client lost: ConnectionResetError, had 0",
    ]  # fmt: skip


def test_a_held_wire_is_silent_and_loses_nothing() -> None:
    """Held for ten seconds from the first: what was under way, what is said meanwhile, and the end of it all wait."""

    async def main() -> tuple[float, bytearray]:
        loop: Any = asyncio.get_running_loop()
        pair = Pair()
        server, client = await pair.join()
        client.transport.write(b"before, ")
        began = loop.time()
        loop.wires.hold(10.0)
        await asyncio.sleep(5.0)
        client.transport.write(b"meanwhile")
        client.transport.close()
        assert server.got == b""
        await server.over
        return loop.time() - began, server.got

    seconds, got = run(main)
    assert got == b"before, meanwhile"
    assert 10.0 <= seconds < 10.001


def test_nobody_is_let_in_while_a_port_is_held_and_others_are_not_touched() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        for port in (4001, 4002):
            await loop.create_server(asyncio.Protocol, "127.0.0.1", port)
        loop.wires.hold(3.0, port=4002)
        await asyncio.wait_for(loop.create_connection(asyncio.Protocol, "127.0.0.1", 4001), 0.001)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.create_connection(asyncio.Protocol, "127.0.0.1", 4002), 1.0)
        await loop.create_connection(asyncio.Protocol, "127.0.0.1", 4002)
        assert 3.0 <= loop.time() < 3.001
        assert [wire.address[1] for wire in loop.wires.open()] == [4001, 4002]

    run(main)


def test_a_protocol_that_fails_loses_its_connection_and_the_loop_goes_on() -> None:
    class Fails(Spoken):
        def data_received(self, data: bytes) -> None:
            raise LookupError("not understood")

    loop = VirtualLoop()
    told: list[str] = []

    async def main() -> None:
        server = await loop.create_server(lambda: Fails("server", told), "127.0.0.1", 4002)
        _, client = await loop.create_connection(lambda: Spoken("client", []), "127.0.0.1", 4002)
        client.transport.write(b"something")
        await client.over
        server.close()

    loop.run_until_complete(main())
    assert told == ["server made", "server lost: LookupError, had 0"]
    assert [line for line in loop.complaints if "not understood" in line] == loop.complaints != []


def test_a_server_that_cannot_make_a_protocol_hangs_up() -> None:
    def none_left() -> asyncio.Protocol:
        raise LookupError("none left")

    loop = VirtualLoop()

    async def main() -> None:
        await loop.create_server(none_left, "127.0.0.1", 4002)
        _, client = await loop.create_connection(lambda: Spoken("client", []), "127.0.0.1", 4002)
        await client.over
        assert client.told == ["client made", "client lost: ConnectionResetError, had 0"]
        assert loop.wires.open() == []

    loop.run_until_complete(main())
    assert loop.complaints == ["a connection could not be accepted: LookupError('none left')"]


def test_libraries_that_ask_the_policy_for_their_loop_get_this_one() -> None:
    outer = asyncio.get_event_loop_policy()

    async def main() -> bool:
        return asyncio.get_event_loop_policy().get_event_loop() is asyncio.get_running_loop()

    assert run(main)
    assert asyncio.get_event_loop_policy() is outer
