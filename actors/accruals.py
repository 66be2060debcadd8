"""What a broker's account has earned or owes and is not paid yet, and cash that such a payment explains.

The API says how much interest and how many dividends are accrued, and never that one was paid: what is accrued falls,
and cash moves by the same amount. On that day something may accrue anew, so the two need not be equal to the cent.
"""

from __future__ import annotations

from engine.message import Event
from model.accruals import VenueAccrual
from model.orders import CashMoved, VenueSnapshot
from model.units import Cash

CENT: Cash = 10_000
LIKENESS_SHARE = 10
"""The payment and the fall may differ by a tenth of the payment."""


class AccrualsSeen(Event, frozen=True, gc=False):
    """What is accrued at the venue, where it differs from what was said before."""

    amounts: tuple[VenueAccrual, ...]
    at_ns: int


class Accruals:
    """amounts: by (currency, kind), as the venue last said them."""

    def __init__(self, amounts: tuple[VenueAccrual, ...] = ()) -> None:
        self.amounts: dict[tuple[str, str], Cash] = {}
        self.take(amounts)

    def take(self, amounts: tuple[VenueAccrual, ...]) -> None:
        self.amounts = {(each.currency, each.kind): each.amount for each in amounts}

    def paid(self, currency: str, difference: Cash, snapshot: VenueSnapshot) -> CashMoved | None:
        """The payment that a difference of cash is, where what was accrued has fallen by about as much."""
        now = {(each.currency, each.kind): each.amount for each in snapshot.accrued}
        fell = {
            kind: amount - now.get((name, kind), 0)
            for (name, kind), amount in self.amounts.items()
            if name == currency and amount != now.get((name, kind), 0)
        }
        slack = max(CENT, abs(difference) // LIKENESS_SHARE)
        for kind in (*fell, ""):
            amount = fell[kind] if kind else sum(fell.values())
            if amount * difference > 0 and abs(amount - difference) <= slack:
                name = kind or "financing"
                return CashMoved(
                    f"accrual-{name}-{currency}-{snapshot.at_ns}", name, currency, difference, "", snapshot.at_ns
                )
        return None

    def seen(self, snapshot: VenueSnapshot, now_ns: int) -> AccrualsSeen | None:
        """Remember what is accrued now; a row where that is news."""
        before = dict(self.amounts)
        self.take(snapshot.accrued)
        return AccrualsSeen(snapshot.accrued, now_ns) if self.amounts != before else None

    def keep(self) -> tuple[VenueAccrual, ...]:
        return tuple(VenueAccrual(currency, kind, amount) for (currency, kind), amount in self.amounts.items())
