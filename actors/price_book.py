"""What is known of every product's price: which contract, how far it may be trusted, and its level stitched over rolls.

State of the market data actor, testable by itself. Prices are scaled integers; only the usual move is a float.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from model.instruments import product_of
from model.market import BarClosed, Quality
from model.rolls import RollSchedule
from model.units import Px

GOOD, SUSPECT, MISSING = Quality.GOOD, Quality.SUSPECT, Quality.MISSING


class FreshnessRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a price may be trusted.

    max_age_sessions: STALE when the last bar is more of the product's own sessions old.
    spike_sigmas: a move larger than so many usual daily moves waits for the next bar.
    move_span, move_min: how the usual move is measured, and how many moves it needs.
    least_move_share: a move under this share of the price is never a spike.
    confirm_share: how much of a waiting move must be left at the next bar for it to be believed.
    unit_jump: a ratio of two prices that means another unit (pence for pounds), never a move.
    """

    max_age_sessions: int = 0
    spike_sigmas: float = 8.0
    move_span: int = 35
    move_min: int = 20
    least_move_share: float = 0.001
    confirm_share: float = 0.4
    unit_jump: int = 40


class ContractPrice(msgspec.Struct):
    """price: the last trusted close, of session `trusted`; candidate: a later one that waits to be confirmed, or 0."""

    session: int = 0
    trusted: int = 0
    price: Px = 0
    candidate: Px = 0
    quality: Quality = MISSING


class ProductPrice(msgspec.Struct):
    """One product; `price` is the trusted close of `contract` on `session`, to which `adjusted` was carried.

    seen: session of the last bar, trusted or not.  told: session of the last bar that was told as GOOD.  held: the
    contract to be held on session `held_on`.  usual: mean square of daily moves.  limit: the largest move that needs no
    confirmation, 0 while unknown.
    """

    product: str
    may_be_negative: bool
    contract: str = ""
    session: int = 0
    seen: int = 0
    price: Px = 0
    adjusted: Px = 0
    quality: Quality = MISSING
    note: str = ""
    usual: float = 0.0
    moves: int = 0
    limit: Px = 0
    held: str = ""
    held_on: int = 0
    told: int = 0


class PriceBook:
    """Takes closes of contracts and keeps, for every product, what may be trusted.

    negative: per product, whether its price may be under nought (futures) or that is an error (funds, indices).
    """

    def __init__(self, negative: Mapping[str, bool], rolls: RollSchedule, rules: FreshnessRules) -> None:
        self.rules = rules
        self.rolls = rolls
        self.products = {name: ProductPrice(name, may) for name, may in negative.items()}
        self.contracts: dict[str, ContractPrice] = {}
        self.rejected: dict[str, int] = {}
        self._of: dict[str, ProductPrice] = {}
        self._alpha = 2.0 / (rules.move_span + 1.0)

    def take(self, bar: BarClosed) -> ProductPrice | None:
        """Take one close. None when it is not a price, not of a known product, or was already taken.

        When the bar is of the product's held contract the answer's price, level and quality are those after the bar.
        """
        name, session, close = bar.instrument, bar.session, bar.close
        contract = self.contracts.get(name)
        if contract is None:
            product = self.products.get(product_of(name))
            if product is None:
                self._count("unknown product")
                return None
            self._of[name] = product
            contract = self.contracts[name] = ContractPrice()
        else:
            product = self._of[name]
        if session <= contract.session:
            return None
        if close <= 0 and (close == 0 or not product.may_be_negative):
            self._count("a price of nought or less")
            return None
        if not bar.low <= close <= bar.high and not _settled_near(bar):
            self._count("a close outside its own range")
            return None
        if product.held_on != session:
            product.held = self.rolls.active(product.product, session)
            product.held_on = session
        before, before_session = contract.price, contract.trusted
        trusted = self._judge(contract, session, close, product.limit)
        if name == product.held:
            product.seen = session
            if not trusted:
                product.quality = SUSPECT
                product.note = f"close {close / 1e9:g} after {before / 1e9:g} waits for the next bar"
            else:
                self._carry(product, name, close, session, before, before_session)
        return product

    def keep(self) -> tuple[list[ProductPrice], dict[str, ContractPrice]]:
        """A copy of everything that a restart needs; contracts silent for a year are left out."""
        last = max((product.seen for product in self.products.values()), default=0)
        copy = msgspec.structs.replace
        contracts = {name: copy(each) for name, each in self.contracts.items() if each.session + 10_000 >= last}
        return [copy(product) for product in self.products.values()], contracts

    def load(self, products: list[ProductPrice], contracts: dict[str, ContractPrice]) -> None:
        """Take back what `keep` gave; products that are no longer configured are forgotten."""
        for product in products:
            if product.product in self.products:
                self.products[product.product] = product
        for name, contract in contracts.items():
            owner = self.products.get(product_of(name))
            if owner is not None:
                self._of[name] = owner
                self.contracts[name] = contract

    def _judge(self, contract: ContractPrice, session: int, close: Px, limit: Px) -> bool:
        price = contract.price
        contract.session = session
        trusted = not contract.trusted or not limit or abs(close - price) <= limit
        if not trusted and contract.candidate:
            first = contract.candidate - price  # a true jump stays, a wrong print is mostly undone by the next bar
            trusted = (close - price) * (1 if first > 0 else -1) >= self.rules.confirm_share * abs(first)
        if contract.trusted and price > 0 and close > 0:
            jump = self.rules.unit_jump
            if close >= price * jump or price >= close * jump:
                trusted = False
        elif trusted and contract.trusted and contract.candidate * close <= 0:
            jump = self.rules.unit_jump  # across nought: the next bar confirms it
            trusted = abs(close - price) < jump * abs(price) and (not close or abs(price) < jump * abs(close))
        if trusted:
            contract.trusted, contract.price, contract.candidate = session, close, 0
            contract.quality = GOOD
        else:
            contract.candidate, contract.quality = close, SUSPECT
        return trusted

    def _carry(self, product: ProductPrice, name: str, close: Px, session: int, before: Px, before_on: int) -> None:
        """Move the stitched level by the change of one and the same contract since the product's last trusted close."""
        if name == product.contract:
            moved, product.quality, product.note = close - product.price, GOOD, ""
        elif not product.contract:
            moved, product.quality, product.note, product.adjusted = 0, GOOD, "", close
        elif before_on == product.session:
            moved, product.quality, product.note = close - before, GOOD, ""
        else:
            moved, product.quality = 0, SUSPECT
            product.note = (
                f"{name} has no close of {product.session}, so the roll from {product.contract} has no spread"
            )
        if product.session and product.quality is GOOD:
            self._learn(product, moved, close)
        product.adjusted += moved
        product.contract, product.session, product.price = name, session, close

    def _learn(self, product: ProductPrice, moved: Px, close: Px) -> None:
        size = float(min(abs(moved), product.limit) if product.limit else abs(moved))
        product.usual = product.usual + self._alpha * (size * size - product.usual) if product.moves else size * size
        product.moves += 1
        if product.moves >= self.rules.move_min and product.usual:
            least = self.rules.least_move_share * abs(close)
            product.limit = int(max(self.rules.spike_sigmas * math.sqrt(product.usual), least))

    def _count(self, why: str) -> None:
        self.rejected[why] = self.rejected.get(why, 0) + 1


def _settled_near(bar: BarClosed) -> bool:
    """Whether a close outside the day's range may be a settlement: no farther off than the range or one percent."""
    room = max(bar.high - bar.low, abs(bar.close) // 100)
    return bar.high >= bar.low and bar.low - room <= bar.close <= bar.high + room
