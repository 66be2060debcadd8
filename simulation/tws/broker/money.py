"""One account in the broker's words: margin, values by currency, portfolio and profit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from model.units import CASH_SCALE, PX_SCALE, Cash, Px, Qty, div_half_even
from simulation.exchange import Exchange
from simulation.exchange.account import to_base
from simulation.exchange.listing import Listing
from simulation.tws.broker.cost import CostBook, Holding, average_cost
from simulation.tws.broker.listing import Line, bare, money_out, money_text, quantity_out
from simulation.tws.broker.rules import BrokerRules
from simulation.tws.replies import AccountValue, PortfolioValue, Position
from simulation.tws.terms import OrderState

BASE = "BASE"
Rates = Mapping[str, Px]


class Profit(msgspec.Struct, frozen=True):
    """Amounts in 1e-6 of one currency."""

    daily: Cash
    unrealized: Cash
    realized: Cash


class Margins(msgspec.Struct, frozen=True):
    """In base currency. initial, maintenance: of the positions.  equity: with loan value."""

    initial: Cash
    maintenance: Cash
    equity: Cash


class AccountBook:
    """An account: its exchange, what its positions cost, and what is accrued and not yet paid, by currency.

    Rates are asked for at the moment of use; an amount in a currency without a rate counts for nothing in totals.
    """

    def __init__(self, name: str, exchange: Exchange, base: str, rate: Rates, rules: BrokerRules) -> None:
        self.name = name
        self.exchange = exchange
        self.costs = CostBook()
        self.accrued: dict[str, Cash] = {}
        self.base = base
        self._rate = rate
        self._rules = rules
        self.since_ns = 0

    # -- positions

    def held(self) -> list[Holding]:
        return [each for each in self.costs.holdings.values() if each.quantity]

    def positions(self) -> list[Position]:
        return [
            Position(
                account=self.name,
                contract=bare(each.line.contract),
                quantity=quantity_out(each.quantity),
                average_cost=average_cost(each),
            )
            for each in self.held()
        ]

    def portfolio(self) -> list[PortfolioValue]:
        """Positions at their marks, and what was traded away. The mark is in the wire's unit, the rest in money."""
        shown = (each for each in self.costs.holdings.values() if each.quantity or each.realized)
        return [self._portfolio_value(each) for each in shown]

    def _portfolio_value(self, holding: Holding) -> PortfolioValue:
        mark = self._mark(holding)
        value = holding.value(mark)
        return PortfolioValue(
            contract=bare(holding.line.contract),
            quantity=quantity_out(holding.quantity),
            market_price=holding.line.price_out(mark),
            market_value=money_out(value),
            average_cost=average_cost(holding),
            unrealized=money_out(value - holding.cost if holding.quantity else 0),
            realized=money_out(holding.realized - holding.opened_realized),
            account=self.name,
        )

    def _mark(self, holding: Holding) -> Px:
        """The price of a position; what it cost when no price has been seen."""
        mark = self.exchange.last_price(holding.line.name)
        if mark is None and holding.quantity:
            money = holding.line.value(PX_SCALE, holding.quantity)
            mark = div_half_even(holding.cost * PX_SCALE * (1 if money > 0 else -1), abs(money)) if money else 0
        return mark or 0

    # -- margin

    def margins(self, extra: Mapping[str, Qty] | None = None, fee: Cash = 0) -> Margins:
        """Margin of the positions, with `extra` traded at the marks, by instrument, for a commission in base money."""
        extra = extra or {}
        account = self.exchange.account
        initial = 0
        for name in {*account.live, *extra}:
            listing = self.exchange.listings.get(name)
            price = self.exchange.last_price(name)
            if listing is None or listing.received or price is None:
                continue
            market = account.live.get(name)
            quantity = (market.quantity if market is not None else 0) + extra.get(name, 0)
            initial += self.in_base(listing.margin(price * quantity), listing.currency)
        maintenance = div_half_even(initial * self._rules.maintenance_bps, 10_000)
        return Margins(initial, maintenance, self.equity() - fee)

    def equity(self) -> Cash:
        """Net liquidation value in base currency, accruals included."""
        account = self.exchange.account
        money = dict(account.cash)
        for name, market in account.live.items():
            price, listing = self.exchange.last_price(name), market.listing
            if price is not None:
                worth = listing.money(price * market.quantity - market.basis)
                money[listing.currency] = money.get(listing.currency, 0) + worth
        for currency, amount in self.accrued.items():
            money[currency] = money.get(currency, 0) + amount
        return self._total(money)

    def what_if(self, extra: Mapping[str, Qty], fee: Cash, currency: str) -> OrderState:
        """What an order would do to margin, as a what-if answer says it. fee: its commission in a currency."""
        before = self.margins()
        after = self.margins(extra, self.in_base(fee, currency))
        return OrderState(
            status="PreSubmitted",
            init_before=money_out(before.initial),
            maint_before=money_out(before.maintenance),
            equity_before=money_out(before.equity),
            init_change=money_out(after.initial - before.initial),
            maint_change=money_out(after.maintenance - before.maintenance),
            equity_change=money_out(after.equity - before.equity),
            init_after=money_out(after.initial),
            maint_after=money_out(after.maintenance),
            equity_after=money_out(after.equity),
            commission=money_out(fee),
            commission_currency=currency,
        )

    # -- values

    def in_base(self, amount: Cash, currency: str) -> Cash:
        if currency == self.base:
            return amount
        rate = self._rate.get(currency)
        return 0 if rate is None else to_base(amount, rate)

    def _total(self, money: Mapping[str, Cash]) -> Cash:
        return sum(self.in_base(amount, currency) for currency, amount in money.items())

    def values(self) -> list[AccountValue]:
        """What account updates say: totals in base currency, then the ledger of each currency and of BASE."""
        rows = [(key, amount, self.base) for key, amount in self.totals().items()]
        said = [("AccountType", "INDIVIDUAL", ""), ("AccountReady", "true", ""), ("Currency", self.base, self.base)]
        said += [(key, money_text(amount), currency) for key, amount, currency in rows]
        said += [(key, text, "") for key, text in self.ratios().items()]
        for currency in self.currencies():
            said += self._ledger(currency)
        said += self._ledger(BASE)
        return [
            AccountValue(key=key, value=value, currency=currency, account=self.name) for key, value, currency in said
        ]

    def totals(self) -> dict[str, Cash]:
        """Totals in base currency, in 1e-6."""
        margins = self.margins()
        held = self.held()
        worth = {each.line.con_id: self.in_base(each.value(self._mark(each)), each.line.currency) for each in held}
        accrued = self._total(self.accrued)
        available = margins.equity - margins.initial
        return {
            "NetLiquidation": margins.equity,
            "TotalCashValue": self._total(self.exchange.account.cash) + self._base_variation(),
            "SettledCash": self._total(self.exchange.account.cash),
            "AccruedCash": accrued,
            "BuyingPower": max(available, 0) * self._rules.buying_power_times,
            "EquityWithLoanValue": margins.equity - accrued,
            "GrossPositionValue": sum(abs(worth[each.line.con_id]) for each in held if not _futures(each.line)),
            "InitMarginReq": margins.initial,
            "MaintMarginReq": margins.maintenance,
            "FullInitMarginReq": margins.initial,
            "FullMaintMarginReq": margins.maintenance,
            "LookAheadInitMarginReq": margins.initial,
            "LookAheadMaintMarginReq": margins.maintenance,
            "LookAheadAvailableFunds": available,
            "LookAheadExcessLiquidity": margins.equity - margins.maintenance,
            "AvailableFunds": available,
            "FullAvailableFunds": available,
            "ExcessLiquidity": margins.equity - margins.maintenance,
            "FullExcessLiquidity": margins.equity - margins.maintenance,
        }

    def ratios(self) -> dict[str, str]:
        """What is told without a currency: cushion and leverage, as parts of net liquidation."""
        totals = self.totals()
        worth = totals["NetLiquidation"]
        if worth <= 0:
            return {}
        cushion, leverage = totals["ExcessLiquidity"] / worth, totals["GrossPositionValue"] / worth
        return {"Cushion": f"{cushion:.6g}", "Leverage": f"{leverage:.2f}"}

    def currencies(self) -> list[str]:
        used = {*self.exchange.account.cash, *self.accrued, self.base}
        used |= {each.line.currency for each in self.costs.holdings.values()}
        return sorted(used)

    def ledger(self, currency: str) -> dict[str, Cash]:
        """Amounts of one currency, or of all in base money for BASE, in 1e-6.

        Cash has in it what futures have gained since they were last settled, as the broker writes of it.
        """
        if currency == BASE:
            sums: dict[str, Cash] = {}
            for each in self.currencies():
                for key, amount in self.ledger(each).items():
                    sums[key] = sums.get(key, 0) + self.in_base(amount, each)
            return sums
        money = self.exchange.account.cash.get(currency, 0)
        accrued = self.accrued.get(currency, 0)
        holdings = [each for each in self.costs.holdings.values() if each.line.currency == currency]
        stocks = _worth(self, holdings, ("STK",))
        options = _worth(self, holdings, ("OPT",))
        futures = self._variation(currency)
        return {
            "CashBalance": money + futures,
            "TotalCashBalance": money + futures,
            "AccruedCash": accrued,
            "StockMarketValue": stocks,
            "OptionMarketValue": options,
            "FuturesPNL": futures,
            "NetLiquidationByCurrency": money + accrued + stocks + options + futures,
            "UnrealizedPnL": sum(each.value(self._mark(each)) - each.cost for each in holdings if each.quantity),
            "RealizedPnL": sum(each.realized - each.opened_realized for each in holdings),
        }

    def _ledger(self, currency: str) -> list[tuple[str, str, str]]:
        rows = [(key, money_text(amount), currency) for key, amount in self.ledger(currency).items()]
        rate = PX_SCALE if currency in (BASE, self.base) else self._rate.get(currency) or 0
        return [("Currency", currency, currency), *rows, ("ExchangeRate", f"{rate / PX_SCALE:.7g}", currency)]

    def _base_variation(self) -> Cash:
        return sum(self.in_base(self._variation(each), each) for each in self.currencies())

    def _variation(self, currency: str) -> Cash:
        """What futures have gained since they were last settled."""
        account = self.exchange.account
        total = 0
        for name, market in account.live.items():
            price, listing = self.exchange.last_price(name), market.listing
            if listing.variation and listing.currency == currency and price is not None:
                total += listing.money(price * market.quantity - market.basis)
        return total

    # -- profit

    def mark_day(self, now_ns: int) -> None:
        """A new day begins at the gateway: daily profit is counted from here."""
        self.since_ns = now_ns
        for each in self.costs.holdings.values():
            each.mark_day(self._mark(each))

    def profit(self, holding: Holding) -> Profit:
        """Of one position, in its currency. daily: against its value at midnight and what was traded since."""
        value = holding.value(self._mark(holding))
        daily = value - holding.opened_value - holding.spent(self.since_ns)
        unrealized = value - holding.cost if holding.quantity else 0
        return Profit(daily, unrealized, holding.realized - holding.opened_realized)

    def total_profit(self) -> Profit:
        """Of the account, in base currency."""
        sums = [0, 0, 0]
        for each in self.costs.holdings.values():
            profit, currency = self.profit(each), each.line.currency
            for i, amount in enumerate((profit.daily, profit.unrealized, profit.realized)):
                sums[i] += self.in_base(amount, currency)
        return Profit(*sums)

    def value_of(self, holding: Holding) -> Cash:
        return holding.value(self._mark(holding))


def _worth(book: AccountBook, holdings: Iterable[Holding], kinds: tuple[str, ...]) -> Cash:
    return sum(book.value_of(each) for each in holdings if each.line.contract.sec_type in kinds)


def _futures(line: Line) -> bool:
    return line.contract.sec_type in ("FUT", "CONTFUT")


def fee_of(listing: Listing, price: Px, quantity: Qty) -> Cash:
    """Commission of a whole order at a price."""
    return listing.fee(quantity, abs(price) * quantity)


def units(amount: Cash) -> str:
    """An amount for a sentence."""
    return f"{amount / CASH_SCALE:.2f}"
