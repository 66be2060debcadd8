"""The catalogue of a simulated gateway: which contracts there are, and what is known of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from model.instruments import Instrument
from model.units import NS_PER_SECOND, Px
from simulation.tws.catalogue import identity, matching
from simulation.tws.catalogue.chains import Chains, ChainSet
from simulation.tws.catalogue.listed import Listed, Steps, details_of, steps_of
from simulation.tws.catalogue.pairs import listed_pairs
from simulation.tws.catalogue.refused import ambiguous, invalid, unknown_contract
from simulation.tws.catalogue.shelf import SessionsOf, Shelf
from simulation.tws.terms import Contract, ContractDetails
from state.lake import Lake


class Catalogue:
    """Every contract of the house's instruments, of the lake's currencies and of recorded option chains.

    lake: its contract months and rates; None lists what the instruments alone say.  sessions: those of a calendar.
    now_ns: what time it is; it decides what has expired and whose hours are told.  options: a folder of chains, read
    when first asked for.  Raises ValueError when there is nothing to list.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        lake: Lake | None,
        sessions: SessionsOf,
        now_ns: Callable[[], int],
        options: Path | None = None,
    ) -> None:
        if not instruments:
            raise ValueError("there are no instruments to list; name a file of them in the settings")
        pairs = listed_pairs(instruments, lake.currencies()) if lake is not None else {}
        self.lake = lake
        self.sessions = sessions
        self._now_ns = now_ns
        self.shelf = Shelf({**instruments, **pairs}, lake, sessions, now_ns())
        self.chains = Chains(options, self.shelf.products, self.shelf.con_id_of)
        self._rules: dict[int, Steps] = {}
        self._rule_of: dict[Steps, int] = {}
        self._number_rules()

    # -- contracts

    def qualify(self, contract: Contract) -> list[ContractDetails]:
        """The details of every contract that fits a description, several when it is ambiguous.

        The contract in each is routed to the exchange that was asked for, or the first it has. A CONTFUT stands for
        the month held now.  Raises Refused: 200 when nothing fits, 321 for a BAG or a description that cannot be read.
        """
        exchange, _ = matching.routing(contract)
        return [self._details(one, exchange) for one in self.find(contract)]

    def find(self, contract: Contract) -> list[Listed]:
        """As `qualify`, without the details."""
        if contract.sec_type == "CONTFUT":
            return self._continuous(contract)
        return matching.find(contract, self.shelf, self.chains, self.today())

    def one(self, contract: Contract) -> Listed:
        """The one contract a request for data or an order means. Raises Refused: 200 also when several fit."""
        found = self.find(contract)
        if len(found) > 1:
            raise ambiguous(contract.symbol or contract.local_symbol)
        return found[0]

    def listed(self, con_id: int) -> Listed:
        """Raises Refused, 200, for an id that nobody has."""
        found = matching.of_id(con_id, self.shelf, self.chains)
        if found is None:
            raise unknown_contract()
        return found

    def details(self, con_id: int) -> ContractDetails | None:
        """What the gateway says of a contract; None when there is none of this id."""
        found = matching.of_id(con_id, self.shelf, self.chains)
        return None if found is None else self._details(found, "")

    def instrument(self, con_id: int) -> Instrument:
        """The contract as the gateway trades it: in the currency's main unit, also where clients read pence or cents.

        Raises Refused, which is a LookupError here, for an id that nobody has.
        """
        return self.listed(con_id).instrument

    def con_id_of(self, instrument: str) -> int:
        """The id of an instrument id such as `CSPX` or `SP500@202612`. Raises Refused, 200, when it is not listed."""
        found = self.shelf.con_id_of(instrument)
        if found is None:
            raise unknown_contract()
        return found

    def option_chain(self, symbol: str, future_exchange: str, sec_type: str, con_id: int) -> list[ChainSet]:
        """Expiries and strikes listed today on an underlying, by exchange and class; none where none are recorded.

        Raises Refused: 321 when the underlying is not the one that the id names.
        """
        under = self.listed(con_id)
        if (under.symbol, under.sec_type) != (symbol, sec_type):
            raise invalid(f"Contract {con_id} is {under.symbol} {under.sec_type}, not {symbol} {sec_type}")
        if sec_type != "FUT" and future_exchange:
            raise invalid("An exchange of futures options is given only for a future")
        return self.chains.sets(symbol, future_exchange, con_id, self.today())

    def matching_symbols(self, pattern: str) -> list[tuple[Contract, tuple[str, ...]]]:
        """At most sixteen stocks, funds and indices that fit a few letters, and the types derived from each."""
        found = []
        for one in matching.symbols(pattern, self.shelf):
            whole = one.contract()
            short = Contract(
                con_id=whole.con_id,
                symbol=whole.symbol,
                sec_type=whole.sec_type,
                primary_exchange=one.exchange,
                currency=whole.currency,
            )
            found.append((short, self._derived(one)))
        return found

    def market_rule(self, number: int) -> Steps:
        """(from this price on, increment) of a rule, in a client's prices. Raises Refused, 321, for an unknown one."""
        found = self._rules.get(number)
        if found is None:
            raise invalid(f"There is no market rule {number}")
        return found

    # -- prices across the edge

    def told(self, con_id: int, price: Px) -> float:
        """A price of ours as a client reads it: pence for a line in pence."""
        return self.listed(con_id).told(price)

    def price(self, con_id: int, told: float) -> Px:
        """A client's price as ours. Raises Refused, 321, for one that is no price."""
        try:
            return self.listed(con_id).price(told)
        except (ValueError, ArithmeticError):
            raise invalid(f"{told} is not a price") from None

    # -- inside

    def today(self) -> int:
        """The date now in UTC, yyyymmdd."""
        return int(dt.datetime.fromtimestamp(self._now_ns() // NS_PER_SECOND, dt.UTC).strftime("%Y%m%d"))

    def _details(self, one: Listed, exchange: str) -> ContractDetails:
        rule = self._rule_of[one.steps]
        return details_of(one, self.sessions(one.instrument.calendar), self._now_ns(), rule, exchange)

    def _continuous(self, contract: Contract) -> list[Listed]:
        wanted = msgspec.structs.replace(contract, sec_type="FUT", include_expired=False, expiry="")
        found = matching.find(wanted, self.shelf, self.chains, self.today())
        fronts = []
        for product in sorted({one.product.id for one in found}):
            months = [one for one in found if one.product.id == product]
            one = matching.front(months, self._held(product))
            fronts.append(msgspec.structs.replace(one, sec_type="CONTFUT"))
        return fronts

    def _held(self, product: str) -> str:
        """The contract that the recorded rolls hold today, or nothing."""
        if self.lake is None or not self.lake.has("rolls", product):
            return ""
        return self.lake.roll_schedule([product]).active(product, self.today())

    def _derived(self, one: Listed) -> tuple[str, ...]:
        names = {"STK": ("CFD",), "IND": ()}
        futures = ("FUT",) if self.shelf.has("FUT", one.symbol) else ()
        options = ("OPT",) if any(root.under == one.product.id for root in self.chains.roots) else ()
        return (*names.get(one.sec_type, ()), *futures, *options)

    def _number_rules(self) -> None:
        """A number for each different table of ticks, made from the table itself, so that it never changes."""
        tables: dict[str, Steps] = {}
        for one in self.shelf.products.values():
            steps = steps_of(one)
            tables[repr(steps)] = steps
        for root in self.chains.roots:
            steps = tuple((float(at), float(tick)) for at, tick in root.ticks)
            tables[repr(steps)] = steps
        for text, number in identity.numbered(tables, 9_999).items():
            self._rules[number], self._rule_of[tables[text]] = tables[text], number
