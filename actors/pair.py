"""The executor: releases approved intents in phases, legs together, and mends what fills on one side only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.leg_groups import Group, Leg, LeggingPolicy
from actors.resuming import ResumeDue, Resuming
from actors.run_ledger import whole
from engine.actor import Actor
from engine.effects import CancelTimer, Effect, Effects, Journal, Ref, SetTimer, Tell
from engine.message import Event, Message, Refused
from model.decisions import Approved, Mode, ModeChanged, ModeEntered, Propose
from model.execution import PairMoved
from model.orders import CancelOrder, Intent, OrderUpdate, Place, Reprice, Side


class PhaseOverdue(Message, frozen=True, gc=False):
    """Buys have waited long enough for sells."""

    approval: str


class LegOverdue(Message, frozen=True, gc=False):
    """A pair has stood on one leg for too long."""

    pair: str


class RetryPlaces(Message, frozen=True, gc=False):
    """Ask again for what the order manager had no room for."""


class PairKept(Event, frozen=True, gc=False):
    """The executor's snapshot: the newest run's approvals, from which it starts again."""

    run_id: str
    approved: tuple[Approved, ...]
    mode: Mode = Mode.BOOT


class Pair(Actor):
    """Carry approved intents to the order manager.

    Sells and reductions go first, buys when those are terminal or after a time; without phases all go at once. Legs
    of a pair go together, and none when one of them was denied. A pair that stands on one leg is repriced, then
    cancelled, and what it has too much of is unwound through risk.
    """

    folds_rows_of = ("risk", "system")

    def __init__(self, *, orders: Ref[Any], risk: Ref[Any], policy: LeggingPolicy | None = None) -> None:
        self.orders = orders
        self.risk = risk
        self.policy = policy or LeggingPolicy()
        self.groups: dict[str, Group] = {}
        self.group_of: dict[str, Group] = {}
        self.first: dict[str, str] = {}
        self.first_left: dict[str, int] = {}
        self.later: dict[str, Sequence[Intent]] = {}
        self.refused: list[Place] = []
        self.last: dict[str, Approved] = {}
        self.last_run = ""
        self.resuming = Resuming()

    # -- release

    def on_approved(self, approved: Approved) -> Effects:
        self._remember(approved)
        return self._release(approved)

    def _remember(self, approved: Approved) -> None:
        if approved.run_id != self.last_run:
            self.last_run = approved.run_id
            self.last.clear()
        self.last[approved.id] = approved

    def _release(self, approved: Approved) -> list[Effect]:
        sendable, broken = whole(approved.intents)
        effects: list[Effect] = []
        for name in dict.fromkeys(intent.pair for intent in broken):
            effects += self._moved(approved.run_id, name, "SKIPPED", "another leg was denied")
        now, later = self._phases(sendable)
        for intent in sendable:
            if intent.pair:
                effects += self._join(intent)
        if later:
            self.later[approved.id] = later
            waited = [intent for intent in now if not intent.pair]
            self.first_left[approved.id] = len(waited)
            for intent in waited:
                self.first[intent.id] = approved.id
            at_ns = self.clock.now_ns + self.policy.phase_wait_ns
            effects.append(SetTimer(f"phase {approved.id}", at_ns, PhaseOverdue(approved.id)))
        orders, name = self.orders, approved.id
        effects += [Tell(orders, Place(intent, name)) for intent in now]
        return effects

    def _phases(self, intents: Sequence[Intent]) -> tuple[Sequence[Intent], Sequence[Intent]]:
        """(now, when those are over)."""
        if not self.policy.phased:
            return intents, ()
        now = [each for each in intents if _goes_first(each)]
        if not any(not each.pair for each in now):
            return intents, ()
        return now, [each for each in intents if not _goes_first(each)]

    def _second_phase(self, approval: str) -> list[Effect]:
        later = self.later.pop(approval, ())
        self.first_left.pop(approval, None)
        return [Tell(self.orders, Place(intent, approval)) for intent in later]

    def on_phase_overdue(self, overdue: PhaseOverdue) -> Effects:
        return self._second_phase(overdue.approval)

    def _join(self, intent: Intent) -> list[Effect]:
        name = f"{intent.run_id}/{intent.pair}"
        group = self.groups.get(name)
        effects: list[Effect] = []
        if group is None:
            group = self.groups[name] = Group(name, intent.run_id, intent.pair)
            effects = self._moved(intent.run_id, intent.pair, "RELEASED", f"{intent.legs} legs")
        group.legs[intent.id] = Leg(intent)
        self.group_of[intent.id] = group
        return effects

    def _moved(self, run_id: str, pair: str, status: str, reason: str) -> list[Effect]:
        return [Journal(PairMoved(run_id, pair, status, reason, self.clock.now_ns))]

    # -- progress

    def on_order_update(self, update: OrderUpdate) -> Effects:
        approval = self.first.pop(update.client_id, None) if update.terminal else None
        group = self.group_of.get(update.client_id)
        if group is None and approval is None:
            return None
        effects: list[Effect] = []
        if approval is not None:
            left = self.first_left.get(approval, 0) - 1
            self.first_left[approval] = left
            if left == 0:
                effects += [CancelTimer(f"phase {approval}"), *self._second_phase(approval)]
        if group is None:
            return effects
        group.hear(update)
        return effects + self._check(group)

    def _check(self, group: Group) -> list[Effect]:
        """What a pair needs now."""
        if not group.heard:
            return []
        if group.over:
            return self._finish(group)
        legged = group.legged(self.policy)
        if legged and not group.legged_ns:
            group.legged_ns = self.clock.now_ns
            return [self._look_again(group, self.policy.notice_ns)]
        if not legged and group.legged_ns and not group.cancelling:
            group.legged_ns = 0
            effects: list[Effect] = [CancelTimer(f"leg {group.name}")]
            if group.noticed:
                group.noticed = False
                return [*effects, *self._moved(group.run_id, group.pair, "HEALED", "both legs trade again")]
            return effects
        return []

    def _look_again(self, group: Group, after_ns: int) -> Effect:
        return SetTimer(f"leg {group.name}", group.legged_ns + after_ns, LegOverdue(group.name))

    def on_leg_overdue(self, overdue: LegOverdue) -> Effects:
        """A pair still stands on one leg: first its laggard is repriced, then everything is cancelled."""
        group = self.groups.get(overdue.pair)
        if group is None or not group.legged(self.policy):
            return None
        if not group.noticed:
            group.noticed = True
            lagging = group.lagging(self.policy)
            return [
                *self._moved(group.run_id, group.pair, "LEGGED", group.words()),
                self._look_again(group, self.policy.unhedged_ns),
                *(Tell(self.orders, Reprice(leg.intent.id, 0, "the other leg is ahead")) for leg in lagging),
            ]
        group.cancelling = True
        cancels = [
            Tell(self.orders, CancelOrder(leg.intent.id, "its pair stands on one leg"))
            for leg in group.legs.values()
            if not leg.terminal
        ]
        return [*self._moved(group.run_id, group.pair, "CANCELLING", group.words()), *cancels]

    def _finish(self, group: Group) -> list[Effect]:
        """Every leg has ended: done, or one side has too much."""
        for client_id in group.legs:
            del self.group_of[client_id]
        del self.groups[group.name]
        effects: list[Effect] = [CancelTimer(f"leg {group.name}")] if group.legged_ns else []
        if not group.legged(self.policy):
            return effects + self._moved(group.run_id, group.pair, "COMPLETED", group.words())
        unwinds = group.unwinds()
        if not unwinds:
            return effects + self._moved(group.run_id, group.pair, "BROKEN", group.words())
        effects += self._moved(group.run_id, group.pair, "UNWINDING", group.words())
        return [*effects, Tell(self.risk, Propose(group.run_id, unwinds, "pair"))]

    # -- refusals and restarts

    def on_refused(self, refused: Refused) -> Effects:
        """The order manager's lane was full: ask again in a moment."""
        if not isinstance(refused.message, Place):
            return None
        self.refused.append(refused.message)
        return [SetTimer("retry", self.clock.now_ns + self.policy.retry_ns, RetryPlaces())]

    def on_retry_places(self, retry: RetryPlaces) -> Effects:
        places, self.refused = self.refused, []
        return [Tell(self.orders, place) for place in places]

    def on_start(self) -> Effects:
        return self.resuming.started(self.clock) if self.last else None

    def on_mode_changed(self, changed: ModeChanged) -> Effects:
        self.resuming.mode = changed.mode
        return self._resume()

    def on_resume_due(self, due: ResumeDue) -> Effects:
        return self._resume()

    def _resume(self) -> list[Effect]:
        """The first time that trading is allowed after a restart, the newest run is placed again.

        The order manager knows what it had: it answers, and sends only what it never planned.
        """
        if not self.resuming.may_now():
            return []
        fresh_ns = self.clock.now_ns - self.policy.redrive_within_ns
        return [
            effect
            for approved in self.last.values()
            if approved.at_ns >= fresh_ns
            for effect in self._release(approved)
        ]

    def fold_mode(self, row: ModeEntered) -> None:
        self.resuming.mode = row.mode

    def fold_approved(self, row: Approved) -> None:
        self._remember(row)

    def snapshot(self) -> PairKept:
        return PairKept(self.last_run, tuple(self.last.values()), self.resuming.mode)

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, PairKept)
        self.last_run, self.resuming.mode = snapshot.run_id, snapshot.mode
        self.last = {each.id: each for each in snapshot.approved}


def _goes_first(intent: Intent) -> bool:
    """What waits for no other order's money: legs of a pair, what sells or reduces, and a combo, which does both."""
    return bool(intent.pair or intent.reduces or intent.leg_references) or intent.side is Side.SELL
