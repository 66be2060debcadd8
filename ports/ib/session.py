"""One session: what is said to the gateway goes through the pacer, what it says goes to who understands it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, Protocol

from model.units import NS_PER_SECOND, Cash
from ports.ib.cash_watch import CashWatch
from ports.ib.codes import Action, Rule, rule_of
from ports.ib.errors import Unanswered
from ports.ib.heard import (
    Complaint,
    CostSeen,
    ExecutionSeen,
    OrderSeen,
    StatusSeen,
    cost_seen,
    execution_seen,
    order_seen,
    position_seen,
)
from ports.ib.ledger import Ledger
from ports.ib.look import Look
from ports.ib.pacer import Lane, Paced, Pacer
from ports.ib.questions import FIRST_REQUEST, Questions
from ports.ib.settings import IBSettings
from ports.ib.wire_numbers import amount_in, qty_in

OPEN, COMPLETED, POSITIONS, ACCOUNT, TIME = "open orders", "completed orders", "positions", "account values", "time"
CUT_OFF, REACHED = frozenset({1100, 2105, 2110}), frozenset({1101, 1102, 2106})
"""What the gateway says when it loses the broker or the farm of the past, and when it has them again."""
LIVE = -1
"""The request id of executions that nobody asked for."""


class Hearer(Protocol):
    """Who takes what a session hears; the port."""

    def heard_order(self, seen: OrderSeen) -> None: ...
    def heard_status(self, seen: StatusSeen) -> None: ...
    def heard_execution(self, seen: ExecutionSeen, live: bool) -> None: ...
    def heard_cost(self, cost: CostSeen) -> None: ...
    def heard_complaint(self, complaint: Complaint, rule: Rule) -> None: ...
    def heard_price(self, req_id: int, kind: int, price: float, size: float) -> None: ...
    def heard_size(self, req_id: int, kind: int, size: float) -> None: ...
    def heard_data_kind(self, req_id: int, kind: int) -> None: ...


class Session:
    """Ears of one connection. `over` is done, with the reason, when it has ended or must end.

    cut_off: the gateway does not reach the past, so that its `no data` is no answer.
    number: of the session and of the stretch without a loss of the upstream link; looks of one stretch only are
    compared.
    """

    def __init__(self, settings: IBSettings, hearer: Hearer, cash: CashWatch, *, now_ns: Callable[[], int]) -> None:
        from ports.ib.wire import Wire

        loop = asyncio.get_running_loop()
        self.settings = settings
        self.pacer = Pacer(settings.messages_per_s, loop)
        self.questions = Questions(self.pacer)
        self.stretch = 0
        self.accounts: tuple[str, ...] = ()
        self.valid_id = 0
        self.cut_off = False
        self.defect: Exception | None = None
        self.over: asyncio.Future[str] = loop.create_future()
        self._hearer, self._cash_watch, self._now_ns = hearer, cash, now_ns
        self._ledger = Ledger()
        self._cost_came = asyncio.Event()
        self._wire = Wire(settings, self)
        self.client = self._wire.client

    @property
    def base(self) -> str:
        """The account's base currency; empty until the account was looked at."""
        return self._ledger.base

    async def open(self) -> None:
        """Raises IdInUse and NotOpened."""
        self.accounts = await self._wire.open()

    def end(self, reason: str) -> None:
        """Let whoever waits for `over` know."""
        if not self.over.done():
            self.over.set_result(reason)

    def close(self, reason: str) -> None:
        """Nobody will answer, and what waits in the pacer was never sent."""
        self.end(reason)
        self.questions.lost(reason)
        self.pacer.drop(reason)
        self._wire.close()

    def send(self, lane: Lane, write: Callable[[], None], unsent: Callable[[str], None]) -> None:
        self.pacer.put(Paced(lane, write, unsent))

    # -- questions

    async def _truth(self, key: Hashable, send: Callable[[], None], within_s: float) -> list[Any]:
        """A question that outruns every download and subscription: behind them its deadline would pass."""
        return await self.questions.ask(key, send, within_s, Lane.TRUTH)

    async def server_time_ns(self) -> int:
        """Raises Unanswered, LinkLost."""
        told = await self._truth(TIME, self.client.reqCurrentTime, self.settings.patience.silence_s)
        return int(told[-1]) * NS_PER_SECOND

    async def details(self, contract: Any) -> list[Any]:
        """Every contract that fits. Raises RequestRefused (200 for none), Unanswered, LinkLost."""
        req_id = self.questions.new_id()
        return await self.questions.ask(
            req_id, lambda: self.client.reqContractDetails(req_id, contract), self.settings.patience.answer_s
        )

    async def rule(self, rule_id: int) -> list[Any]:
        """The steps of a market rule. Raises Unanswered, LinkLost."""
        told = await self.questions.ask(
            ("rule", rule_id), lambda: self.client.reqMarketRule(rule_id), self.settings.patience.answer_s
        )
        return list(told[-1])

    async def orders(self) -> tuple[tuple[OrderSeen, ...], tuple[OrderSeen, ...]]:
        """Open orders of every client, then those that have ended today: none can fall between the two."""
        within_s = self.settings.patience.answer_s
        shown = await self._truth(OPEN, self.client.reqAllOpenOrders, within_s)
        ended = await self._truth(COMPLETED, lambda: self.client.reqCompletedOrders(False), within_s)
        newest = {(each.client, each.order_id, each.perm_id): each for each in shown}
        return tuple(newest.values()), tuple(ended)

    async def executions(self) -> tuple[ExecutionSeen, ...]:
        """Everything executed since the gateway's midnight."""
        from ports.ib.forms import executions_filter

        req_id, asked = self.questions.new_id(), executions_filter(self.settings.account)
        within_s = self.settings.patience.answer_s
        told = await self._truth(req_id, lambda: self.client.reqExecutions(req_id, asked), within_s)
        return tuple(told)

    async def look(self, costs_missing: Callable[[tuple[ExecutionSeen, ...]], bool]) -> Look:
        """Everything, each part with its end marker. Raises Unanswered, RequestRefused, LinkLost for a part."""
        began_ns, began_s, stretch = self._now_ns(), asyncio.get_running_loop().time(), self.stretch
        within_s = self.settings.patience.answer_s
        shown, ended = await self.orders()
        positions = await self._truth(POSITIONS, self.client.reqPositions, within_s)
        ((cash, accrued),) = await self._truth(ACCOUNT, self._ask_account, within_s)
        as_of_ns = self._cash_watch.as_of(began_ns)
        done = await self.executions()
        await self._costs(lambda: costs_missing(done))
        if stretch != self.stretch:
            raise Unanswered("the upstream link was lost while everything was looked at")
        return Look(
            began_ns=began_ns,
            began_s=began_s,
            as_of_ns=min(began_ns, as_of_ns),
            session=(id(self), stretch),
            open=shown,
            completed=ended,
            executions=done,
            positions=tuple({each.contract.con_id: each for each in positions}.values()),
            cash=cash,
            accrued=accrued,
        )

    def _ask_account(self) -> None:
        self.client.reqAccountUpdates(False, self.settings.account)
        self.client.reqAccountUpdates(True, self.settings.account)

    async def _costs(self, missing: Callable[[], bool]) -> None:
        """Wait for the commissions that follow executions; those that do not come in time come later."""
        try:
            async with asyncio.timeout(self.settings.patience.commission_s):
                while missing():
                    self._cost_came.clear()
                    await self._cost_came.wait()
        except TimeoutError:
            return

    # -- ears

    def on_open_order(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        if order.whatIf:
            self.questions.part(("what-if", order_id), state)
            if amount_in(state.initMarginChange) is not None:  # a warning may come first, without margins
                self.questions.end(("what-if", order_id))
            return
        seen = order_seen(contract, order, state, order_id)
        if seen.account in ("", self.settings.account):
            self.questions.part(OPEN, seen)
            self._hearer.heard_order(seen)

    def on_open_end(self) -> None:
        self.questions.end(OPEN)

    def on_completed_order(self, contract: Any, order: Any, state: Any) -> None:
        seen = order_seen(contract, order, state, order.orderId)
        if seen.account in ("", self.settings.account):
            self.questions.part(COMPLETED, seen)

    def on_completed_end(self) -> None:
        self.questions.end(COMPLETED)

    def on_status(
        self, order_id: int, status: str, filled: float, remaining: float, average: float, perm_id: int, parent: int,
        last: float, client: int, why: str, cap: float = 0.0,
    ) -> None:  # fmt: skip
        self._hearer.heard_status(StatusSeen(order_id, client, perm_id, status, qty_in(filled)))

    def on_execution(self, req_id: int, contract: Any, execution: Any) -> None:
        seen = execution_seen(contract, execution)
        if seen.account != self.settings.account:
            return
        if req_id == LIVE:
            self._cash_watch.executed(seen.contract.currency, self._now_ns())
        self._hearer.heard_execution(seen, req_id == LIVE)
        self.questions.part(req_id, seen)

    def on_executions_end(self, req_id: int) -> None:
        self.questions.end(req_id)

    def on_commission(self, report: Any) -> None:
        cost = cost_seen(report)
        if cost is not None:
            self._hearer.heard_cost(cost)
            self._cost_came.set()

    def on_position(self, account: str, contract: Any, quantity: float, cost: float) -> None:
        if account == self.settings.account:
            self.questions.part(POSITIONS, position_seen(account, contract, quantity))

    def on_position_end(self) -> None:
        self.questions.end(POSITIONS)

    def on_account_value(self, key: str, value: str, currency: str, account: str) -> None:
        if account == self.settings.account:
            self._ledger.say(key, value, currency)

    def on_account_told(self, at: str) -> None:
        """One turn of account updates is complete: figures of one moment, which add up."""
        self._said_cash()

    def on_account_end(self, account: str) -> None:
        if account == self.settings.account:
            self.questions.part(ACCOUNT, (self._said_cash(), self._ledger.accrued()))
            self.questions.end(ACCOUNT)

    def _said_cash(self) -> dict[str, Cash]:
        cash = self._ledger.settled()
        for currency, amount in cash.items():
            self._cash_watch.said(currency, amount)
        return cash

    def on_time(self, epoch_s: int) -> None:
        self.questions.part(TIME, epoch_s)
        self.questions.end(TIME)

    def on_valid_id(self, order_id: int) -> None:
        self.valid_id = order_id

    def on_contract(self, req_id: int, details: Any) -> None:
        self.questions.part(req_id, details)

    def on_contract_end(self, req_id: int) -> None:
        self.questions.end(req_id)

    def on_rule(self, rule_id: int, steps: Any) -> None:
        self.questions.part(("rule", rule_id), steps)
        self.questions.end(("rule", rule_id))

    def on_bar(self, req_id: int, bar: Any) -> None:
        self.questions.part(req_id, bar)

    def on_bars_end(self, req_id: int, start: str, end: str) -> None:
        self.questions.end(req_id)

    def on_head(self, req_id: int, text: str) -> None:
        self.questions.part(req_id, text)
        self.questions.end(req_id)

    def on_price(self, req_id: int, kind: int, price: float, size: float) -> None:
        self._hearer.heard_price(req_id, kind, price, size)

    def on_size(self, req_id: int, kind: int, size: float) -> None:
        self._hearer.heard_size(req_id, kind, size)

    def on_snapshot_end(self, req_id: int) -> None:
        self.questions.end(req_id)

    def on_data_kind(self, req_id: int, kind: int) -> None:
        self._hearer.heard_data_kind(req_id, kind)

    def on_complaint(self, complaint: Complaint) -> None:
        """An error about a question ends that question; everything else is the port's."""
        rule = rule_of(complaint.code)
        if complaint.code in CUT_OFF | REACHED:
            self.cut_off = complaint.code in CUT_OFF
        if complaint.about >= FIRST_REQUEST and rule.action not in (Action.NOTE, Action.DATA_DELAYED):
            if self.questions.refuse(complaint.about, complaint.code, complaint.text):
                return
        elif self.questions.refuse(("what-if", complaint.about), complaint.code, complaint.text):
            return
        self._hearer.heard_complaint(complaint, rule)

    def on_defect(self, error: Exception) -> None:
        """The gateway said what we do not understand, or we are wrong: end the session, and the supervisor sees it."""
        self.defect = self.defect or error
        self.end(f"something that was heard could not be taken: {error!r}")

    def on_hung_up(self, reason: str) -> None:
        self.end(reason or "the gateway hung up")
