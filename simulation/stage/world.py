"""A small market that is open day and night, and the program that trades it on the stage."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

import msgspec

from config.loader import Configuration, load_settings
from config.program import Program
from config.yaml_source import Tree
from model.instruments import Commission, Instrument, Kind, RollRule, TickStep, contract_id
from model.rolls import Roll, RollSchedule
from model.sessions import Session, Sessions
from model.units import NS_PER_DAY, NS_PER_SECOND, QTY_SCALE, Px

MONDAY_NS = 19_723 * NS_PER_DAY
"""2024-01-01T00:00:00Z, a Monday: the first day on the stage."""
FIRST = 20_240_101
DAYS = 28
NEAR, FAR = 202403, 202406
TICK: Px = 10**7  # a cent

ALPHA, BETA, GAMMA = "ALPHA", "BETA", "GAMMA"
PRICES: dict[str, Px] = {ALPHA: 100 * 10**9, BETA: 50 * 10**9, GAMMA: 200 * 10**9}

OWN = {"kind": "custom", "capital_share": 0.5, "strategy": "script.Scripted"}
EXECUTION = {
    "max_quote_age_s": 150.0,
    "quote_wait_s": 300.0,
    "ack_within_s": 30.0,
    "ttl_s": 600.0,
    "replace_interval_s": 60.0,
    "min_notional_base": 100,
}
RISK = {
    "max_order_share": 0.2,
    "max_daily_turnover_share": 4.0,
    "max_gross_leverage": 2.0,
    "max_net_leverage": 2.0,
}
PROGRAM: dict[str, object] = {
    "id": "stage",
    "base_currency": "USD",
    "capital": 10_000_000,
    "calendar": "ALWAYS",
    "sleeves": [{**OWN, "id": "one", "products": [ALPHA, GAMMA]}, {**OWN, "id": "two", "products": [ALPHA, BETA]}],
}
"""What is traded on the stage, under limits that its scenarios can reach."""


def session_of(day: int) -> int:
    """The exchange date of a day on the stage; -1 is the day before the first."""
    return FIRST + day if day >= 0 else 20_231_232 + day


def opens_ns(day: int) -> int:
    return MONDAY_NS + day * NS_PER_DAY


def _fund(name: str) -> Instrument:
    return Instrument(
        id=name, kind=Kind.ETF, venue="STAGE", currency="USD", calendar="ALWAYS",
        ticks=(TickStep(Decimal(0), Decimal("0.01")),), half_spread=Decimal("0.01"),
        commission=Commission(per_unit=Decimal("0.005")),
    )  # fmt: skip


def _future() -> Instrument:
    return Instrument(
        id=GAMMA, kind=Kind.FUTURE, venue="STAGE", currency="USD", calendar="ALWAYS", multiplier=Decimal(50),
        ticks=(TickStep(Decimal(0), Decimal("0.01")),), commission=Commission(per_unit=Decimal("2.05")),
        initial_margin_share=Decimal("0.1"), half_spread=Decimal("0.01"),
        roll=RollRule(hold_cycle="HMUZ", offset_days=-5, expiry_offset_days=14),
    )  # fmt: skip


def _program(execution: Mapping[str, object], risk: Mapping[str, float]) -> dict[str, object]:
    return {**PROGRAM, "execution": {**EXECUTION, **execution}, "risk": {**RISK, **risk}}


class World:
    """Everything outside the engine that does not change: instruments, calendar, rolls, program. It serves many stages.

    roll_day: the day in whose decisions the future moves from `NEAR` to `FAR`; it executes the day after.
    execution, risk: settings of the program's sections of these names that are not to be the usual ones.
    """

    def __init__(
        self, *, roll_day: int = 4, execution: Mapping[str, object] | None = None,
        risk: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        self.instruments = {ALPHA: _fund(ALPHA), BETA: _fund(BETA), GAMMA: _future()}
        self.sessions = {
            "ALWAYS": Sessions(
                "ALWAYS", [Session(session_of(day), opens_ns(day), opens_ns(day + 1)) for day in range(-1, DAYS)]
            )
        }
        near, far = session_of(roll_day), session_of(roll_day + 1)
        self.rolls = RollSchedule({GAMMA: [Roll(far, NEAR, FAR, near)]})
        settings, program = (
            load_settings(environment={}),
            msgspec.convert(_program(execution or {}, risk or {}), Program),
        )
        self.configuration = Configuration(settings, program, self.instruments, Tree({}, {}), Tree({}, {}))
        self.contracts = (ALPHA, BETA, contract_id(GAMMA, NEAR), contract_id(GAMMA, FAR))
        """Everything that has a price."""


@lru_cache(maxsize=1)
def usual_world() -> World:
    return World()


class Prices:
    """Mid prices that wander by a tick or two: the same seed and the same number of steps give the same ones."""

    def __init__(self, seed: int, contracts: tuple[str, ...]) -> None:
        self._draw = random.Random(seed)
        self.mids: dict[str, Px] = {name: PRICES[name.partition("@")[0]] for name in contracts}

    def step(self) -> None:
        for name, mid in self.mids.items():
            self.mids[name] = max(100 * TICK, mid + self._draw.randint(-2, 2) * TICK)


SIZE = 1_000 * QTY_SCALE
QUOTE_EVERY_NS = 60 * NS_PER_SECOND
