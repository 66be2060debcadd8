"""The gateway: a socket that TWS clients connect to, with one broker and one market behind all of them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

from model.units import NS_PER_SECOND
from simulation.tws.clock import Clock
from simulation.tws.dump import OBSERVER
from simulation.tws.faults import FaultPlan
from simulation.tws.replies import ErrorMessage, ManagedAccounts, NextValidId, ServerMessage
from simulation.tws.requests import ClientMessage, PlaceOrder, StartApi
from simulation.tws.service.accounts import Accounts
from simulation.tws.service.client import Client
from simulation.tws.service.contracts import Contracts
from simulation.tws.service.house import GatewayRules, House
from simulation.tws.service.orders import Orders
from simulation.tws.service.past import Past
from simulation.tws.service.quotes import Quotes
from simulation.tws.service.streams import Streams
from simulation.tws.session import Session

LOOPBACK = "127.0.0.1"
ID_IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."
COMPETING = "No market data during competing live session"

Logged = Callable[[Session, str, bytes], None]


class Gateway:
    """Listens, greets, and passes on.

    passed: told the name of every message once it has been carried out or sent, and whose it was.
    logged: told every frame and whatever else decides what happens.
    """

    def __init__(self, house: House, plan: FaultPlan | None = None) -> None:
        self.house = house
        self.plan = plan or FaultPlan()
        self.sessions: set[Session] = set()
        self.clients: dict[int, Session] = {}
        self.on_passed: Callable[[str, int | None], None] = lambda message, client_id: None
        self.logged: Logged | None = None
        self._numbers = 0
        self._lingering: dict[int, float] = {}
        self._orphans: list[Client] = []
        self._held: list[tuple[str, int, int]] = []
        self._observed: list[ServerMessage] | None = None
        self.known: set[int] = set()  # client ids that have ever come
        self._server: asyncio.Server | None = None
        self._address: tuple[str, int] = (LOOPBACK, 0)
        self._empty: asyncio.Future[None] | None = None
        house.market.stepped = self._hand_out
        house.link.said = self._say_to_all

    @property
    def clock(self) -> Clock:
        return self.house.clock

    @property
    def rules(self) -> GatewayRules:
        return self.house.rules

    # -- listening

    async def listen(self, host: str = LOOPBACK, port: int = 0) -> int:
        """Take connections; the port, which is chosen when 0 was given. Raises OSError when it cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.protocol, host, port, backlog=64)
        self._address = (host, self._server.sockets[0].getsockname()[1])
        return self._address[1]

    @property
    def port(self) -> int:
        """Where it listens, or did before it went down."""
        return self._address[1]

    def protocol(self) -> Session:
        """A session for one more connection."""
        self._numbers += 1
        return Session(self, self._numbers, asyncio.get_running_loop().call_soon)

    def go_down(self) -> None:
        """End every connection and refuse new ones. The broker and the market go on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.disconnect_all()

    async def come_up(self) -> None:
        """Listen again where it did before."""
        if self._server is None:
            await self.listen(*self._address)

    async def close(self) -> None:
        self.go_down()
        self.house.market.stop()
        if self.sessions:
            self._empty = asyncio.get_running_loop().create_future()
            await self._empty

    def disconnect_all(self) -> None:
        """End every connection at once; what has not been sent is lost."""
        for session in list(self.sessions):
            session.abort()

    # -- what sessions tell

    def opened(self, session: Session) -> bool:
        self.told(session, "open")
        self.sessions.add(session)
        return len(self.sessions) <= self.rules.clients

    def told(self, session: Session, what: str, payload: bytes = b"") -> None:
        if self.logged is not None:
            self.logged(session, what, payload)

    def welcome_time(self) -> str:
        at = dt.datetime.fromtimestamp(self.clock.market_ns() // NS_PER_SECOND, dt.UTC)
        return f"{at:%Y%m%d %H:%M:%S} UTC"

    def passed(self, message: str, client_id: int | None) -> None:
        self.on_passed(message, client_id)

    def started(self, session: Session, asked: StartApi) -> None:
        """Greet a client, or refuse an id that is in use or was until a moment ago."""
        self.house.market.step()
        client_id = asked.client_id
        free_at = self._lingering.get(client_id, -1.0)
        if client_id in self.clients or free_at > self.clock.seconds():
            session.say(ErrorMessage(code=326, text=ID_IN_USE))
            session.end()
            return
        self.known.add(client_id)
        view = self.house.broker.connect(client_id)
        client = session.client = Client(self.house, session, client_id, view.accounts)
        for service in (Orders, Contracts, Accounts, Quotes, Streams, Past):
            client.offer(service(client))
        self.clients[client_id] = session
        session.say(ManagedAccounts(accounts=view.accounts))
        session.say(NextValidId(order_id=view.next_order_id))
        for message in self.house.link.greeting():
            session.say(message)

    def asked(self, client: Client, message: ClientMessage, *, second_order: bool = False) -> None:
        """Let a client's message happen now."""
        self.house.market.step()
        if second_order and isinstance(message, PlaceOrder):
            self.house.broker.harm_next_change(double=True)
        client.ask(message)
        self.house.market.step()

    def gone(self, session: Session) -> None:
        """A connection has ended: its orders go on, its subscriptions do not."""
        self.clock.begin()
        self.told(session, "closed")
        self.sessions.discard(session)
        if not self.sessions and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)
        client = session.client
        if client is None or self.clients.get(client.client_id) is not session:
            return
        del self.clients[client.client_id]
        client.close()
        self.house.broker.disconnect(client.client_id)
        if not self.house.link.up:
            self._orphans.append(client)
        if self.rules.linger_s:
            self._lingering[client.client_id] = self.clock.seconds() + self.rules.linger_s

    def keep_id(self, client_id: int, seconds: float) -> None:
        """A client id counts as in use for so long, whoever had it."""
        self._lingering[client_id] = self.clock.seconds() + seconds

    def enquire(self, question: Callable[[], None]) -> list[ServerMessage]:
        """Ask the broker something as an observer that no client sees, and take what it answers."""
        broker = self.house.broker
        self.house.market.step()
        broker.connect(OBSERVER)
        observed: list[ServerMessage] = []
        self._observed = observed
        question()
        self.house.market.step()
        broker.disconnect(OBSERVER)
        self._observed = None
        return observed

    def say(self, code: int, text: str, client_id: int | None = None, req_id: int = -1) -> None:
        """Say an error or a notice to a client, or to all."""
        for each in list(self.clients) if client_id is None else [client_id]:
            if each in self.clients:
                self.clients[each].say(ErrorMessage(req_id=req_id, code=code, text=text))

    # -- what happens to all

    def lose_link(self, code: int = 1100) -> None:
        """The gateway loses its link upstream: 1100 or 2110."""
        self.house.link.lose(code)

    def restore_link(self, *, data_lost: bool) -> None:
        """The link is back: 1101 and no subscription, or 1102 and all of them. What waited for it is done now."""
        self.house.market.step()  # what has happened meanwhile is not told to anybody
        self.house.link.restore(data_lost=data_lost)
        for client in self._started():
            if data_lost:
                client.lose_data()
            client.resume()
            client.caught_up()
        orphans, self._orphans = self._orphans, []
        for client in orphans:
            client.resume()
        self.house.market.step()

    def compete(self) -> None:
        """Another login takes the market data: 10197 under every subscription."""
        self.house.link.competing = True
        for client in self._started():
            client.suspend(10197, COMPETING)

    def end_competition(self) -> None:
        self.house.link.competing = False
        self._prices_flow()

    def break_farm(self, farm: str) -> None:
        """Raises LookupError for a farm that is not there."""
        self.house.link.break_farm(farm)

    def mend_farm(self, farm: str) -> None:
        """Raises LookupError for a farm that is not there."""
        self.house.link.mend_farm(farm)
        self._prices_flow()

    def _prices_flow(self) -> None:
        for client in self._started():
            client.caught_up()

    def _started(self) -> list[Client]:
        return [session.client for session in list(self.clients.values()) if session.client is not None]

    def _say_to_all(self, message: ServerMessage) -> None:
        for session in list(self.clients.values()):
            session.say(message)

    def _hand_out(self) -> None:
        """Pass on what the broker has said by now, and which positions have changed."""
        broker, up = self.house.broker, self.house.link.up
        for client_id, message in broker.take(self.clock.market_ns()):
            session = self.clients.get(client_id)
            if self._observed is not None and client_id == OBSERVER:
                self._observed.append(message)
            elif session is not None and up:
                session.say(message)
        held = [
            (name, con_id, holding.quantity)
            for name, book in broker.books.items()
            for con_id, holding in book.costs.holdings.items()
        ]
        if up and held != self._held:
            self._held = held
            for client in self._started():
                client.positions_changed()
