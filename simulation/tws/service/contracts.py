"""Contract details, option chains, matching symbols and market rules."""

from __future__ import annotations

from simulation.tws import replies as tell
from simulation.tws import requests as ask
from simulation.tws.service.client import Client, Handler


class Contracts:
    """Answers at once, from the catalogue."""

    def __init__(self, client: Client) -> None:
        self._client, self._catalogue = client, client.house.catalogue
        self.handlers: dict[type[ask.ClientMessage], Handler] = {
            ask.ReqContractDetails: self.details,
            ask.ReqOptionChain: self.option_chain,
            ask.ReqMatchingSymbols: self.matching_symbols,
            ask.ReqMarketRule: self.market_rule,
        }

    def details(self, asked: ask.ReqContractDetails) -> None:
        for found in self._catalogue.qualify(asked.contract):
            self._client.say(tell.ContractData(req_id=asked.req_id, details=found))
        self._client.say(tell.ContractDataEnd(req_id=asked.req_id))

    def option_chain(self, asked: ask.ReqOptionChain) -> None:
        found = self._catalogue.option_chain(asked.symbol, asked.future_exchange, asked.sec_type, asked.con_id)
        for each in found:
            self._client.say(
                tell.OptionChain(
                    req_id=asked.req_id,
                    exchange=each.exchange,
                    under_con_id=each.under_con_id,
                    trading_class=each.trading_class,
                    multiplier=each.multiplier,
                    expirations=each.expirations,
                    strikes=each.strikes,
                )
            )
        self._client.say(tell.OptionChainEnd(req_id=asked.req_id))

    def matching_symbols(self, asked: ask.ReqMatchingSymbols) -> None:
        found = self._catalogue.matching_symbols(asked.pattern)
        self._client.say(tell.SymbolSamples(req_id=asked.req_id, found=tuple(found)))

    def market_rule(self, asked: ask.ReqMarketRule) -> None:
        """Raises Refused, 321; the protocol has no request id for it."""
        steps = self._catalogue.market_rule(asked.rule_id)
        self._client.say(tell.MarketRule(rule_id=asked.rule_id, steps=steps))

    def close(self) -> None:
        """Nothing goes on."""
