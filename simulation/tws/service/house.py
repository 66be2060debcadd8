"""What all clients of one gateway share, and the limits that a gateway sets them."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from simulation.tws.broker import Broker
from simulation.tws.catalogue import Catalogue, History, Tape
from simulation.tws.clock import Clock
from simulation.tws.link import Link
from simulation.tws.market import Market

MINUTE_NS = 60 * 10**9


class GatewayRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gateway allows. Seconds are the clients', not the market's.

    messages_per_second: of one client; what is over is answered with 100 and not done, and the `violations`-th second
    in which that happens ends the connection.  clients: connected at once.
    data_lines, tick_streams, summaries: subscriptions of one client at once.
    linger_s: how long the client id of a lost connection stays in use.
    delayed: exchanges, or `*`, whose prices are told late, to those who accept it.  delay_ns: how late, market time.
    account_s, profit_s: how often account values and profits are told while they change.
    most_waiting: bytes that wait for a client that does not read; the next one ends the connection.
    """

    messages_per_second: int = 50
    violations: int = 3
    clients: int = 32
    data_lines: int = 100
    tick_streams: int = 5
    summaries: int = 2
    linger_s: float = 0.0
    delayed: frozenset[str] = frozenset()
    delay_ns: int = 15 * MINUTE_NS
    account_s: float = 3.0
    profit_s: float = 1.0
    most_waiting: int = 16 * 1024 * 1024

    def is_late(self, exchange: str) -> bool:
        """Whether prices of an exchange are told late."""
        return "*" in self.delayed or exchange in self.delayed


@dataclass(kw_only=True)
class House:
    """The one market and the one broker behind every client."""

    broker: Broker
    catalogue: Catalogue
    history: History
    tape: Tape
    market: Market
    clock: Clock
    link: Link
    rules: GatewayRules = field(default_factory=GatewayRules)
