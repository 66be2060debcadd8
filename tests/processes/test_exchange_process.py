"""The exchange process by itself: a market on the clock, one client at a time, and a record that is resumed."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from config.loader import load_instruments
from engine.message import Message
from model.market import BarClosed, Quote, SessionClosed
from model.orders import (
    OrderAcked,
    OrderSpec,
    OrderType,
    RequestSnapshot,
    Side,
    SubmitOrder,
    TimeInForce,
    VenueSnapshot,
    VenueUp,
)
from model.units import NS_PER_DAY, NS_PER_SECOND, QTY_SCALE, cash
from ports.remote_venue import Address, Frames, MarketAgain, packed
from scripts.drill_room import INSTRUMENTS
from simulation.exchange import Exchange, SqliteRecord, VenueRules
from simulation.exchange_process import ExchangeServer, Market, MarketRules
from simulation.exchange_process.market import open_always

NOON_NS = 19_723 * NS_PER_DAY + NS_PER_DAY // 2
WITHIN_S = 10.0
HUNG_UP = (EOFError, ConnectionError)
RULES = MarketRules(quote_every_ns=NS_PER_SECOND // 100, cycle_every_ns=NS_PER_SECOND // 20, seed=3)


def market(work: Path, now_ns: int = NOON_NS, rules: MarketRules = RULES) -> Market:
    file = work / "instruments.yaml"
    file.write_text(INSTRUMENTS)
    return Market(load_instruments([file]), rules, now_ns)


def test_prices_follow_the_seed_and_decisions_the_clock(tmp_path: Path) -> None:
    one, same, other = (market(tmp_path, rules=MarketRules(seed=seed)) for seed in (3, 3, 4))
    later = [NOON_NS + step * NS_PER_SECOND // 10 for step in range(40)]
    told = [[each.quotes(now_ns) for now_ns in later] for each in (one, same, other)]
    assert told[0] == told[1] != told[2]
    assert all(len(quotes) == 2 for quotes in told[0])
    assert one.quotes(later[-1]) == []
    first, second = one.cycle(NOON_NS + NS_PER_SECOND), one.cycle(NOON_NS + 3 * NS_PER_SECOND)
    assert first is not None
    assert second is not None
    assert (first.session, second.number - first.number) == (20231231, 2)
    assert one.cycle(NOON_NS + 3 * NS_PER_SECOND + 1) is None


def test_the_bars_of_a_day_come_when_it_is_over(tmp_path: Path) -> None:
    place = market(tmp_path)
    assert place.ended(NOON_NS + NS_PER_SECOND) == []
    bars = place.ended(NOON_NS + NS_PER_DAY)
    assert [(bar.instrument, bar.session, bar.history) for bar in bars] == [
        ("ALPHA", 20240101, False),
        ("BETA", 20240101, False),
    ]
    assert place.ended(NOON_NS + NS_PER_DAY) == []


class Client:
    """An engine's side of the socket, by hand."""

    def __init__(self, frames: Frames, writer: asyncio.StreamWriter) -> None:
        self.frames, self.writer = frames, writer
        self.got: list[Message] = []

    @classmethod
    async def of(cls, address: Address) -> Client:
        reader, writer = await address.open()
        return cls(Frames(reader), writer)

    def ask(self, message: Message, token: int = 0) -> None:
        self.writer.write(packed(message, token))

    async def next(self, kind: type[Message]) -> Message:
        """The next message of a kind; those before it are kept in `got`."""
        async with asyncio.timeout(WITHIN_S):
            while not isinstance(message := await self.frames.next(), kind):
                self.got.append(message)
        return message


def served(work: Path, play: Callable[[Address, ExchangeServer], Awaitable[None]], at: Address | None = None) -> None:
    (work / "x.sock").unlink(missing_ok=True)

    async def main() -> None:
        now_ns = time.time_ns()
        place = market(work, now_ns)
        instruments = load_instruments([work / "instruments.yaml"])
        record = SqliteRecord(work / "record.sqlite")
        exchange = Exchange(
            instruments=instruments,
            sessions={"24x7": open_always("24x7", now_ns)},
            cash={"USD": cash(1_000_000)},
            base_currency="USD",
            fx=lambda currency: None,
            rules=VenueRules(latency_ns=1_000_000, margin=False),
            record=record,
        )
        server = ExchangeServer(exchange, place)
        address = at or Address.of(str(work / "x.sock"))
        listening = asyncio.Event()
        running = asyncio.create_task(server.serve(address, listening.set))
        await listening.wait()
        await play(address, server)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        record.close()

    asyncio.run(main())


def order(name: str, limit: int) -> SubmitOrder:
    return SubmitOrder(
        OrderSpec(
            client_id=name, instrument="ALPHA", side=Side.BUY, quantity=QTY_SCALE, type=OrderType.LIMIT,
            tif=TimeInForce.DAY, limit=limit,
        )
    )  # fmt: skip


def test_a_client_is_greeted_warmed_up_and_told_prices_and_decisions(tmp_path: Path) -> None:
    async def play(address: Address, server: ExchangeServer) -> None:
        client = await Client.of(address)
        assert isinstance(await client.frames.next(), VenueUp)
        bars = [await client.frames.next() for _ in range(2)]
        assert all(isinstance(bar, BarClosed) and bar.history for bar in bars)
        await client.next(Quote)
        await client.next(SessionClosed)
        client.ask(MarketAgain())
        await client.next(BarClosed)
        client.writer.close()

    served(tmp_path, play)


def test_an_order_outlives_its_client_and_the_process(tmp_path: Path) -> None:
    async def place(address: Address, server: ExchangeServer) -> None:
        client = await Client.of(address)
        client.ask(order("hr-1", 10**9), token=5)  # far from the market: it rests
        await client.next(OrderAcked)
        client.ask(order("hr-2", 200 * 10**9), token=5)
        client.writer.transport.abort()
        async with asyncio.timeout(WITHIN_S):
            for _ in itertools.takewhile(lambda _: server.exchange.up, itertools.count()):
                await asyncio.sleep(0.001)

    async def look(address: Address, server: ExchangeServer) -> None:
        client = await Client.of(address)
        client.ask(RequestSnapshot("rc-1", 0), token=5)
        snapshot = await client.next(VenueSnapshot)
        assert isinstance(snapshot, VenueSnapshot)
        assert "hr-1" in [one.client_id for one in snapshot.orders]
        assert server.exchange.duplicates == 0
        client.writer.close()

    served(tmp_path, place)
    served(tmp_path, look)


def test_a_second_client_is_hung_up_on_and_so_is_one_with_a_token_that_is_over(tmp_path: Path) -> None:
    async def play(address: Address, server: ExchangeServer) -> None:
        first = await Client.of(address)
        await first.next(VenueUp)
        second = await Client.of(address)
        with pytest.raises(HUNG_UP):
            await second.next(VenueUp)
        assert server.sessions == 1
        first.ask(RequestSnapshot("rc-1", 0), token=9)
        await first.next(VenueSnapshot)
        first.ask(RequestSnapshot("rc-2", 0), token=8)
        with pytest.raises(HUNG_UP):
            await first.next(VenueSnapshot)

    served(tmp_path, play)


def test_a_port_of_this_machine_does_as_well_as_a_socket_file(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = Address(port=probe.getsockname()[1])

    async def play(address: Address, server: ExchangeServer) -> None:
        client = await Client.of(address)
        client.ask(order("hr-1", 200 * 10**9))
        await client.next(OrderAcked)
        client.writer.close()

    served(tmp_path, play, free)
