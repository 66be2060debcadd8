"""Margin before risk is added: which proposals wait for the venue's word, and what that word says of each intent."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.clock import Clock
from engine.effects import CancelTimer, Effect, SetTimer, ToPort
from model.decisions import Propose
from model.margin import AskMargin, MarginTold
from model.orders import Intent, OrderSpec, OrderType, TimeInForce
from model.units import CASH_SCALE, NS_PER_SECOND

VENUE: Final = "venue"
WAIT_NS: Final = 15 * NS_PER_SECOND
"""A venue's own patience is shorter, so that its reason comes first."""


class MarginWord:
    """What is known of margin when a proposal is checked. This one: nobody was asked, and nothing is against it."""

    text = ""

    def against(self, intent: Intent) -> str | None:
        """The denial code for an intent that adds risk, or None."""
        return None


UNASKED: Final = MarginWord()


class Rising(MarginWord):
    """Notes which intents add risk."""

    def __init__(self) -> None:
        self.intents: list[Intent] = []

    def against(self, intent: Intent) -> str | None:
        self.intents.append(intent)
        return None


class MarginKnown(MarginWord):
    """The venue's answer. An intent that it is not about was not asked for, and is not sent."""

    def __init__(self, asked: tuple[str, ...], told: MarginTold, cushion_share: float) -> None:
        self._asked = asked
        self._code, self.text = _judged(told, cushion_share)

    def against(self, intent: Intent) -> str | None:
        return self._code if intent.id in self._asked else "MARGIN_UNKNOWN"


def _judged(told: MarginTold, cushion_share: float) -> tuple[str | None, str]:
    """(denial code or None, the figures in words)."""
    if told.unknown:
        return "MARGIN_UNKNOWN", f": {told.unknown}"
    available, equity = told.available / CASH_SCALE, told.equity / CASH_SCALE
    figures = f": {available:,.0f} of {equity:,.0f} would be left, and {cushion_share:.0%} must be"
    return (None if equity > 0.0 and available >= cushion_share * equity else "MARGIN"), figures


class Waiting(msgspec.Struct, frozen=True):
    """A proposal whose margin was asked. asked: its intents that add risk."""

    propose: Propose
    asked: tuple[str, ...]


class MarginDesk:
    """Proposals that wait, by the question's id. Nothing of them is remembered over a restart: they come again."""

    def __init__(self) -> None:
        self.answers = False
        self._waiting: dict[str, Waiting] = {}

    def waits(self, name: str) -> bool:
        return name in self._waiting

    def ask(self, name: str, propose: Propose, rising: list[Intent], clock: Clock) -> list[Effect]:
        """Ask the venue; silence is an answer of its own when the time is over, in the world's seconds."""
        self._waiting[name] = Waiting(propose, tuple(each.id for each in rising))
        wait_s = WAIT_NS // NS_PER_SECOND
        late = MarginTold(name, clock.after(wait_s), unknown=f"no answer within {wait_s} s")
        orders = tuple(_order(each) for each in rising)
        return [SetTimer(f"margin {name}", late.at_ns, late), ToPort(VENUE, AskMargin(name, orders))]

    def supersede(self, run_id: str) -> list[Effect]:
        """A new run is decided: what the basket proposed for another one is void, and never sent beside it."""
        old = [name for name, each in self._waiting.items() if _of_another(each.propose, run_id)]
        for name in old:
            del self._waiting[name]
        return [CancelTimer(f"margin {name}") for name in old]

    def take(self, told: MarginTold) -> tuple[Waiting | None, list[Effect]]:
        """The proposal that waits for this answer; None when it came late or twice."""
        return self._waiting.pop(told.id, None), [CancelTimer(f"margin {told.id}")]


def _of_another(propose: Propose, run_id: str) -> bool:
    return propose.sender == "basket" and propose.run_id != run_id


def _order(intent: Intent) -> OrderSpec:
    """The order as margin is asked for it: at its limit, or at the price that was decided on."""
    return OrderSpec(
        client_id=intent.id, instrument=intent.instrument, side=intent.side, quantity=intent.quantity,
        type=OrderType.LIMIT, tif=TimeInForce.DAY, limit=intent.limit or intent.reference,
    )  # fmt: skip
