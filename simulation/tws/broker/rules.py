"""How the simulated broker behaves, and in which of the ways seen at real gateways it tells an order's story."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import msgspec


class Story(enum.Enum):
    """The order in which callbacks of a fill come. All of them have been recorded from real gateways."""

    PLAIN = "status, execution, filled status, commission"
    STATUS_FIRST = "filled status before its execution"
    EXECUTION_FIRST = "execution and commission before any status"
    NO_FILLED_STATUS = "execution and commission, and no status says filled"
    COMMISSION_FIRST = "commission before its execution"
    LATE_COMMISSION = "commission some time after everything else"


Stories = Callable[[int], Story]
"""The story of the n-th order that this broker takes, from 1."""


def always(story: Story) -> Stories:
    return lambda number: story


def listed(stories: Mapping[int, Story], otherwise: Story = Story.PLAIN) -> Stories:
    return lambda number: stories.get(number, otherwise)


def seeded(seed: int) -> Stories:
    """Any story with equal chance; the same seed tells the same stories."""
    choices = tuple(Story)
    return lambda number: random.Random(f"{seed}|{number}").choice(choices)


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """What clients may do. read_only: no order of an API client is taken.  sec_types: what may be traded, None for all.
    closed: contracts that this account may not trade, by con_id."""

    read_only: bool = False
    sec_types: frozenset[str] | None = None
    closed: frozenset[int] = frozenset()


PATIENCE_NS = {"Urgent": 0, "Normal": 5_000_000_000, "Patient": 30_000_000_000}


class BrokerRules(msgspec.Struct, frozen=True, kw_only=True):
    """zone: of the gateway's clock; its midnight ends what `executions` and `completed_orders` know.

    route_ns: how long an order, a change or a cancel is under way to the exchange.
    maintenance_bps: maintenance margin as a part of initial margin.
    most_working: working orders of one contract, side and account.
    far_bps: how far a limit may be on the wrong side of the market; 0 for no limit.  most_quantity: of one order, in
    units; 0 for no limit.
    commission_delay_ns: of a late commission report.  patience_ns: how long an Adaptive order waits, by its priority.
    master: the client that hears everybody's orders; None for nobody.
    refuse_changes: the n-th changes of orders, counted from 1, that are refused while the order lives.
    buying_power_times: buying power for one unit of available funds.
    preset_tif: what an order without a time in force gets, with 10349; empty: DAY, and nothing is said.
    old_cancel_codes: 135 and 161 where newer gateways say 10147 and 10148.
    """

    zone: str = "US/Eastern"
    route_ns: int = 0
    maintenance_bps: int = 8_000
    most_working: int = 15
    far_bps: int = 0
    most_quantity: int = 0
    commission_delay_ns: int = 2_000_000_000
    patience_ns: Mapping[str, int] = msgspec.field(default_factory=lambda: dict(PATIENCE_NS))
    master: int | None = None
    refuse_changes: frozenset[int] = frozenset()
    buying_power_times: int = 4
    preset_tif: str = ""
    old_cancel_codes: bool = False

    def __post_init__(self) -> None:
        ZoneInfo(self.zone)
        if self.route_ns < 0 or self.commission_delay_ns < 0 or self.most_working < 1:
            raise ValueError("broker rules: delays must not be negative, and at least one order may work")
        if not 0 < self.maintenance_bps <= 10_000:
            raise ValueError("broker rules: maintenance margin is a part of initial margin, in basis points")
