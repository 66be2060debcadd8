"""When the holder of a future moves from one contract to the next, as a calendar that is known in advance.

Roll dates follow from expiry rules, so they are looked up here like holidays; they are never derived from prices that
lie ahead. Lookups are bisections over plain lists.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from model.instruments import contract_id


class Roll(msgspec.Struct, frozen=True, gc=False):
    """One move between contract months (yyyymm).

    session: the last day in the old contract, on which both contracts have a price and the orders of the roll
    execute.  decided: the session before it, at whose close those orders are decided.
    """

    session: int
    from_contract: int
    to_contract: int
    decided: int


class _Chain:
    __slots__ = ("decided", "ids", "months", "rolls", "sessions")

    def __init__(self, product: str, first: int, rolls: Sequence[Roll]) -> None:
        self.rolls = list(rolls)
        self.sessions = [r.session for r in rolls]
        self.decided = [r.decided for r in rolls]
        self.months = [first, *(r.to_contract for r in rolls)]
        self.ids = [contract_id(product, m) if m else product for m in self.months]


class RollSchedule:
    """The rolls of many products. A product it does not know is its own contract.

    rolls: per product, in time order, each starting from the contract where the one before ended.
    first: the contract of products that never roll; others start with the first roll's old contract.
    Raises ValueError for rolls out of order or not joined.
    """

    __slots__ = ("_chains",)

    def __init__(self, rolls: Mapping[str, Sequence[Roll]], first: Mapping[str, int] | None = None) -> None:
        starts = first or {}
        self._chains: dict[str, _Chain] = {}
        for product in sorted({*rolls, *starts}):
            mine = rolls.get(product, ())
            for a, b in pairwise(mine):
                if b.session <= a.session or b.decided < a.decided or b.from_contract != a.to_contract:
                    raise ValueError(f"rolls of {product}: {b} does not follow {a}; give them in order and joined")
            for roll in mine:
                if roll.decided >= roll.session:
                    raise ValueError(f"rolls of {product}: {roll} must be decided before its session")
            start = mine[0].from_contract if mine else starts.get(product, 0)
            self._chains[product] = _Chain(product, start, mine)

    def products(self) -> list[str]:
        return list(self._chains)

    def rolls(self, product: str) -> list[Roll]:
        chain = self._chains.get(product)
        return list(chain.rolls) if chain else []

    def active(self, product: str, session: int) -> str:
        """Id of the contract whose close is the product's price on `session`: the old one up to and on the roll day."""
        chain = self._chains.get(product)
        return chain.ids[bisect_left(chain.sessions, session)] if chain else product

    def after_orders(self, product: str, session: int) -> str:
        """Id of the contract to hold once the orders decided at the close of `session` have executed."""
        chain = self._chains.get(product)
        return chain.ids[bisect_right(chain.decided, session)] if chain else product

    def next_roll(self, product: str, session: int) -> Roll | None:
        """The first roll whose day is `session` or later."""
        chain = self._chains.get(product)
        if chain is None:
            return None
        i = bisect_left(chain.sessions, session)
        return chain.rolls[i] if i < len(chain.rolls) else None

    def months(self, product: str) -> list[int]:
        """The contract months held, in order; [0] for a product without months."""
        chain = self._chains.get(product)
        return list(chain.months) if chain else [0]
