"""The books: cash by currency, positions by contract, and each sleeve's own part, in exact integers.

A position keeps two sums of price x quantity (`raw`, before the multiplier): what was paid since it was opened, and the
reference from which the venue will settle next. A future's open value is mark x quantity less the reference; a cash
instrument's is mark x quantity. Applying the same fills in another order, or split in parts, gives the same quantities,
payments, cash and values; only the average cost depends on the order, as averages do.
"""

from __future__ import annotations

import msgspec

from actors.contracts import Contract, Contracts
from model.orders import CashMoved, Fill, Filled, Settlement, Share
from model.units import CASH_SCALE, NS_PER_DAY, QTY_SCALE, Cash, Px, Qty, div_half_even

EXTERNAL_FLOWS = ("deposit", "withdrawal")
LATE_NS = 30 * NS_PER_DAY
"""How late a settlement or a cash move may come and still be news."""


class SleeveLine:
    """One sleeve's part of a position: quantity, what it paid (raw), and its profit when last marked."""

    __slots__ = ("marked", "paid", "quantity")

    def __init__(self, quantity: Qty = 0, paid: int = 0, marked: Cash = 0) -> None:
        self.quantity = quantity
        self.paid = paid
        self.marked = marked


class Position:
    """One contract's line in the books; see the module for `paid` and `reference`.

    cost: raw average cost of what is held.  marked: profit since it was opened, as of the last day's mark.
    unsettled: the settlement price that did not agree with our own quantity, 0 when all agreed.  expired: the venue has
    settled it for the last time.
    """

    __slots__ = (
        "contract", "cost", "expired", "marked", "paid", "price", "quantity", "reference", "settled_ns", "sleeves",
        "touched_ns", "unsettled",
    )  # fmt: skip

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.quantity: Qty = 0
        self.paid = 0
        self.reference = 0
        self.cost = 0
        self.price: Px = 0
        self.marked: Cash = 0
        self.sleeves: dict[str, SleeveLine] = {}
        self.touched_ns = 0
        self.settled_ns = 0
        self.unsettled: Px = 0
        self.expired = False

    def expire(self, settle: Px) -> None:
        """Nothing of the position remains after its last settlement, for any sleeve."""
        self.expired = True
        self.price = settle
        shares = tuple(Share(sleeve, -line.quantity) for sleeve, line in self.sleeves.items() if line.quantity)
        self.trade(-self.quantity, settle, shares)

    def trade(self, quantity: Qty, price: Px, shares: tuple[Share, ...]) -> None:
        """Take a signed quantity at a price; shares sum to it."""
        raw = quantity * price
        held = self.quantity
        if held == 0 or (held > 0) is (quantity > 0):
            self.cost += raw
        elif abs(quantity) <= abs(held):
            self.cost -= div_half_even(self.cost * abs(quantity), abs(held))
        else:
            self.cost = (held + quantity) * price
        self.quantity = held + quantity
        self.paid += raw
        self.reference += raw
        sleeves = self.sleeves
        for share in shares:
            line = sleeves.get(share.sleeve)
            if line is None:
                line = sleeves[share.sleeve] = SleeveLine()
            line.quantity += share.quantity
            line.paid += share.quantity * price

    def open_value(self, price: Px) -> Cash:
        """What the position adds to net asset value besides cash, in its currency."""
        contract = self.contract
        if contract.by_variation:
            return contract.money(price * self.quantity - self.reference)
        return 0 if contract.delivers else contract.money(price * self.quantity)

    def profit(self, price: Px) -> Cash:
        """Realised and unrealised profit before fees since the line was opened."""
        return self.contract.money(price * self.quantity - self.paid)

    @property
    def realised(self) -> Cash:
        """Profit of what was closed, by average cost, before fees."""
        return self.contract.money(self.cost - self.paid)

    @property
    def average_cost(self) -> Px:
        """Average price of what is held, 0 when flat."""
        if self.quantity == 0:
            return 0
        return div_half_even(self.cost if self.quantity > 0 else -self.cost, abs(self.quantity))


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A fill that is in the books, kept so that a repeat is known and a correction can replace it."""

    instrument: str
    quantity: Qty
    price: Px
    fee: Cash
    fee_currency: str
    shares: tuple[Share, ...]


class Mismatch(msgspec.Struct, frozen=True, gc=False):
    """The venue's figure differs from our own computation."""

    subject: str
    ours: int
    theirs: int
    text: str


