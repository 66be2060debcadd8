"""Wires between the protocols of one virtual loop: what sockets would be to them, as far away as this machine is."""

from __future__ import annotations

import asyncio
import errno
import random
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Any, Protocol, TypeVar

from simulation.stage.wire_end import End

NS = 10**9
SOONEST_NS, LATEST_NS = 20_000, 300_000
"""How long bytes travel between two programs of one machine."""
SPLIT_SHARE = 0.1
"""How often what was written at once arrives in pieces."""
EVERYWHERE = ("", "0.0.0.0", "::")
FIRST_CHOSEN, FIRST_OF_CLIENTS = 40_000, 50_000

Address = tuple[str, int]
P = TypeVar("P", bound=asyncio.BaseProtocol)
Factory = Callable[[], asyncio.BaseProtocol]


class Timing(Protocol):
    """What wires need of their loop besides what asyncio asks."""

    now_ns: int

    def call_at_ns(self, at_ns: int, callback: Callable[..., object], *args: Any) -> object: ...

    def call_soon(self, callback: Callable[..., object], *args: Any) -> object: ...

    def call_exception_handler(self, context: dict[str, Any]) -> None: ...

    def create_future(self) -> asyncio.Future[Any]: ...


class Way:
    """One direction of a wire: what is on it arrives in the order in which it was sent."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self._under_way: deque[Callable[[], None]] = deque()
        self._last_ns = 0
        self._free_ns = 0

    def send(self, arrive: Callable[[], None]) -> None:
        """Let something happen at the other end."""
        loop = self._wires.loop
        self._last_ns = max(self._last_ns, self._free_ns, loop.now_ns + self._wires.travel_ns())
        self._under_way.append(arrive)
        loop.call_at_ns(self._last_ns, self._arrive)

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """The parts in which it arrives, in order."""
        at = self._wires.split(len(data))
        return (data[:at], data[at:]) if at else (data,)

    def _arrive(self) -> None:
        if self._wires.loop.now_ns < self._free_ns:
            self._wires.loop.call_at_ns(self._free_ns, self._arrive)
        elif self._under_way:
            self._under_way.popleft()()

    def hold(self, until_ns: int) -> None:
        self._free_ns = max(self._free_ns, until_ns)

    def clear(self) -> None:
        self._under_way.clear()


class Wire:
    """A connection.  address: where it leads."""

    def __init__(self, wires: Wires, address: Address, client: Address) -> None:
        there, back = Way(wires), Way(wires)
        self.address = address
        self._wires, self._ways = wires, (there, back)
        self.ends = (End(wires.loop, there, client, address), End(wires.loop, back, address, client))
        self.ends[0].join(self.ends[1])

    @property
    def closed(self) -> bool:
        return all(end.closed for end in self.ends)

    def cut(self) -> None:
        """Both ends see a reset; what is under way is lost."""
        for way in self._ways:
            way.clear()
        for end in self.ends:
            end.arrive_reset()

    def refuse(self) -> None:
        """Nobody takes it: the client sees a reset."""
        self.ends[1].over.set_result(None)
        self.cut()

    def hold(self, seconds: float) -> None:
        """Nothing arrives at either end for so long, and afterwards everything does."""
        for way in self._ways:
            way.hold(self._wires.loop.now_ns + round(seconds * NS))


class Place:
    """Stands for a listening socket where somebody asks for its name."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def getsockname(self) -> Address:
        return self._address


class Server(asyncio.AbstractServer):
    """Takes connections at an address until it is closed; those that it has taken go on."""

    def __init__(self, wires: Wires, factory: Factory, address: Address) -> None:
        self.factory = factory
        self.address = address
        self.taken: list[End] = []
        self._wires = wires
        self._ended: asyncio.Future[None] = wires.loop.create_future()

    @property
    def sockets(self) -> tuple[Place, ...]:
        return (Place(self.address),) if self.is_serving() else ()

    def is_serving(self) -> bool:
        return not self._ended.done()

    def close(self) -> None:
        if self.is_serving():
            self._wires.forget(self.address)
            self._ended.set_result(None)

    def get_loop(self) -> Any:
        return self._wires.loop

    async def start_serving(self) -> None:
        """It does so from the beginning."""

    async def serve_forever(self) -> None:
        """Until it is closed or this is cancelled, which closes it."""
        try:
            await asyncio.shield(self._ended)
        finally:
            self.close()

    async def wait_closed(self) -> None:
        """Until it is closed and every connection that it took is."""
        await asyncio.shield(self._ended)
        for end in self.taken:
            await asyncio.shield(end.over)


