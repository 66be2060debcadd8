"""A book as the broker has it: what a test compares its client's picture with."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from simulation.tws import replies as tell
from simulation.tws.broker import Broker
from simulation.tws.terms import ExecutionFilter

OBSERVER = -1
"""A client id that no client can have."""

Enquire = Callable[[Callable[[], None]], list[tell.ServerMessage]]


class Book(msgspec.Struct, frozen=True):
    """Positions and account values of every account; orders that are open, those that have ended today, and today's
    executions with their commissions, in the order in which they came."""

    market_ns: int
    positions: list[tell.Position]
    values: list[tell.AccountValue]
    orders: list[tell.OpenOrder]
    statuses: list[tell.OrderStatus]
    completed: list[tell.CompletedOrder]
    executions: list[tell.ExecDetails]
    commissions: list[tell.CommissionReport]

    def value(self, key: str, currency: str = "USD", account: str = "") -> str:
        """An account value as it is printed. Raises LookupError when there is none."""
        for each in self.values:
            if (each.key, each.currency) == (key, currency) and account in ("", each.account):
                return each.value
        raise LookupError(f"there is no {key} in {currency}")


def book_of(broker: Broker, enquire: Enquire) -> Book:
    """enquire: asks the broker something for the observer, and gives what it answers."""

    def questions() -> None:
        broker.answers.all_open_orders(OBSERVER)
        broker.answers.completed_orders(OBSERVER)
        broker.answers.executions(OBSERVER, 0, ExecutionFilter())

    said = enquire(questions)
    return Book(
        broker.now_ns,
        broker.answers.positions(),
        [value for account in broker.books for value in broker.answers.account_values(account)],
        [each for each in said if isinstance(each, tell.OpenOrder)],
        [each for each in said if isinstance(each, tell.OrderStatus)],
        [each for each in said if isinstance(each, tell.CompletedOrder)],
        [each for each in said if isinstance(each, tell.ExecDetails)],
        [each for each in said if isinstance(each, tell.CommissionReport)],
    )
