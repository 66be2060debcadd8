"""One session at the gateway that ends what an engine has left: every client's orders are seen, ours are cancelled.

Nothing is taken for ended because it is not shown: the broker says of each order that it has ended, and three clean
looks then agree that none is open. A closing order is known by its reference. It is looked for by such looks before it
is sent, also the first time, and once it may have left before the gateway's midnight it is never sent again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from model.instruments import Instrument
from model.orders import OpenOrder, OrderSpec, VenuePosition
from model.units import NS_PER_SECOND, Qty
from ports.ib.account_guard import check_accounts, check_settings
from ports.ib.cash_watch import CashWatch
from ports.ib.codes import Action
from ports.ib.contracts import BAG, Pins, Query
from ports.ib.deaf import Deaf
from ports.ib.emergency_ears import OVER, Ears, EveryOrder
from ports.ib.encoding import Encoded, encode
from ports.ib.errors import IBError, IdInUse, LinkLost, Unanswered
from ports.ib.heard import FILLED, OrderSeen
from ports.ib.look import Look, Looks, folded
from ports.ib.maintenance import midnight_ns
from ports.ib.order_ids import Durable
from ports.ib.pacer import Lane
from ports.ib.qualify import Qualifier
from ports.ib.session import POSITIONS, Session
from ports.ib.settings import IBSettings
from ports.ib.snapshots import CASH_PAIR, name_of
from ports.ib.wire_numbers import px_in

FIRST_ORDER_ID = 500_000_000
"""A cancel names an order by its number alone when another client placed it: ours are far from every engine's."""
MOST_LOOKS = 12
"""For one deed; after that it is told as not done, and the guardian begins again."""
FENCED = "another has the account by now: the guardian's token does not stand any more"


