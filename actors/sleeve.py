"""Hosts one pure sleeve: bars in, targets out. A sleeve that raises crashes this actor and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.actor import Actor
from engine.effects import Effects, Journal, Ref, Tell
from engine.message import Event
from model.decisions import Decide, Propose, Targets
from model.market import ProductBar, Quote, TellAgain

if TYPE_CHECKING:
    from sleeves.base import QuotingSleeve, Sleeve


class SleeveKept(Event, frozen=True, gc=False):
    """Snapshot of a sleeve: its own state to the last bit, and its last answer."""

    sleeve: str
    state: bytes
    last: Targets | None


class SleeveHost(Actor):
    """Fold bars into the sleeve, ask it when risk says Decide, journal its targets and pass them to the basket.

    The same run asked again gets the same answer, also after a crash.
    """

    def __init__(self, *, sleeve: Sleeve, basket: Ref[Targets], market_data: Ref[TellAgain] | None = None) -> None:
        self.sleeve = sleeve
        self.basket = basket
        self.market_data = market_data
        self._fold_bar = sleeve.on_bar
        self._last: Targets | None = None

    def on_start(self) -> Effects:
        """A snapshot may be older than the last bar."""
        return None if self.market_data is None else (Tell(self.market_data, TellAgain(self.sleeve.products)),)

    def on_product_bar(self, bar: ProductBar) -> Effects:
        self._fold_bar(bar)
        return None

    def on_decide(self, decide: Decide) -> Effects:
        run = decide.cycle.run_id
        if self._last is not None and self._last.run_id == run:
            return (Tell(self.basket, self._last),)
        wants, degraded = self.sleeve.decide(decide)
        targets = Targets(run, decide.cycle.session, self.sleeve.id, wants, degraded, self.clock.now_ns)
        self._last = targets
        return (Journal(targets), Tell(self.basket, targets))

    def fold_targets(self, targets: Targets) -> None:
        self._last = targets

    def snapshot(self) -> SleeveKept:
        return SleeveKept(self.sleeve.id, self.sleeve.state(), self._last)

    def restore(self, snapshot: Event) -> None:
        if not isinstance(snapshot, SleeveKept) or snapshot.sleeve != self.sleeve.id:
            raise ValueError(
                f"the snapshot is not of sleeve {self.sleeve.id}; start without it and read the history again"
            )
        self.sleeve.load(snapshot.state)
        self._last = snapshot.last


class QuotingHost(SleeveHost):
    """Hosts a sleeve that also answers quotes: its intents go to risk at once."""

    def __init__(
        self,
        *,
        sleeve: Sleeve,
        basket: Ref[Targets],
        risk: Ref[Propose],
        market_data: Ref[TellAgain] | None = None,
    ) -> None:
        super().__init__(sleeve=sleeve, basket=basket, market_data=market_data)
        self.risk = risk
        self._answer = cast("QuotingSleeve", sleeve).on_quote

    def on_quote(self, quote: Quote) -> Effects:
        intents = self._answer(quote)
        return (Tell(self.risk, Propose(intents[0].run_id, intents, self.sleeve.id)),) if intents else None
