"""Exact numbers: prices, quantities and cash are scaled integers, never floats.

Px    price per unit of the instrument in its currency, in 1e-9 (nano)
Qty   signed or unsigned quantity, in 1e-8
Cash  amount of one currency, in 1e-6 (micro)

All three fit in 64 bits (9.2 bn of a currency per micro, and so on); `fits` guards the edges where numbers enter.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

Px = int
Qty = int
Cash = int

PX_SCALE = 10**9
QTY_SCALE = 10**8
CASH_SCALE = 10**6
INT64_MAX = 2**63 - 1
NS_PER_SECOND = 10**9
NS_PER_DAY = 86_400 * NS_PER_SECOND


def px(value: str | int | Decimal) -> Px:
    """An exact price. Raises ValueError when it is not a finite number or needs more than nine decimals."""
    return _exact(value, PX_SCALE, "price")


def qty(value: str | int | Decimal) -> Qty:
    """An exact quantity. Raises ValueError when it is not a finite number or needs more than eight decimals."""
    return _exact(value, QTY_SCALE, "quantity")


def cash(value: str | int | Decimal) -> Cash:
    """An exact amount. Raises ValueError when it is not a finite number or needs more than six decimals."""
    return _exact(value, CASH_SCALE, "amount")


def px_from_float(value: float) -> Px:
    """The nearest price to a float, half to even at 1e-9. Raises ValueError for NaN and infinities."""
    return _nearest(value, PX_SCALE, "price")


def cash_from_float(value: float) -> Cash:
    """The nearest amount to a float, half to even at 1e-6. Raises ValueError for NaN and infinities."""
    return _nearest(value, CASH_SCALE, "amount")


def px_float(value: Px) -> float:
    return value / PX_SCALE


def qty_float(value: Qty) -> float:
    return value / QTY_SCALE


def cash_float(value: Cash) -> float:
    return value / CASH_SCALE


def cash_decimal(value: Cash) -> Decimal:
    return Decimal(value).scaleb(-6)


def div_half_even(numerator: int, denominator: int) -> int:
    """Integer division rounded half to even; the denominator must be positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def _exact(value: str | int | Decimal, scale: int, what: str) -> int:
    if isinstance(value, float):
        raise ValueError(f"{what} {value!r} is a float; give a decimal text")
    try:
        scaled = Decimal(value) * scale
    except InvalidOperation:
        raise ValueError(f"{what} {value!r} is not a number") from None
    if not scaled.is_finite():
        raise ValueError(f"{what} {value!r} is not finite")
    whole = scaled.to_integral_value()
    if whole != scaled:
        raise ValueError(f"{what} {value!r} has more decimals than 1/{scale}")
    return _fits(int(whole), what)


def _nearest(value: float, scale: int, what: str) -> int:
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{what} {value!r} is not finite")
    return _fits(int((Decimal(value) * scale).to_integral_value(ROUND_HALF_EVEN)), what)


def _fits(value: int, what: str) -> int:
    if not -INT64_MAX <= value <= INT64_MAX:
        raise ValueError(f"{what} is too large to be real")
    return value