class Books:
    """Positions and cash, and what happened to them since the last day's mark.

    `converted`, `fees`, `financing`, `flows` are amounts by currency since then; `sleeve_fees` by (sleeve, currency).
    seen_ids: when each settlement, cash move, crossing and adjustment happened; what is older than `floor_ns` is
    forgotten, and not taken any more.  reach_ns: from when on the venue last told what happened.
    """

    def __init__(self, contracts: Contracts, cash: dict[str, Cash]) -> None:
        self.contracts = contracts
        self.cash: dict[str, Cash] = dict(cash)
        self.positions: dict[str, Position] = {}
        self.converted: dict[str, Cash] = {}
        self.fees: dict[str, Cash] = {}
        self.financing: dict[str, Cash] = {}
        self.flows: dict[str, Cash] = {}
        self.sleeve_fees: dict[tuple[str, str], Cash] = {}
        self.traded: dict[str, Cash] = {}
        self.taken: dict[str, Taken] = {}
        self.taken_before: dict[str, Taken] = {}
        self.seen_ids: dict[str, int] = {}
        self.floor_ns = 0
        self.reach_ns = 0
        self.cash_touched_ns: dict[str, int] = {}

    def position(self, instrument: str) -> Position:
        found = self.positions.get(instrument)
        if found is None:
            found = self.positions[instrument] = Position(self.contracts[instrument])
        return found

    # -- fills

    def knows(self, exec_id: str) -> bool:
        return exec_id in self.taken or exec_id in self.taken_before

    def take_fill(self, filled: Filled) -> Mismatch | None:
        """Take an execution once. A correction replaces the one it names; an unknown one is reported and not taken."""
        fill = filled.fill
        if self.knows(fill.exec_id):
            return None
        if fill.corrects:
            replaced = self.taken.pop(fill.corrects, None) or self.taken_before.pop(fill.corrects, None)
            if replaced is None:
                return Mismatch(fill.instrument, 0, fill.quantity, f"correction of {fill.corrects}, which is not known")
            self._apply(_undone(replaced), fill.at_ns)
        new = Taken(fill.instrument, fill.quantity * fill.side, fill.price, fill.fee, fill.fee_currency, filled.shares)
        self._apply(new, fill.at_ns)
        self.taken[fill.exec_id] = new
        if fill.corrects:
            self.taken[fill.corrects] = Taken(fill.instrument, 0, 0, 0, fill.fee_currency, ())
        self._settles_late(fill)
        return None

    def _apply(self, done: Taken, at_ns: int) -> None:
        position = self.positions.get(done.instrument) or self.position(done.instrument)
        contract = position.contract
        position.trade(done.quantity, done.price, done.shares)
        position.touched_ns = max(position.touched_ns, at_ns)
        if position.price == 0:
            position.price = done.price
        currency = contract.currency
        money = contract.money(done.quantity * done.price)
        self.traded[currency] = self.traded.get(currency, 0) + abs(money)
        if not contract.by_variation:
            self._move(currency, -money, at_ns)
        if contract.delivers:
            delivered = div_half_even(done.quantity * CASH_SCALE, QTY_SCALE)
            self._move(contract.delivers, delivered, at_ns)
            self.converted[currency] = self.converted.get(currency, 0) - money
            self.converted[contract.delivers] = self.converted.get(contract.delivers, 0) + delivered
        if done.fee:
            self._charge(done, at_ns)

    def _charge(self, done: Taken, at_ns: int) -> None:
        currency = done.fee_currency
        self._move(currency, -done.fee, at_ns)
        self.fees[currency] = self.fees.get(currency, 0) + done.fee
        for sleeve, part in _split(done.fee, done.shares):
            key = (sleeve, currency)
            self.sleeve_fees[key] = self.sleeve_fees.get(key, 0) + part

    def _move(self, currency: str, amount: Cash, at_ns: int) -> None:
        self.cash[currency] = self.cash.get(currency, 0) + amount
        if at_ns > self.cash_touched_ns.get(currency, 0):
            self.cash_touched_ns[currency] = at_ns

    def cross(self, instrument: str, price: Px, shares: tuple[Share, ...]) -> None:
        """Sleeves trade with each other: the position stays, its parts move."""
        self.position(instrument).trade(0, price, shares)

    # -- what the venue does of its own accord

    def first_time(self, key: str, at_ns: int) -> bool:
        """True once for each settlement, cash move, crossing or adjustment.

        One from before the floor was compared with the venue's cash long ago: it is in the books, whoever repeats it.
        """
        if key in self.seen_ids or at_ns < self.floor_ns:
            return False
        self.seen_ids[key] = at_ns
        return True

    def reached(self, since_ns: int) -> None:
        """The venue told everything since a moment; what is older it does not repeat."""
        self.reach_ns = max(self.reach_ns, since_ns)

    def forgettable_ns(self, at_ns: int) -> int:
        """At a moment: ids of what happened before this are not needed any more, by the venue's reach or by age."""
        return max(self.floor_ns, min(self.reach_ns, at_ns - LATE_NS))

    def _forget_ids(self, before_ns: int) -> None:
        self.floor_ns = max(self.floor_ns, before_ns)
        for key in [key for key, at_ns in self.seen_ids.items() if at_ns < self.floor_ns]:
            del self.seen_ids[key]

    def settle(self, settlement: Settlement) -> None:
        """Take the venue's variation as cash. What our own computation does not agree with stays open."""
        for line in settlement.lines:
            position = self.position(line.instrument)
            own_raw = line.settle * position.quantity - position.reference
            agreed = line.amount == position.contract.money(own_raw)
            position.reference += own_raw if agreed else position.contract.raw_of(line.amount)
            position.unsettled = 0 if agreed else line.settle
            position.settled_ns = settlement.at_ns
            position.touched_ns = max(position.touched_ns, settlement.at_ns)
            self._move(line.currency, line.amount, settlement.at_ns)
            if line.final:
                position.expire(line.settle)

    def vary(self, instrument: str, amount: Cash, currency: str) -> int:
        """Take variation that no message of the venue told: what was open value is cash from now on. Its raw amount."""
        position = self.position(instrument)
        raw = position.contract.raw_of(amount)
        position.reference += raw
        self.cash[currency] = self.cash.get(currency, 0) + amount
        return raw

    def _settles_late(self, fill: Fill) -> None:
        """A fill from before the last settlement may be what that settlement had and we had not."""
        position = self.positions[fill.instrument]
        if position.unsettled and fill.at_ns <= position.settled_ns:
            exact = position.unsettled * position.quantity
            if position.contract.money(exact - position.reference) == 0:
                position.reference = exact
                settle, position.unsettled = position.unsettled, 0
                if position.expired:
                    position.expire(settle)

    def unsettled(self, before_ns: int) -> list[Mismatch]:
        """Settlements of before a moment that no later fill has explained; each is told once."""
        found = []
        for position in self.positions.values():
            if position.unsettled and position.settled_ns < before_ns:
                ours = position.contract.money(position.unsettled * position.quantity - position.reference)
                text = f"the settlement at {position.unsettled} leaves {ours} micro unexplained"
                found.append(Mismatch(position.contract.id, ours, 0, text))
                position.unsettled = 0
        return found

    def move_cash(self, move: CashMoved) -> None:
        """Dividends, interest and borrow fees are financing; deposits and withdrawals are flows."""
        self._move(move.currency, move.amount, move.at_ns)
        into = self.flows if move.kind in EXTERNAL_FLOWS else self.financing
        into[move.currency] = into.get(move.currency, 0) + move.amount

    def adjust(self, instrument: str, quantity: Qty, price: Px, currency: str, amount: Cash, sleeve: str) -> None:
        """An operator's repair: a position without a trade's cash, or cash that no fact explained."""
        if quantity:
            position = self.position(instrument)
            position.trade(quantity, price, (Share(sleeve, quantity),))
            if not position.contract.by_variation:
                worth = position.contract.money(quantity * price)
                self._flow(position.contract.currency, worth)
        if amount:
            self.cash[currency] = self.cash.get(currency, 0) + amount
            self._flow(currency, amount)

    def _flow(self, currency: str, amount: Cash) -> None:
        self.flows[currency] = self.flows.get(currency, 0) + amount

    def forget_flat(self) -> None:
        """Drop lines that hold nothing and whose profit the last mark has booked."""
        flat = [
            name
            for name, position in self.positions.items()
            if position.quantity == 0
            and position.open_value(position.price) == 0
            and all(line.quantity == 0 for line in position.sleeves.values())
        ]
        for name in flat:
            del self.positions[name]

    def new_day(self, forgot_ns: int) -> None:
        """Begin to count again after a day's mark; repeats of fills are known for two more days at least.

        forgot_ns: ids of what happened before are forgotten.
        """
        for amounts in (self.converted, self.fees, self.financing, self.flows, self.traded):
            amounts.clear()
        self.sleeve_fees.clear()
        self.taken_before, self.taken = self.taken, {}
        self._forget_ids(forgot_ns)
        self.forget_flat()


def _split(fee: Cash, shares: tuple[Share, ...]) -> list[tuple[str, Cash]]:
    """Each sleeve's part of a fee, in proportion to what it traded; the parts sum to the fee exactly."""
    if len(shares) == 1:
        return [(shares[0].sleeve, fee)]
    total = sum(abs(share.quantity) for share in shares)
    seen, charged, parts = 0, 0, []
    for share in shares:
        seen += abs(share.quantity)
        until = div_half_even(fee * seen, total) if total else 0
        parts.append((share.sleeve, until - charged))
        charged = until
    return parts


def _undone(taken: Taken) -> Taken:
    shares = tuple(Share(share.sleeve, -share.quantity) for share in taken.shares)
    return Taken(taken.instrument, -taken.quantity, taken.price, -taken.fee, taken.fee_currency, shares)
