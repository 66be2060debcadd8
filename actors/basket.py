"""The basket: joins every sleeve's targets to one run of orders, and keeps the ledger of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actors.contracts import Contracts
from actors.netting import BasketPolicy, Netting
from actors.resuming import ResumeDue, Resuming
from actors.run_ledger import Run, RunLedger, RunsKept, intents_hash, whole
from engine.actor import Actor
from engine.effects import CancelTimer, Effect, Effects, Journal, Ref, SetTimer, Tell
from engine.message import Event, Message
from model.decisions import Approved, Decide, Denial, ModeChanged, ModeEntered, Propose, RunMoved, RunPlanned, Targets
from model.execution import OrderDenied, SleevesCrossed
from model.instruments import Instrument
from model.order_events import OrderMoved, OrderPlanned
from model.orders import OrderUpdate
from state import order_law
from state.order_law import OrderState
from state.run_law import RunEvent, RunState, is_terminal

WAIT_S = 5
JOIN_TIMER = "join"


class JoinOverdue(Message, frozen=True, gc=False):
    """Sleeves that have not answered by now hold what they have."""

    run_id: str


class Basket(Actor):
    """Turn targets into one run, at most once.

    A run is planned when every sleeve has answered, or five seconds after Decide: who is silent holds. Asked again for
    a run that is planned and not approved, the same intents are proposed again; a run that has left is never replanned.
    """

    folds_rows_of = ("risk", "orders", "system")

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument],
        sleeves: Sequence[str],
        risk: Ref[Any],
        portfolio: Ref[Any],
        policy: BasketPolicy | None = None,
    ) -> None:
        self.contracts = Contracts(instruments)
        self.sleeves = tuple(sleeves)
        self.risk = risk
        self.portfolio = portfolio
        self.policy = policy or BasketPolicy()
        self.ledger = RunLedger()
        self.targets: dict[str, Targets] = {}
        self.asked: Decide | None = None
        self.resuming = Resuming()
        self.placed: dict[str, None] = {}

    # -- the join

    def on_decide(self, decide: Decide) -> Effects:
        cycle = decide.cycle
        known = self.ledger.runs.get(cycle.run_id)
        if known is not None:
            return self._again(known)
        if self.ledger.stale(cycle.session, cycle.number):
            return None
        self.asked = decide
        if self._all_answered():
            return self._plan(decide)
        return [SetTimer(JOIN_TIMER, self.clock.after(WAIT_S), JoinOverdue(cycle.run_id))]

    def on_targets(self, targets: Targets) -> Effects:
        self.targets[targets.sleeve] = targets
        asked = self.asked
        if asked is None or targets.run_id != asked.cycle.run_id or not self._all_answered():
            return None
        return [CancelTimer(JOIN_TIMER), *self._plan(asked)]

    def on_join_overdue(self, overdue: JoinOverdue) -> Effects:
        asked = self.asked
        if asked is None or asked.cycle.run_id != overdue.run_id:
            return None
        return self._plan(asked)

    def _answers(self, run_id: str) -> dict[str, Targets]:
        return {name: each for name, each in self.targets.items() if each.run_id == run_id}

    def _all_answered(self) -> bool:
        asked = self.asked
        if asked is None:
            return False
        run_id, targets = asked.cycle.run_id, self.targets
        return all((each := targets.get(name)) is not None and each.run_id == run_id for name in self.sleeves)

    # -- the run

    def _plan(self, decide: Decide) -> list[Effect]:
        self.asked = None
        cycle, now_ns = decide.cycle, self.clock.now_ns
        effects = self._supersede(cycle.run_id)
        answers = self._answers(cycle.run_id)
        netting = Netting(self.contracts, self.policy, self.sleeves, self.ledger.busy)
        plan = netting.plan(cycle, decide.portfolio, decide.fx, answers)
        silent = tuple(
            Denial("SILENT", name, f"{name} did not answer in time and holds")
            for name in self.sleeves
            if name not in answers
        )
        planned = RunPlanned(
            cycle.run_id, cycle.program, cycle.session, cycle.inputs_hash, intents_hash(plan.intents), plan.intents,
            (*silent, *plan.left_out), now_ns,
        )  # fmt: skip
        run = self.ledger.plan(planned)
        effects.append(Journal(planned))
        for place, each in enumerate(plan.crossings):
            name = f"{cycle.run_id}/cross/{place}"
            crossed = SleevesCrossed(name, cycle.run_id, each.instrument, each.price, each.shares, now_ns)
            effects += [Journal(crossed), Tell(self.portfolio, crossed)]
        if plan.intents:
            return [*effects, self._propose(run)]
        return effects + self._step(run, RunEvent.NOTHING_TO_SEND, "nothing to send")

    def _propose(self, run: Run) -> Effect:
        return Tell(self.risk, Propose(run.planned.run_id, run.planned.intents, "basket"))

    def _again(self, run: Run) -> list[Effect]:
        """Asked again: what was planned and not approved is driven on, anything later stays as it is."""
        if run.state is RunState.PLANNED and not run.approved:
            return [self._propose(run)]
        return []

    def _supersede(self, run_id: str) -> list[Effect]:
        """A run that was never approved ends when the next one is planned."""
        newest = self.ledger.newest
        if newest is None or newest.planned.run_id == run_id or newest.state is not RunState.PLANNED:
            return []
        return self._step(newest, RunEvent.ABORTED, f"superseded by {run_id}")

    def _step(self, run: Run, event: RunEvent, reason: str) -> list[Effect]:
        return [Journal(row) for row in self.ledger.step(run, event, reason, self.clock.now_ns)]

    def on_approved(self, approved: Approved) -> Effects:
        run = self.ledger.runs.get(approved.run_id)
        first = run is not None and not run.approved
        self.ledger.approve(approved)
        if run is None or not first:
            return None
        sendable, broken = whole(approved.intents)
        if sendable:
            return None
        reason = f"{len(approved.denials)} denied, {len(broken)} legs without their pair"
        return self._step(run, RunEvent.NOTHING_TO_SEND, reason)

    def on_order_update(self, update: OrderUpdate) -> Effects:
        run = self.ledger.hear(update)
        if run is None or is_terminal(run.state):
            return None
        effects = self._step(run, RunEvent.SUBMITTED, update.client_id) if run.state is RunState.PLANNED else []
        return effects + self._ended(run) or None

    def _ended(self, run: Run) -> list[Effect]:
        effects: list[Effect] = []
        if run.approved and not run.open and run.orders:
            reason = f"{run.filled} of {run.orders} orders filled"
            effects += self._step(run, RunEvent.ENDED, reason)
            effects += self._step(run, RunEvent.SETTLED, reason)
        return effects

    # -- after a restart

    def on_start(self) -> Effects:
        """What the rows say of orders may have ended runs; nothing of an older run is sent any more."""
        self.ledger.forget_unsent(self.placed)
        self.placed.clear()
        runs = [run for run in self.ledger.runs.values() if run.state is RunState.SUBMITTED]
        effects = [effect for run in runs for effect in self._ended(run)]
        return effects + (self.resuming.started(self.clock) if self.ledger.runs else [])

    def on_mode_changed(self, changed: ModeChanged) -> Effects:
        self.resuming.mode = changed.mode
        return self._resume()

    def on_resume_due(self, due: ResumeDue) -> Effects:
        return self._resume()

    def _resume(self) -> list[Effect]:
        """The first time that trading is allowed after a restart, the newest run is driven on."""
        newest = self.ledger.newest
        if newest is None or not self.resuming.may_now():
            return []
        return self._again(newest)

    def fold_mode(self, row: ModeEntered) -> None:
        self.resuming.mode = row.mode

    def fold_planned(self, row: RunPlanned) -> None:
        if row.run_id not in self.ledger.runs:
            self.ledger.plan(row)

    def fold_moved(self, row: RunMoved) -> None:
        self.ledger.fold_moved(row)

    def fold_approved(self, row: Approved) -> None:
        self.ledger.approve(row)

    def fold_order_planned(self, row: OrderPlanned) -> None:
        self.placed[row.spec.client_id] = None

    def fold_order_moved(self, row: OrderMoved) -> None:
        if order_law.is_terminal(OrderState(row.now)):
            self.placed.pop(row.client_id, None)
            self.ledger.fold_ended(row.client_id, "", row.now == OrderState.FILLED)

    def fold_denied(self, row: OrderDenied) -> None:
        self.ledger.fold_ended(row.client_id, row.run_id, False)

    def snapshot(self) -> RunsKept:
        return self.ledger.keep(self.resuming.mode)

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, RunsKept)
        self.ledger = RunLedger.restored(snapshot)
        self.resuming.mode = snapshot.mode
