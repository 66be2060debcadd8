"""Laws of the broker, for any trading day that can be drawn.

Money: cash is what it was at the start, less what every execution cost, plus what was settled.  Quantity: what clients
were told of executions is what the account holds, and what their orders say has filled.  Status: a client never hears a
status that may not follow the last one it heard.  Cost: cost and realised profit sum to what was paid.  Ends: nothing
that has ended is shown as open.
"""

from __future__ import annotations

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from model.units import CASH_SCALE, QTY_SCALE
from simulation.tws.broker import BrokerRules, seeded
from simulation.tws.broker.ticket import ENDED, LAW
from simulation.tws.replies import CompletedOrder, ExecDetails, OpenOrder, OrderStatus
from simulation.tws.terms import Contract, Order

from .kit import (
    ACCOUNT,
    CALENDAR,
    CONTRACTS,
    DAY,
    FUTURE,
    HOUR,
    OPEN,
    OPTION,
    OTHER_OPTION,
    SPREAD,
    STOCK,
    Desk,
    order,
)

TRADED = (STOCK, FUTURE, OPTION, OTHER_OPTION)
MULTIPLIER = {STOCK: 1, FUTURE: 50, OPTION: 100, OTHER_OPTION: 100}
quarters = st.integers(min_value=380, max_value=420)
clients = st.sampled_from([1, 2])


def price(quarter: int) -> float:
    return quarter / 4


@st.composite
def orders(draw: st.DrawFn) -> tuple[Order, Contract]:
    kind = draw(st.sampled_from(["LMT", "MKT", "STP", "STP LMT", "TRAIL", "LOC", "MOC", "MTL", "LMT", "LMT"]))
    tif = draw(st.sampled_from(["DAY", "DAY", "GTC", "IOC", "FOK", "OPG"]))
    combo = kind in ("LMT", "MKT") and draw(st.integers(min_value=0, max_value=5)) == 0
    far = draw(st.integers(min_value=-8, max_value=8)) / 4 if combo else price(draw(quarters))
    made = order(
        draw(st.sampled_from(["BUY", "SELL"])),
        draw(st.integers(min_value=1, max_value=9)),
        order_type=kind,
        tif=tif,
        limit=far if kind in ("LMT", "STP LMT", "LOC") else None,
        aux=price(draw(quarters)) if kind in ("STP", "STP LMT") else 1.0 if kind == "TRAIL" else None,
        oca_group=draw(st.sampled_from(["", "", "g"])),
        oca_type=draw(st.sampled_from([1, 2, 3])),
        all_or_none=draw(st.integers(min_value=0, max_value=9)) == 0,
        transmit=draw(st.integers(min_value=0, max_value=9)) > 0,
    )
    return made, SPREAD if combo else CONTRACTS[draw(st.sampled_from(TRADED))]


