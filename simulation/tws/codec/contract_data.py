"""The layouts of what gateways say of contracts: details, option chains, symbols that match, market rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from simulation.tws.codec.contracts import PAIRS
from simulation.tws.codec.kinds import FLOAT, INT, NAME, RIGHT, TEXT, Cursor
from simulation.tws.codec.layout import Counted, Field, Found, Mapped, Part, Record, Row, Said
from simulation.tws.replies import ContractData, MarketRule, OptionChain, SymbolSamples
from simulation.tws.terms import Contract


class LastTrade:
    """The last trade date, and after it the time and the zone when the time is known: `20261218-10:30:00-US/Central`.

    Older gateways part them with blanks. The zone has a field of its own too, from which it is read.
    """

    title = "details.contract.expiry"
    paths = ("details.contract.expiry", "details.last_trade_time")

    def write(self, message: ContractData, out: list[str]) -> None:
        details = message.details
        steps = [details.contract.expiry]
        if details.last_trade_time:
            steps.append(details.last_trade_time)
            if details.time_zone and "-" not in details.time_zone:
                steps.append(details.time_zone)
        TEXT.write("-".join(steps), out)

    def read(self, cursor: Cursor, found: Found) -> None:
        cursor.name = self.title
        text: str = TEXT.read(cursor)
        steps = [*(text.split("-") if "-" in text else text.split()), "", ""]
        found["details.contract"]["expiry"] = steps[0]
        found["details"]["last_trade_time"] = steps[1]

    def at(self, version: int) -> Iterable[Part]:
        return (self,)


CONTRACT_DATA = Record(
    ContractData,
    Said("form", "8", until=163),
    Field("req_id", INT),
    Field("details.contract.symbol", TEXT),
    Field("details.contract.sec_type", TEXT),
    LastTrade(),
    Field("details.contract.strike", FLOAT),
    Field("details.contract.right", RIGHT),
    Field("details.contract.exchange", TEXT),
    Field("details.contract.currency", TEXT),
    Field("details.contract.local_symbol", TEXT),
    Field("details.market_name", TEXT),
    Field("details.contract.trading_class", TEXT),
    Field("details.contract.con_id", INT),
    Field("details.min_tick", FLOAT),
    Said("market data size multiplier", "1", until=163),
    Field("details.contract.multiplier", TEXT),
    Field("details.order_types", TEXT),
    Field("details.valid_exchanges", TEXT),
    Field("details.price_magnifier", INT),
    Field("details.under_con_id", INT),
    Field("details.long_name", NAME),
    Field("details.contract.primary_exchange", TEXT),
    Field("details.contract_month", TEXT),
    Field("details.industry", TEXT),
    Field("details.category", TEXT),
    Field("details.subcategory", TEXT),
    Field("details.time_zone", TEXT),
    Field("details.trading_hours", TEXT),
    Field("details.liquid_hours", TEXT),
    Field("details.ev_rule", TEXT),
    Field("details.ev_multiplier", FLOAT),
    Field("details.sec_ids", PAIRS),
    Field("details.agg_group", INT),
    Field("details.under_symbol", TEXT),
    Field("details.under_sec_type", TEXT),
    Field("details.market_rule_ids", TEXT),
    Field("details.real_expiration_date", TEXT),
    Field("details.stock_type", TEXT),
    Field("details.suggested_size_increment", FLOAT, since=163, until=163),
    Field("details.min_size", FLOAT, since=164),
    Field("details.size_increment", FLOAT, since=164),
    Field("details.suggested_size_increment", FLOAT, since=164),
)
OPTION_CHAIN = Record(
    OptionChain,
    Field("req_id", INT),
    Field("exchange", TEXT),
    Field("under_con_id", INT),
    Field("trading_class", TEXT),
    Field("multiplier", TEXT),
    Field("expirations", Counted(TEXT)),
    Field("strikes", Counted(FLOAT)),
)


class _Sample(msgspec.Struct, frozen=True):
    """A contract that matches, and the security types of its derivatives, which stand in its midst."""

    contract: Contract
    types: tuple[str, ...]


def _sample(found: tuple[Contract, tuple[str, ...]]) -> _Sample:
    return _Sample(*found)


def _found(sample: Any) -> tuple[Contract, tuple[str, ...]]:
    return sample.contract, sample.types


SYMBOL_SAMPLES = Record(
    SymbolSamples,
    Field("req_id", INT),
    Field(
        "found",
        Counted(
            Mapped(
                Record(
                    _Sample,
                    Field("contract.con_id", INT),
                    Field("contract.symbol", TEXT),
                    Field("contract.sec_type", TEXT),
                    Field("contract.primary_exchange", TEXT),
                    Field("contract.currency", TEXT),
                    Field("types", Counted(TEXT)),
                    Field("contract.description", TEXT, since=176),
                    Field("contract.issuer_id", TEXT, since=176),
                ),
                _sample,
                _found,
            )
        ),
    ),
)
MARKET_RULE = Record(MarketRule, Field("rule_id", INT), Field("steps", Counted(Row(FLOAT, FLOAT))))
