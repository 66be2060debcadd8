"""The simulated exchange as a process of its own, with a market that goes on whether an engine listens or not."""

from simulation.exchange_process.market import Market, MarketRules
from simulation.exchange_process.server import ExchangeServer

__all__ = ["ExchangeServer", "Market", "MarketRules"]