class Days(RuleBasedStateMachine):
    """Two clients trade a few contracts for some days."""

    route_ns = 0

    def __init__(self) -> None:
        super().__init__()
        rules = BrokerRules(route_ns=self.route_ns, commission_delay_ns=3 * 10**9)
        self.desk = Desk(rules=rules, stories=seeded(5), money={"USD": "1000000"})
        self.desk.connect(2)
        self.next = {1: 1, 2: 1}
        self.heard = 0
        self.status: dict[tuple[int, int], str] = {}
        self.filled: dict[int, float] = defaultdict(float)
        self.said_filled: dict[int, float] = {}
        self.combos: set[int] = set()
        self.placed: list[tuple[int, int, Order, Contract]] = []
        for con_id in TRADED:
            self.desk.quote(con_id, "100", "100.25", size="50")

    # -- what happens

    @rule(con_id=st.sampled_from(TRADED), bid=quarters, wide=st.integers(-1, 3), size=st.integers(0, 12))
    def quotes_change(self, con_id: int, bid: int, wide: int, size: int) -> None:
        self.desk.quote(con_id, str(price(bid)), str(price(bid + wide)), size=str(size))

    @rule(con_id=st.sampled_from(TRADED), at=quarters)
    def it_trades(self, con_id: int, at: int) -> None:
        self.desk.trade(con_id, str(price(at)))

    @rule(made=orders(), client=clients, child=st.booleans())
    def a_client_places(self, made: tuple[Order, Contract], client: int, child: bool) -> None:
        asked, contract = made
        if child and self.next[client] > 1:
            asked = replace(asked, parent_id=self.next[client] - 1)
        self.desk.place(self.next[client], asked, client=client, contract=contract)
        self.placed.append((client, self.next[client], asked, contract))
        self.next[client] += 1

    @precondition(lambda self: self.placed)
    @rule(data=st.data(), quantity=st.integers(1, 12), limit=quarters)
    def a_client_changes(self, data: st.DataObject, quantity: int, limit: int) -> None:
        client, order_id, asked, contract = data.draw(st.sampled_from(self.placed[-5:]))
        new = replace(asked, quantity=float(quantity), transmit=True)
        if new.limit is not None:
            new = replace(new, limit=price(limit) if contract.sec_type != "BAG" else 1.0)
        self.desk.place(order_id, new, client=client, contract=contract)

    @precondition(lambda self: self.placed)
    @rule(data=st.data(), client=clients)
    def a_client_cancels(self, data: st.DataObject, client: int) -> None:
        _, order_id, _, _ = data.draw(st.sampled_from(self.placed[-5:]))
        self.desk.cancel(order_id, client)

    @rule(client=clients)
    def a_client_cancels_everything(self, client: int) -> None:
        self.desk.broker.global_cancel(client)

    @rule(seconds=st.sampled_from([1, 5, 600, 3 * 3600, 12 * 3600]))
    def time_passes(self, seconds: int) -> None:
        if self.desk.now_ns < OPEN + 12 * DAY:
            self.desk.wait(self.desk.now_ns + seconds * 10**9)

    @precondition(lambda self: self.desk.now_ns < OPEN + 12 * DAY)
    @rule(price_=quarters, con_id=st.sampled_from(TRADED))
    def a_session_ends(self, price_: int, con_id: int) -> None:
        session = CALENDAR.closing_after(self.desk.now_ns)
        assert session is not None
        day = (session.closes_ns - 20 * HOUR - CALENDAR.columns[2][0] + 20 * HOUR) // DAY
        self.desk.bar(con_id, day, [str(price(price_))] * 4)

    @rule(client=clients)
    def a_client_goes_and_comes_back(self, client: int) -> None:
        self.desk.wait(self.desk.now_ns + 10 * 10**9)
        self.listen()
        self.desk.broker.disconnect(client)
        self.desk.connect(client)
        assert self.desk.broker.next_order_id(client) <= self.next[client]

    @rule()
    def the_gateway_is_killed_and_comes_back(self) -> None:
        self.desk.wait(self.desk.now_ns + 10 * 10**9)
        self.listen()
        before = self.desk.broker.answers.positions()
        self.desk.kill(1, 2)
        assert self.desk.broker.answers.positions() == before
        for client, next_id in self.next.items():
            assert self.desk.broker.next_order_id(client) <= next_id

    # -- what must hold

    def listen(self) -> None:
        self.desk.take()
        for to, message in self.desk.said[self.heard :]:
            if isinstance(message, OrderStatus) and message.client_id == to:
                key = (to, message.perm_id)
                before = self.status.get(key)
                assert before is None or before == message.status or message.status in reachable(before), (
                    f"{message.status} after {before}"
                )
                self.status[key] = message.status
                self.said_filled[message.perm_id] = max(self.said_filled.get(message.perm_id, 0.0), message.filled)
            elif isinstance(message, ExecDetails):
                perm_id = message.execution.perm_id
                if message.contract.sec_type == "BAG":
                    self.combos.add(perm_id)
                if (message.contract.sec_type == "BAG") == (perm_id in self.combos):
                    self.filled[perm_id] += message.execution.shares
        self.heard = len(self.desk.said)

    @invariant()
    def statuses_follow_the_law_and_never_say_more_than_was_executed(self) -> None:
        self.listen()
        for perm_id, said in self.said_filled.items():
            assert said <= self.filled[perm_id] + 1e-9

    @invariant()
    def cash_is_what_executions_and_settlements_made_of_it(self) -> None:
        exchange = self.desk.exchanges[ACCOUNT]
        spent = 0
        told = exchange.snapshot("law", 0)
        for fill in told.fills:
            con_id = next(c for c in TRADED if NAMES[c] == fill.instrument)
            spent += fill.fee
            if con_id != FUTURE:
                raw = fill.side * fill.quantity * fill.price * MULTIPLIER[con_id]
                spent += raw // (QTY_SCALE * 10**9 // CASH_SCALE)
        settled = sum(line.amount for each in told.settlements for line in each.lines)
        assert exchange.account.cash["USD"] == 1_000_000 * CASH_SCALE - spent + settled

    @invariant()
    def executions_sum_to_positions(self) -> None:
        held: dict[int, float] = defaultdict(float)
        for exec_ in {m.execution.exec_id: m for _, m in self.desk.said if isinstance(m, ExecDetails)}.values():
            if exec_.contract.sec_type != "BAG":
                sign = 1 if exec_.execution.side == "BOT" else -1
                held[exec_.contract.con_id] += sign * exec_.execution.shares
        account = self.desk.exchanges[ACCOUNT].account
        settled = [
            line
            for each in self.desk.exchanges[ACCOUNT].snapshot("law", 0).settlements
            for line in each.lines
            if line.final and line.quantity
        ]
        for line in settled:
            held[FUTURE] -= line.quantity / QTY_SCALE
        shown = {each.contract.con_id: each.quantity for each in self.desk.broker.answers.positions()}
        assert shown == {con_id: quantity for con_id, quantity in held.items() if quantity}
        for con_id in TRADED:
            market = account.markets.get(NAMES[con_id])
            assert (market.quantity if market is not None else 0) == round(shown.get(con_id, 0) * QTY_SCALE)

    @invariant()
    def cost_and_realised_profit_sum_to_what_was_paid(self) -> None:
        for holding in self.desk.broker.books[ACCOUNT].costs.holdings.values():
            assert holding.cost - holding.realized == holding.spent(0)

    @invariant()
    def what_has_ended_is_not_open(self) -> None:
        said = [m for _, m in self.desk.ask_all()]
        assert not any(isinstance(m, OrderStatus) and m.status in ENDED for m in said)
        self.heard = len(self.desk.said)

    def teardown(self) -> None:
        self.desk.broker.global_cancel(1)
        self.desk.wait(self.desk.now_ns + 60 * 10**9)
        assert [m for _, m in self.desk.ask_all() if isinstance(m, OpenOrder)] == []
        self.desk.broker.answers.completed_orders(1)
        completed = [m for _, m in self.desk.take() if isinstance(m, CompletedOrder)]
        assert all(each.state.status in ENDED for each in completed)


NAMES = {STOCK: "ABC", FUTURE: "FUT@202003", OPTION: "ABC C100", OTHER_OPTION: "ABC C110"}


def reachable(status: str) -> set[str]:
    """Every status that may follow, at once or after others that were not said."""
    found: set[str] = set()
    todo = [status]
    while todo:
        for each in LAW[todo.pop()] - found:
            found.add(each)
            todo.append(each)
    return found


class DaysWithARoute(Days):
    """The same, with orders, changes and cancels under way for two seconds."""

    route_ns = 2 * 10**9


FEW = settings(max_examples=1500, stateful_step_count=60, deadline=None)
TestDays = Days.TestCase
TestDays.settings = FEW
TestDaysWithARoute = DaysWithARoute.TestCase
TestDaysWithARoute.settings = FEW
