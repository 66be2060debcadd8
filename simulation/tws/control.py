"""The hand on a running gateway: everything that a test, a plan or a person at a terminal can make happen."""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import msgspec

from model.units import cash
from simulation.tws.broker.codes import Refusal
from simulation.tws.broker.listing import decimal, quantity_in
from simulation.tws.catalogue import Refused
from simulation.tws.dump import Book, book_of
from simulation.tws.faults import Fault, Harm
from simulation.tws.gateway import Gateway
from simulation.tws.requests import PlaceOrder
from simulation.tws.session import Session

P = ParamSpec("P")
R = TypeVar("R")

VERBS: dict[str, str] = {}
"""Everything that can be done -> what it does, in one sentence."""


class ControlError(ValueError):
    """What was asked for cannot be done; the text says why, in one sentence."""


def verb(method: Callable[Concatenate[Control, P], R]) -> Callable[Concatenate[Control, P], R]:
    """A method that can also be asked for by its name, and that is logged."""
    VERBS[method.__name__] = (method.__doc__ or "").partition("\n")[0].strip()

    @wraps(method)
    def done(self: Control, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self.gateway.clock.begin()
        if not self._depth:
            arguments = inspect.signature(method).bind(self, *args, **kwargs).arguments
            self.logged(method.__name__, {key: value for key, value in arguments.items() if key != "self"})
        with self.within():
            return method(self, *args, **kwargs)

    return cast("Callable[Concatenate[Control, P], R]", done)


class Control:
    """One gateway's control. Prices and quantities are a client's: pence for a line in pence.

    A contract is named by its con id or by its instrument's id.  Everything raises ControlError when it cannot be done.
    logged: told what is done by hand, and with what.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.logged: Callable[[str, dict[str, Any]], None] = lambda name, arguments: None
        self._coming: set[asyncio.Task[None]] = set()
        self._depth = 0

    def do(self, name: str, arguments: dict[str, Any]) -> object:
        """Do something by its name. Raises ControlError for an unknown name or arguments that do not fit."""
        if name not in VERBS:
            raise ControlError(f"{name!r} cannot be done; there are {', '.join(VERBS)}")
        method = getattr(self, name)
        wanted = typing.get_type_hints(method)
        unknown = [key for key in arguments if key not in wanted or key == "return"]
        if unknown:
            raise ControlError(f"{name} knows no {unknown[0]}")
        lacking = [
            key
            for key, one in inspect.signature(method).parameters.items()
            if one.default is inspect.Parameter.empty and key not in arguments
        ]
        if lacking:
            raise ControlError(f"{name} needs {', '.join(lacking)}")
        try:
            found = {key: msgspec.convert(value, wanted[key]) for key, value in arguments.items()}
        except msgspec.ValidationError as error:
            raise ControlError(f"{name}: {error}") from None
        return method(**found)

    async def arrived(self) -> None:
        """Wait until everything that was told to come up has done so. Raises OSError when a port cannot be had."""
        await asyncio.gather(*self._coming)

    @contextmanager
    def within(self) -> Iterator[None]:
        """What is done in here follows from what was done before: it is not logged by itself."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _later(self, seconds: float, deed: Callable[[], None]) -> None:
        def follow() -> None:
            with self.within():
                deed()

        self.gateway.clock.later(seconds, follow)

    # -- the wire

    @verb
    def inject(
        self,
        message: str,
        harm: Harm,
        nth: int = 0,
        client: int | None = None,
        seconds: float = 0.0,
        code: int = 0,
        text: str = "",
    ) -> None:
        """Harm the nth message of a kind, counted since the plan began; the next one when nth is 0."""
        how = {"client": client, "seconds": seconds, "code": code, "text": text}
        try:
            if nth:
                fault = {"message": message, "nth": nth, "harm": harm.value, **how}
                self.gateway.plan.add(msgspec.convert(fault, Fault))
            else:
                self.gateway.plan.next(message, harm, **how)  # type: ignore[arg-type]
        except ValueError as error:
            raise ControlError(str(error)) from None

    @verb
    def relent(self) -> None:
        """Harm nothing more than what was harmed already."""
        self.gateway.plan.relent()

    @verb
    def disconnect_all(self) -> None:
        """End every connection at once; what has not been sent is lost."""
        self.gateway.disconnect_all()

    @verb
    def disconnect(self, client: int) -> None:
        """End one client's connection at once."""
        self._session(client).abort()

    @verb
    def fall_silent(self, client: int) -> None:
        """Neither read nor answer a client any more, with its socket open."""
        self._session(client).fall_silent()

    @verb
    def linger(self, client: int, seconds: float) -> None:
        """Keep a client id in use for so long, as if an old session of it were not gone yet: 326."""
        self.gateway.keep_id(client, seconds)

    @verb
    def go_down(self, seconds: float | None = None) -> None:
        """Stop listening and end every connection; for so long, or until it is told to come up."""
        self.gateway.go_down()
        if seconds is not None:
            self._later(seconds, self.come_up)

    @verb
    def come_up(self) -> None:
        """Listen again."""
        task = asyncio.get_running_loop().create_task(self.gateway.come_up())
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    @verb
    def restart(self, seconds: float = 0.0, roll_back: int = 0) -> None:
        """Go down and come up so much later; every client's next order id is then so much lower than it was."""
        broker = self.gateway.house.broker
        for client in sorted(self.gateway.known) if roll_back else ():
            broker.roll_back_ids(client, max(1, broker.next_order_id(client) - roll_back))
        self.gateway.go_down()
        self._later(seconds, self.come_up)

    # -- what it is connected to

    @verb
    def lose_link(self, seconds: float | None = None, data_lost: bool = False, code: int = 1100) -> None:
        """Lose the link upstream: 1100, or 2110; it comes back by itself when seconds are said."""
        if code not in (1100, 2110):
            raise ControlError(f"a link is lost with 1100 or 2110, not with {code}")
        self.gateway.lose_link(code)
        if seconds is not None:
            self._later(seconds, lambda: self.restore_link(data_lost))

    @verb
    def restore_link(self, data_lost: bool = False) -> None:
        """Bring the link back: 1101 when the subscriptions of data are lost, else 1102."""
        self.gateway.restore_link(data_lost=data_lost)

    @verb
    def break_farm(self, farm: str = "usfarm", seconds: float | None = None) -> None:
        """Break a farm: 2103, 2105 or 2157."""
        self._try(lambda: self.gateway.break_farm(farm))
        if seconds is not None:
            self._later(seconds, lambda: self.mend_farm(farm))

    @verb
    def mend_farm(self, farm: str = "usfarm") -> None:
        """Mend a farm: 2104, 2106 or 2158."""
        self._try(lambda: self.gateway.mend_farm(farm))

    @verb
    def compete(self, seconds: float | None = None) -> None:
        """Let another login take the market data: 10197."""
        self.gateway.compete()
        if seconds is not None:
            self._later(seconds, self.end_competition)

    @verb
    def end_competition(self) -> None:
        """Let market data flow again."""
        self.gateway.end_competition()

    @verb
    def say(self, code: int, text: str, client: int | None = None, req_id: int = -1) -> None:
        """Say an error or a notice to a client, or to all."""
        self.gateway.say(code, text, client, req_id)

    # -- the market

    @verb
    def set_price(
        self,
        contract: int | str,
        bid: float,
        ask: float,
        last: float | None = None,
        bid_size: float = 1_000_000.0,
        ask_size: float = 1_000_000.0,
        last_size: float = 100.0,
    ) -> None:
        """Set a contract's market; the recorded one is silent until it is let loose."""
        con_id = self._con_id(contract)
        price = self.gateway.house.catalogue.price
        sizes = (quantity_in(bid_size), quantity_in(ask_size))
        traded = self._try(lambda: price(con_id, last)) if last is not None else 0
        sides = self._try(lambda: (price(con_id, bid), price(con_id, ask)))
        self.gateway.house.market.pin(con_id, *sides, sizes, traded, quantity_in(last_size))

    @verb
    def let_loose(self, contract: int | str) -> None:
        """Let the recorded market speak again of a contract."""
        self.gateway.house.market.loosen(self._con_id(contract))

    # -- the broker

    @verb
    def correct(self, exec_id: str, shares: float, price: float) -> None:
        """Let the exchange correct an execution: quantity and price as they should have been."""
        house = self.gateway.house
        con_id = self._con_id_of(exec_id)
        told = self._try(lambda: house.catalogue.price(con_id, price))
        self._try(lambda: house.broker.correct(exec_id, quantity_in(shares), told))
        house.market.step()

    @verb
    def bust(self, exec_id: str) -> None:
        """Let the exchange cancel an execution."""
        self._try(lambda: self.gateway.house.broker.correct(exec_id, 0, 0))
        self.gateway.house.market.step()

    @verb
    def roll_back_ids(self, client: int, next_id: int) -> None:
        """Forget that a client used order ids from this one on: they are given out again."""
        self.gateway.house.broker.roll_back_ids(client, next_id)

    @verb
    def enter_by_hand(self, order: PlaceOrder) -> int:
        """Enter an order as a person does at the gateway; its permId."""
        house = self.gateway.house
        contract = self._try(lambda: house.catalogue.qualify(order.contract))[0].contract
        house.market.hold(contract.con_id)
        made = house.broker.enter_by_hand(contract, order.order)
        house.market.step()
        if isinstance(made, Refusal):
            raise ControlError(made.text)
        return made.perm_id

    @verb
    def transfer(self, account: str, contract: int | str, quantity: float, price: float) -> None:
        """Bring a position in, or out below zero, at this price."""
        house, con_id = self.gateway.house, self._con_id(contract)
        house.market.hold(con_id)
        told = self._try(lambda: house.catalogue.price(con_id, price))
        self._try(lambda: house.broker.transfer(account, con_id, quantity_in(quantity), told))
        house.market.step()

    @verb
    def move_cash(self, account: str, id: str, kind: str, currency: str, amount: float) -> None:
        """Pay money in or out: deposit, interest, dividend. A known id is ignored."""
        money = self._try(lambda: cash(decimal(amount)))
        self._try(lambda: self.gateway.house.broker.move_cash(account, id, kind, currency, money))
        self.gateway.house.market.step()

    @verb
    def accrue(self, account: str, currency: str, amount: float) -> None:
        """Let interest or a dividend accrue."""
        money = self._try(lambda: cash(decimal(amount)))
        self._try(lambda: self.gateway.house.broker.accrue(account, currency, money))

    @verb
    def locate(self, contract: int | str) -> None:
        """Find the shares that short sales of a contract wait for."""
        self.gateway.house.broker.locate(self._con_id(contract))
        self.gateway.house.market.step()

    @verb
    def dump(self) -> Book:
        """Everything the broker knows: positions, money, orders, executions."""
        return self._book()

    # -- inside

    def _book(self) -> Book:
        return book_of(self.gateway.house.broker, self.gateway.enquire)

    def _session(self, client: int) -> Session:
        found = self.gateway.clients.get(client)
        if found is None:
            raise ControlError(f"client {client} is not connected")
        return found

    def _con_id(self, contract: int | str) -> int:
        catalogue = self.gateway.house.catalogue
        if isinstance(contract, str):
            return self._try(lambda: catalogue.con_id_of(contract))
        return self._try(lambda: catalogue.listed(contract)).con_id

    def _con_id_of(self, exec_id: str) -> int:
        executions = self._book().executions
        found = [each.contract.con_id for each in executions if each.execution.exec_id == exec_id]
        if not found:
            raise ControlError(f"there is no execution {exec_id!r}")
        return found[0]

    def _try(self, ask: Callable[[], R]) -> R:
        try:
            return ask()
        except Refused as refused:
            raise ControlError(refused.text) from None
        except KeyError as error:
            raise ControlError(f"there is no {error.args[0]!r}") from None
        except (LookupError, ValueError) as error:
            raise ControlError(str(error)) from None