class Emergency:
    """settings: with the client id of this session.  book: the client id under which sendings are remembered, whatever
    id a session has.  instruments: names of what may be held.  may_send: asked before each request leaves."""

    def __init__(
        self, settings: IBSettings, book: int, instruments: Iterable[Instrument], *, may_send: Callable[[], bool],
        now_ns: Callable[[], int],
    ) -> None:  # fmt: skip
        self._settings, self._book, self._may_send, self._now_ns = settings, book, may_send, now_ns
        self._pins = Pins(instruments)
        self._blocked: dict[str, str] = {}
        self._qualifier = Qualifier(self._pins, {}, self._blocked.__setitem__)
        self._nobodys: set[int] = set()
        self._ears = Ears()
        self._gap_ns = int(settings.patience.look_gap_s * NS_PER_SECOND)
        self._cancel_ns = int(settings.patience.cancel_s * NS_PER_SECOND)
        self._looks = Looks(settings.patience.look_gap_s)
        self._session: EveryOrder
        self._durable: Durable

    async def open(self) -> None:
        """Raises IBError, OSError and sqlite3.Error: there is no session then."""
        check_settings(self._settings)
        self._session = session = EveryOrder(self._settings, self._ears, CashWatch(0.0), now_ns=self._now_ns)
        self._ears.end = session.end
        try:
            await session.open()
            check_accounts(self._settings, session.accounts)
            self._durable = Durable(Path(self._settings.state_dir), self._book)
            self._durable.at_least(max(session.valid_id, FIRST_ORDER_ID))
        except (IBError, OSError, sqlite3.Error) as error:
            session.close("the guardian could not begin")
            if self._ears.lost and isinstance(error, IBError):
                raise LinkLost(self._ears.lost, "it is tried again") from error
            raise

    def close(self) -> None:
        self._session.close("the guardian is done")

    # -- what there is

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        """Of our account, whoever placed them."""
        look = await self._look()
        return tuple(self._open(each, _filled(each.ref, look)) for each in look.open if each.status not in OVER)

    async def positions(self) -> tuple[VenuePosition, ...]:
        """By the house's names; a contract that is nobody's keeps the broker's number."""
        look = await self._look()
        await self._identify(look)
        return tuple(
            VenuePosition(name_of(each.contract, self._pins), each.quantity)
            for each in look.positions
            if each.quantity and each.contract.sec_type != CASH_PAIR
        )

    # -- what is done

    async def end_all(self, prefix: str, keep: Collection[str]) -> list[str]:
        """Cancel every open order of our account whose reference begins so, except those of `keep`; their references,
        once each has been said to be over and three looks show none. Raises Unanswered, naming what did not end."""
        found: dict[int, OrderSeen] = {}
        asked_ns: dict[tuple[int, int], int] = {}
        trouble: dict[int, str] = {}
        ears, look = self._ears, await self._look()
        self._looks.forget()
        for _ in range(MOST_LOOKS):
            left = [each for each in look.open if self._to_end(each, prefix, keep)]
            found |= {each.perm_id: each for each in left if each.perm_id}  # 0 until the broker has named it
            if left:
                self._looks.forget()
                for each in left:
                    if self._now_ns() >= asked_ns.get((each.client, each.order_id), 0) + self._cancel_ns:
                        asked_ns[each.client, each.order_id] = self._now_ns()
                        trouble[each.perm_id] = await self._cancel(each)
                asked = {each.perm_id for each in left}
                await ears.until(partial(asked.issubset, ears.ended), self._gap_ns)
            elif self._looks.prove(0) and all(self._over(each, look) for each in found.values()):
                return list(dict.fromkeys(each.ref for each in found.values()))
            else:
                await asyncio.sleep(self._looks.wait_s(asyncio.get_running_loop().time()))
            look = await self._look()
        lasting = [each for each in found.values() if not self._over(each, look)]
        named = ", ".join(f"{each.ref} ({trouble[each.perm_id] or self._objection(each)})" for each in lasting)
        raise Unanswered(f"{len(lasting)} orders were cancelled and did not end: {named}")

    def _objection(self, order: OrderSeen) -> str:
        complaint, _ = self._ears.objections.get(order.order_id, (None, None))
        return f"{complaint.code}: {complaint.text}" if complaint else order.status

    @staticmethod
    def _to_end(order: OrderSeen, prefix: str, keep: Collection[str]) -> bool:
        return order.ref.startswith(prefix) and order.ref not in keep and order.status not in OVER

    async def send(self, spec: OrderSpec) -> str:
        """Send a closing order unless it was sent before. What is against it; empty when the broker has it or had it
        filled. Raises IBError: what became of it is not known then, and sending it again looks first."""
        left_ns = self._durable.left_ns(spec.client_id)
        look = await self._proved(left_ns)
        known = _fate(spec.client_id, look)
        if known is not None:
            return known
        if left_ns and left_ns < midnight_ns(self._now_ns(), self._settings.day_zone):
            return "it may have been sent before the gateway's midnight, and what happened then is not told any more"
        await self._identify(look)
        try:
            pin = self._pins.tradeable(spec.instrument)
            encoded = encode(spec, pin, self._settings)
        except IBError as error:
            return f"{self._blocked.get(spec.instrument, error)}: {error.next}"
        return await self._answered(spec.client_id, self._place(spec.client_id, pin.query, encoded))

    def _place(self, ref: str, query: Query, encoded: Encoded) -> int:
        """Hand an order to the socket under a new number, and before that to the disk that it may have left."""
        from ports.ib.forms import contract_form, order_form

        order_id = self._durable.next_id()
        contract, order = contract_form(query), order_form(encoded)

        def write() -> None:
            self._durable.leaves(ref, self._now_ns())
            self._session.client.placeOrder(order_id, contract, order)

        self._write(Lane.ORDER, write)
        return order_id

    async def _answered(self, ref: str, order_id: int) -> str:
        """What the broker made of an order: what it shows counts, and an objection only where it shows nothing."""
        ears = self._ears
        for _ in range(MOST_LOOKS):
            await ears.until(lambda: ref in ears.spoken_of or order_id in ears.objections, self._gap_ns)
            known = _fate(ref, await self._look())
            complaint, rule = ears.objections.get(order_id, (None, None))
            if known is not None:
                return f"{complaint.code}: {complaint.text}" if known and complaint else known
            if complaint is not None and rule is not None and rule.action is Action.REJECT:
                return f"{complaint.code}: {complaint.text}"
            ears.spoken_of.discard(ref)
        raise Unanswered(f"nothing is known of {ref}, which was sent")

    async def _proved(self, sent_ns: int) -> Look:
        """The last of three looks that agree, each of them begun after a moment."""
        for _ in range(MOST_LOOKS):
            look = await self._look()
            if self._looks.prove(sent_ns):
                return look
            await asyncio.sleep(self._looks.wait_s(asyncio.get_running_loop().time()))
        raise Unanswered(f"{MOST_LOOKS} looks did not come to agree")

    # -- cancels

    async def _cancel(self, seen: OrderSeen) -> str:
        """Ask for one order's end; why it could not be asked, empty when it was."""
        if seen.order_id <= 0:
            return "it has no number under which a program could cancel it"
        if self._session.numbers.get(seen.order_id, set()) == {seen.client}:
            self._write(Lane.CANCEL, lambda: self._session.client.cancelOrder(seen.order_id))
            return ""
        return await self._cancel_as_owner(seen)

    async def _cancel_as_owner(self, seen: OrderSeen) -> str:
        """Another client has an open order of the same number: it must not be hit, so the order's own client asks."""
        settings = replace(self._settings, client_id=seen.client)
        owner = Session(settings, Deaf(), CashWatch(0.0), now_ns=self._now_ns)
        try:
            await owner.open()
            check_accounts(settings, owner.accounts)
            self._write(Lane.CANCEL, lambda: owner.client.cancelOrder(seen.order_id), owner)
            await owner.server_time_ns()  # answered in order: the cancel has arrived
        except IdInUse:
            return f"another order has its number {seen.order_id}, and its client id {seen.client} is still in use"
        except IBError as error:
            return str(error)
        finally:
            owner.close("the cancel was asked for")
        return ""

    def _write(self, lane: Lane, write: Callable[[], None], session: Session | None = None) -> None:
        """Raises LinkLost when it surely did not leave."""

        def allowed() -> None:
            if not self._may_send():
                raise ConnectionError(FENCED)
            if self._ears.lost:
                raise ConnectionError(self._ears.lost)
            write()

        kept: list[str] = []
        (session or self._session).send(lane, allowed, kept.append)
        if kept:
            raise LinkLost(kept[0], "it is tried again")

    def _over(self, order: OrderSeen, look: Look) -> bool:
        """Whether the broker has said that an order is over: unasked, or in any part of a look."""
        named = {each.perm_id for each in (*look.completed, *(each for each in look.open if each.status in OVER))}
        return order.perm_id in (named | self._ears.ended) or _filled(order.ref, look) >= order.quantity

    # -- looks

    async def _look(self) -> Look:
        """Everything that can be open or held, and what has ended. Raises Unanswered, RequestRefused, LinkLost."""
        session, ears = self._session, self._ears
        if session.over.done():
            raise LinkLost(session.over.result(), "it is opened again")
        if ears.lost:
            raise LinkLost(ears.lost, "it is tried again")
        began_ns, began_s, stretch = self._now_ns(), asyncio.get_running_loop().time(), ears.stretch
        session.numbers.clear()
        shown, ended = await session.orders()
        within_s = self._settings.patience.answer_s
        held = await session.questions.ask(POSITIONS, session.client.reqPositions, within_s, Lane.TRUTH)
        done = await session.executions()
        if stretch != ears.stretch:
            raise Unanswered("the upstream link was lost while everything was looked at")
        mine = [each for each in shown if each.account == self._settings.account]
        look = Look(
            began_ns=began_ns, began_s=began_s, as_of_ns=began_ns, session=(id(session), stretch), open=tuple(mine),
            completed=ended, executions=done, cash={},
            positions=tuple({each.contract.con_id: each for each in held}.values()),
        )  # fmt: skip
        self._looks.add(look)
        return look

    async def _identify(self, look: Look) -> None:
        """Find out what is held. Cancels never wait for this."""
        for contract in (each.contract for each in look.positions):
            if not contract.con_id or contract.con_id in self._nobodys or contract.sec_type == "BAG":
                continue
            if self._pins.of_contract(contract) is None and not await self._qualifier.identify(
                self._session, contract.con_id, self._now_ns()
            ):
                self._nobodys.add(contract.con_id)

    def _open(self, seen: OrderSeen, filled: int) -> OpenOrder:
        pin = self._pins.of_contract(seen.contract)
        limit = px_in(seen.limit, pin.magnifier if pin else 1) if seen.limit is not None else 0
        return OpenOrder(
            client_id=seen.ref or f"perm-{seen.perm_id}", venue_id=str(seen.perm_id),
            instrument=name_of(seen.contract, self._pins), side=seen.side, quantity=seen.quantity, filled=filled,
            limit=limit,
        )  # fmt: skip


def _filled(ref: str, look: Look) -> Qty:
    return sum(each.shares for each in folded(look.executions) if each.ref == ref and each.contract.sec_type != BAG)


def _fate(ref: str, look: Look) -> str | None:
    """What became of an order that was sent: None when nothing shows it, empty when it works or has filled."""
    if any(each.ref == ref and each.status not in OVER for each in look.open):
        return ""
    filled = _filled(ref, look)
    ended = [each for each in (*look.completed, *look.open) if each.ref == ref]
    if not ended:
        return "" if filled else None
    last = ended[-1]
    if last.status == FILLED or filled >= last.quantity:
        return ""
    return f"it was sent and ended as {last.words or last.status}, with {filled} of {last.quantity} filled"
