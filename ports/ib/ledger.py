"""An account's money by currency, out of the keys that account updates tell.

The broker writes that cash is "recognized at the time of trade + futures P&L": what futures have gained since they were
last settled is in it, and moves with every tick. Whether that is so is not believed but computed: the net liquidation
value of the currency is the sum of its parts, with that profit among them once.
"""

from __future__ import annotations

from collections.abc import Mapping

from model.accruals import VenueAccrual
from model.units import CASH_SCALE, Cash
from ports.ib.wire_numbers import amount_in

CASH, PROFIT, WORTH = "CashBalance", "FuturesPNL", "NetLiquidationByCurrency"
PARTS = (
    "StockMarketValue", "OptionMarketValue", "FutureOptionValue", "WarrantValue", "MutualFundValue", "FundValue",
    "MoneyMarketFundValue", "CorporateBondValue", "CorpBondValue", "TBillValue", "TBondValue", "Cryptocurrency",
    "FxCashBalance", "IssuerOptionValue", "AccruedCash", "NetDividend",
)  # fmt: skip
ACCRUED = {"AccruedCash": "interest", "NetDividend": "dividend"}
BASE = "BASE"
TOTAL = "NetLiquidation"
"""Told in the account's base currency alone."""
SLACK: Cash = 5 * CASH_SCALE // 100
"""Sums of figures in whole cents."""


class Ledger:
    """Keys by currency as they were last said. base: the account's currency, empty until something was said in it."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, Cash]] = {}
        self.base = ""

    def say(self, key: str, text: str, currency: str) -> None:
        """Take one line of an account update; what is no amount of a currency is passed over."""
        amount = amount_in(text)
        if key == TOTAL and currency:
            self.base = currency
        if currency and currency != BASE and amount is not None and key in (CASH, PROFIT, WORTH, *PARTS):
            self._said.setdefault(currency, {})[key] = amount

    def settled(self) -> dict[str, Cash]:
        """Cash without what futures have gained since their last settlement, by currency."""
        return {currency: settled(keys) for currency, keys in self._said.items() if CASH in keys}

    def accrued(self) -> tuple[VenueAccrual, ...]:
        """What is earned or owed and not paid yet; nothing is said of nought."""
        return tuple(
            VenueAccrual(currency, kind, keys[key])
            for currency, keys in sorted(self._said.items())
            for key, kind in ACCRUED.items()
            if keys.get(key)
        )


def settled(keys: Mapping[str, Cash]) -> Cash:
    """Of one currency. Where the parts do not add up either way, cash is taken as it is said."""
    cash, profit = keys[CASH], keys.get(PROFIT, 0)
    if not profit or WORTH not in keys:
        return cash
    rest = keys[WORTH] - sum(keys.get(part, 0) for part in PARTS)
    return cash - profit if abs(rest - cash) <= SLACK else cash