class Wires:
    """Who listens on a loop, and all its wires. Everything that is left to chance is drawn from the seed."""

    def __init__(self, loop: Timing, seed: int) -> None:
        self.loop = loop
        self._chance = random.Random(f"wires of {seed}")
        self._servers: dict[Address, Server] = {}
        self._wires: list[Wire] = []
        self._held_ns: dict[int | None, int] = {}
        self._chosen, self._clients = count(FIRST_CHOSEN), count(FIRST_OF_CLIENTS)

    def travel_ns(self) -> int:
        return self._chance.randint(SOONEST_NS, LATEST_NS)

    def split(self, length: int) -> int:
        """Where so many bytes fall apart; 0 for not at all."""
        return self._chance.randrange(1, length) if length > 1 and self._chance.random() < SPLIT_SHARE else 0

    # -- harm

    def open(self, port: int | None = None) -> list[Wire]:
        """The wires that nobody has closed, oldest first; those to a port where one is named."""
        self._wires = [wire for wire in self._wires if not wire.closed]
        return [wire for wire in self._wires if port in (None, wire.address[1])]

    def cut(self, port: int | None = None) -> None:
        """Reset every open wire; those to a port where one is named."""
        for wire in self.open(port):
            wire.cut()

    def hold(self, seconds: float, port: int | None = None) -> None:
        """Nothing arrives for so long, nor is anybody let in; afterwards everything does."""
        self._held_ns[port] = max(self._held_ns.get(port, 0), self.loop.now_ns + round(seconds * NS))
        for wire in self.open(port):
            wire.hold(seconds)

    # -- asked by the loop

    def listen(self, factory: Factory, host: str | None, port: int | None) -> Server:
        """Raises OSError where somebody listens already."""
        address = (_named(host), port or self._free_port())
        if address in self._servers:
            raise OSError(errno.EADDRINUSE, f"error while attempting to bind on address {address}: in use")
        server = self._servers[address] = Server(self, factory, address)
        return server

    def _free_port(self) -> int:
        taken = {port for _, port in self._servers}
        return next(port for port in self._chosen if port not in taken)

    def forget(self, address: Address) -> None:
        del self._servers[address]

    def _server(self, address: Address) -> Server | None:
        for host in (address[0], *EVERYWHERE):
            if (found := self._servers.get((host, address[1]))) is not None:
                return found
        return None

    async def connect(self, factory: Callable[[], P], host: str | None, port: int) -> tuple[End, P]:
        """Raises ConnectionRefusedError where nobody listens."""
        address = (_named(host), port)
        await self._pass(self.travel_ns())
        while (left_ns := max(self._held_ns.get(each, 0) for each in (None, port)) - self.loop.now_ns) > 0:
            await self._pass(left_ns)
        server = self._server(address)
        if server is None:
            await self._pass(self.travel_ns())
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {address}")
        wire = Wire(self, address, (address[0], next(self._clients)))
        self._wires.append(wire)
        ours, theirs = wire.ends
        self.loop.call_at_ns(self.loop.now_ns + self.travel_ns(), self._accept, server, wire, theirs)
        await self._pass(self.travel_ns())
        protocol = factory()
        made = self.loop.create_future()
        self.loop.call_soon(ours.begin, protocol, partial(made.set_result, None))
        try:
            await made
        except BaseException:
            ours.close()
            raise
        return ours, protocol

    async def _pass(self, ns: int) -> None:
        over = self.loop.create_future()
        self.loop.call_at_ns(self.loop.now_ns + ns, lambda: None if over.done() else over.set_result(None))
        await over

    def _accept(self, server: Server, wire: Wire, end: End) -> None:
        if not server.is_serving():
            wire.refuse()
            return
        try:
            protocol = server.factory()
        except Exception as error:
            self.loop.call_exception_handler({"message": "a connection could not be accepted", "exception": error})
            wire.refuse()
            return
        server.taken = [each for each in server.taken if not each.closed] + [end]
        self.loop.call_soon(end.begin, protocol)


def _named(host: str | None) -> str:
    return "127.0.0.1" if host == "localhost" else host or ""
