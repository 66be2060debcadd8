"""Ticks a second from the simulated gateway to one ib_async client, against the same bytes over a bare socket.

    python -m benchmarks.gateway

Both ends run in one process on one core. Each round sends the same number of messages of prices twice: through the
gateway, from a change of the market to the client's own ticker, and as frames made beforehand to a protocol that counts
their bytes. A round is good only when the client has heard every message.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import struct
import tempfile
import time
from pathlib import Path

from ib_async import IB, Stock

from simulation.tws.clock import HandClock
from simulation.tws.codec import encode_reply
from simulation.tws.gateway import Gateway
from simulation.tws.replies import TickPrice
from simulation.tws.service.house import GatewayRules
from simulation.tws.world import Founding, found
from tests.tws.gateway.bourse import INSTRUMENTS, WEDNESDAY, make_lake, sessions

TICKS = 100_000
BATCH = 500
"""Changes of the market in one turn of the loop."""
ROUNDS = 5


class Counting(asyncio.Protocol):
    """The far end of the floor."""

    def __init__(self, wanted: int, done: asyncio.Event) -> None:
        self.wanted, self.done = wanted, done

    def data_received(self, data: bytes) -> None:
        self.wanted -= len(data)
        if self.wanted <= 0:
            self.done.set()


class Sending(asyncio.Protocol):
    """The near end of the floor: writes a batch a turn, and waits when it must."""

    def __init__(self, frames: list[bytes]) -> None:
        self.frames, self.at = frames, 0
        self.transport: asyncio.Transport | None = None
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        asyncio.get_running_loop().call_soon(self.send)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self.send()

    def send(self) -> None:
        assert self.transport is not None
        while self.at < len(self.frames) and not self.paused:
            self.transport.write(b"".join(self.frames[self.at : self.at + BATCH]))
            self.at += BATCH
        if self.at >= len(self.frames):
            self.transport.close()


async def floor(ticks: int) -> float:
    """Seconds for as many frames of prices over a bare socket."""
    frames = []
    for number in range(ticks):
        payload = encode_reply(TickPrice(req_id=4, kind=1 + number % 2, price=100 + number % 50 / 100, size=7.0), 178)
        frames.append(struct.pack(">I", len(payload)) + payload)
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: Sending(frames), "127.0.0.1", 0)
    begun = time.perf_counter()
    await loop.create_connection(
        lambda: Counting(sum(map(len, frames)), done), "127.0.0.1", server.sockets[0].getsockname()[1]
    )
    await done.wait()
    took = time.perf_counter() - begun
    server.close()
    return took


async def gateway(ticks: int, lake: Path) -> float:
    """Seconds from the first change of the market to the client's hearing of the last."""
    clock = HandClock(WEDNESDAY)
    rules = GatewayRules(messages_per_second=10**6)
    house = found(Founding(gateway=rules), clock, INSTRUMENTS, sessions, make_lake(lake))
    made = Gateway(house)
    await made.listen()
    ib = IB()
    await ib.connectAsync("127.0.0.1", made.port, clientId=1)
    (abc,) = await ib.qualifyContractsAsync(Stock("ABC", "SMART", "USD"))
    ticker = ib.reqMktData(abc)
    await ib.reqCurrentTimeAsync()
    heard, price_heard, everything = [0], ib.wrapper.priceSizeTick, asyncio.Event()

    def hear(req_id: int, kind: int, price: float, size: float) -> None:
        price_heard(req_id, kind, price, size)
        heard[0] += 1
        if heard[0] >= ticks:
            everything.set()

    ib.wrapper.priceSizeTick = hear
    session = made.clients[1]
    market, con_id = house.market, abc.conId
    begun = time.perf_counter()
    said = 0
    while said < ticks:
        for _ in range(0 if session.congested else min(BATCH, (ticks - said) // 2)):
            bid = 100_000_000_000 + said % 5_000 * 10_000_000
            market.pin(con_id, bid, bid + 20_000_000, (700_000_000, 800_000_000))
            said += 2
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await everything.wait()
    took = time.perf_counter() - begun
    assert heard[0] == ticks, f"{heard[0]} of {ticks} ticks were heard"
    assert ticker.ask > ticker.bid
    ib.disconnect()
    await made.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=TICKS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    ours, bare = [], []
    for number in range(asked.rounds):
        with tempfile.TemporaryDirectory() as folder:
            ours.append(asyncio.run(gateway(asked.ticks, Path(folder) / "lake")))
        bare.append(asyncio.run(floor(asked.ticks)))
        print(f"round {number + 1}: {asked.ticks / ours[-1]:,.0f} ticks/s, bare socket {asked.ticks / bare[-1]:,.0f}")
    best, ratio = asked.ticks / min(ours), statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    print(f"best {best:,.0f} ticks/s to ib_async; a bare socket takes 1/{ratio:.0f} of the time")
    if asked.json is not None:
        with asked.json.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"benchmark": "gateway", "ticks_per_s": best, "times_bare": ratio}) + "\n")


if __name__ == "__main__":
    main()
