"""A person's repair of the books: what may be written into them, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable

from actors.contracts import Contracts
from actors.order_book import CARETAKER, FOREIGN
from model.execution import AdjustBooks, BooksAdjusted
from model.instruments import Kind
from model.units import qty_float

MONTH_DIGITS = 6


def objection(word: AdjustBooks, contracts: Contracts, currencies: Iterable[str], sleeves: Iterable[str]) -> str:
    """Why the books do not take this; empty when they do. Cash is moved, or a position: never both in one word.

    currencies: those that a rate is known for.  sleeves: whose part a position may be, besides nobody's in particular.
    """
    if not word.reason.strip():
        return "a reason is needed: the record keeps it"
    if bool(word.amount) is bool(word.quantity):
        return "either an amount of cash or a quantity must be given, and it must not be nought"
    if word.amount:
        return _no_cash(word, sorted(currencies))
    return _no_position(word, contracts) or _no_sleeve(word, sorted({*sleeves, CARETAKER, FOREIGN}))


def _no_cash(word: AdjustBooks, currencies: list[str]) -> str:
    if word.currency not in currencies:
        return f"{word.currency} is no currency of these books; they know {', '.join(currencies)}"
    return ""


def _no_position(word: AdjustBooks, contracts: Contracts) -> str:
    name = word.instrument
    contract = contracts.get(name)
    if contract is None or contract.kind is Kind.INDEX:
        return f"{name} is no instrument that can be held here; `hedgerow config show` lists those that can"
    if contract.delivers:
        return f"{name} is money in two currencies and no position: adjust the cash of each"
    month = name.partition("@")[2]
    if contract.kind is Kind.FUTURE and not (len(month) == MONTH_DIGITS and month.isdecimal()):
        return f"{name} names no contract; give its month, as {contract.product}@202403"
    if word.quantity % contract.lot:
        return f"{qty_float(word.quantity):g} is no multiple of the lot of {name}, {qty_float(contract.lot):g}"
    if not word.price or (word.price < 0 and not contract.by_variation):
        return f"{name} needs the price at which the quantity is taken into the books"
    return ""


def _no_sleeve(word: AdjustBooks, sleeves: list[str]) -> str:
    if word.sleeve not in sleeves:
        return f"{word.sleeve or 'nobody'} is no sleeve of these books; there are {', '.join(sleeves)}"
    return ""


def adjusted(word: AdjustBooks, at_ns: int) -> BooksAdjusted:
    """The row of a repair that is taken."""
    return BooksAdjusted(
        word.id, word.instrument, word.quantity, word.price, word.currency, word.amount, word.sleeve, word.reason,
        word.by, at_ns,
    )  # fmt: skip
