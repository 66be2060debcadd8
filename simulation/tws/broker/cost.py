"""What positions cost and what closing them realised, to the micro: average cost with multiplier and commissions."""

from __future__ import annotations

import msgspec

from model.units import Cash, Px, Qty, div_half_even
from simulation.tws.broker.listing import Line


class Booked(msgspec.Struct, frozen=True):
    """One change of a position. stem: of its execution; a correction takes the place of what has the same stem.
    day: when it happened, in nanoseconds."""

    stem: str
    quantity: Qty
    price: Px
    fee: Cash
    at_ns: int


class Outcome(msgspec.Struct, frozen=True):
    """What one execution did. realized: None when it only opened."""

    realized: Cash | None


class Holding:
    """One contract in one account. quantity is signed; cost is what it cost, signed alike, commissions included, in the
    contract's currency. realized: since the account began.

    The average cost of a part that is closed is its share of the cost, half to even at 1e-6; what is left keeps the
    remainder, so that cost and realised profit always sum to what was paid.
    """

    def __init__(self, line: Line, log: list[tuple[int, Booked]]) -> None:
        self.line = line
        self._log = log
        self.quantity: Qty = 0
        self.cost: Cash = 0
        self.realized: Cash = 0
        self.opened_value: Cash = 0  # at the last midnight
        self.opened_realized: Cash = 0
        self._booked: dict[str, Booked] = {}

    def book(self, change: Booked) -> Outcome:
        """Take a trade or a transfer, or put another in the place of the one with its stem."""
        self._log.append((self.line.con_id, change))
        if change.stem not in self._booked:
            self._booked[change.stem] = change
            return self._apply(change)
        self._booked[change.stem] = change
        self.quantity = self.cost = self.realized = 0
        outcome = Outcome(None)
        for each in self._booked.values():
            done = self._apply(each)
            if each is change:
                outcome = done
        return outcome

    def knows(self, stem: str) -> bool:
        return stem in self._booked

    def spent(self, since_ns: int) -> Cash:
        """Money that went into trades since a moment, commissions included; what came in counts below zero."""
        changes = (each for each in self._booked.values() if each.at_ns >= since_ns)
        return sum(self.line.value(each.price, each.quantity) + each.fee for each in changes)

    def value(self, price: Px) -> Cash:
        return self.line.value(price, self.quantity)

    def mark_day(self, price: Px | None) -> None:
        """A new day begins at this price."""
        self.opened_value = self.cost if price is None else self.value(price)
        self.opened_realized = self.realized

    def _apply(self, change: Booked) -> Outcome:
        """Close first, then open with the rest; the fee is shared by quantity."""
        size = abs(change.quantity)
        closing = min(size, abs(self.quantity)) if change.quantity * self.quantity < 0 else 0
        paid = self.line.value(change.price, change.quantity)
        if not size:
            self.realized -= change.fee
            return Outcome(-change.fee if change.fee else None)
        closed_paid = div_half_even(paid * closing, size)
        closed_fee = div_half_even(change.fee * closing, size)
        realized = None
        if closing:
            share = div_half_even(self.cost * closing, abs(self.quantity))
            realized = -share - closed_paid - closed_fee
            self.cost -= share
            self.realized += realized
        self.quantity += change.quantity
        self.cost += paid - closed_paid + change.fee - closed_fee
        return Outcome(realized)


class CostBook:
    """Holdings of one account by contract. log: every change, in order."""

    def __init__(self) -> None:
        self.log: list[tuple[int, Booked]] = []
        self.holdings: dict[int, Holding] = {}

    def holding(self, line: Line) -> Holding:
        found = self.holdings.get(line.con_id)
        if found is None:
            found = self.holdings[line.con_id] = Holding(line, self.log)
        return found


def average_cost(holding: Holding) -> float:
    """Per unit, in the currency's main unit; 0 when nothing is held."""
    return holding.cost * 100 / holding.quantity if holding.quantity else 0.0
