"""Numbers at this edge: the gateway's floats in the line's own unit, our exact integers in the currency's main unit."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, Cash, Px, Qty

UNSET = 1.7976931348623157e308
UNSET_WHOLE = 2**31 - 1
MOST_CASH = Decimal(9 * 10**12)
"""What fits; the gateway's unset is far above."""


def known(value: Any) -> bool:
    """Whether a figure of the gateway is one: neither unset, nor NaN, nor infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return value == value and abs(float(value)) < UNSET and value != UNSET_WHOLE


def px_in(value: float | Decimal, magnifier: int = 1) -> Px:
    """A price as the gateway says it, in the main unit, half to even at 1e-9. magnifier: 100 where it says pence.

    Raises ValueError for what is no price.
    """
    if not known(value):
        raise ValueError(f"{value!r} is no price")
    return _nearest(Decimal(str(value)) * PX_SCALE / magnifier)


def px_out(value: Px, magnifier: int = 1) -> float:
    """A price as the gateway wants it."""
    return float(Decimal(value) * magnifier / PX_SCALE)


def qty_in(value: float | Decimal) -> Qty:
    """Raises ValueError for what is no quantity."""
    if not known(value):
        raise ValueError(f"{value!r} is no quantity")
    return _nearest(Decimal(str(value)) * QTY_SCALE)


def qty_out(value: Qty) -> int | Decimal:
    """Whole where it can be: old gateways do not read `5.0`."""
    whole, rest = divmod(value, QTY_SCALE)
    return (Decimal(value) / QTY_SCALE).normalize() if rest else whole


def cash_in(value: float | Decimal | str) -> Cash:
    """Raises ValueError for what is no amount."""
    amount = Decimal(str(value))
    if not amount.is_finite() or abs(amount) >= MOST_CASH:
        raise ValueError(f"{value!r} is no amount")
    return _nearest(amount * CASH_SCALE)


def amount_in(told: object) -> Cash | None:
    """An amount of a what-if answer; None for what is empty, huge or no number: those are unknown."""
    try:
        return None if told in ("", None) else cash_in(str(told))
    except (ValueError, InvalidOperation):
        return None


def _nearest(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_EVEN))
