"""What a sleeve is: a pure function from what is known to what is wanted.

`on_bar` folds prices into the sleeve's state; `decide` looks at the state and one `Decide` and changes nothing, so that
asked twice it answers the same. Missing or stale input means hold, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol, runtime_checkable

from model.decisions import Decide, Want
from model.instruments import Instrument, product_of
from model.market import FxSnapshot, ProductBar, Quality, Quote
from model.orders import Intent
from model.units import PX_SCALE, Qty

SCALE_UNKNOWN = "scale"  # in RiskDecision.degraded: no sleeve that takes risk may move


class Wanted(NamedTuple):
    """The whole target of a sleeve, and the names of what was missing."""

    wants: tuple[Want, ...]
    degraded: tuple[str, ...]


class Seat(NamedTuple):
    """What a sleeve of `kind: custom` is given besides its parameters.

    instruments: its products, in the program's order.  capital: what it begins with, in base money; capital_share: the
    same as a share of the program's capital.
    """

    id: str
    instruments: tuple[Instrument, ...]
    capital: float
    capital_share: float


class Sleeve(Protocol):
    """One strategy. `id` names it in targets, sub-ledgers and orders; `products` are what it wants bars of.

    hedges: the risk scale does not apply, since shrinking a hedge in a crisis adds risk.
    """

    @property
    def id(self) -> str: ...

    @property
    def products(self) -> tuple[str, ...]: ...

    @property
    def hedges(self) -> bool: ...

    def on_bar(self, bar: ProductBar) -> None:
        """Fold one bar. A session already seen is ignored, a bar that is not GOOD, and one that does not follow."""

    def decide(self, decide: Decide) -> Wanted:
        """What the sleeve wants now, with reasons."""

    def state(self) -> bytes:
        """The whole state; `load` of it gives the same sleeve to the last bit."""

    def load(self, state: bytes) -> None:
        """Take back what `state` gave."""


@runtime_checkable
class QuotingSleeve(Protocol):
    """A sleeve that also answers quotes with intents of its own, each checked by risk like any other."""

    def on_quote(self, quote: Quote) -> tuple[Intent, ...]: ...


def held_by(sleeve: str, decide: Decide) -> dict[str, Qty]:
    """The sleeve's own position in each product; the contracts of a product are added together."""
    held: dict[str, Qty] = {}
    for line in decide.portfolio.lines:
        quantity = line.sleeve_quantities.get(sleeve)
        if quantity:
            product = product_of(line.instrument)
            held[product] = held.get(product, 0) + quantity
    return held


def missed(decide: Decide, product: str, session: int) -> str:
    """Why the sleeve must hold because it did not see the product's last bars, or nothing.

    session: of the last bar it folded. A bar whose `previous` lies after it does not follow and must not be folded:
    market data tells the missing ones again.
    """
    last = decide.cycle.sessions.get(product, 0)
    return f"its bars after {session} were missed up to {last}" if last > session else ""


def trusted_rate(fx: FxSnapshot, currency: str) -> float | None:
    """Base money for one unit of a currency, or None when the rate is missing or not GOOD."""
    rate = fx.rates.get(currency)
    return rate.rate / PX_SCALE if rate is not None and rate.quality is Quality.GOOD and rate.rate > 0 else None


def hold(product: str, reason: str, pair: str = "") -> Want:
    """Keep what there is in `product`, because of `reason`."""
    return Want(product, 0, f"hold: {reason}", {}, True, pair)


def hold_all(products: Iterable[str], reason: str, degraded: str, pair: str = "") -> Wanted:
    """Keep everything, because of one missing thing."""
    return Wanted(tuple(hold(product, reason, pair) for product in products), (degraded,))
