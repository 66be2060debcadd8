"""The ledger of runs: each is planned at most once and traded at most once."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Sequence

import msgspec

from engine.message import Event
from model.combos import contracts_of
from model.decisions import Approved, Mode, RunMoved, RunPlanned
from model.orders import Intent, OrderUpdate
from state.run_law import RunEvent, RunState, is_terminal, next_state

RUNS_KEPT = 32


class Run(msgspec.Struct, gc=False, kw_only=True):
    """One run: its plan, and which of its orders are still expected to end."""

    planned: RunPlanned
    state: RunState = RunState.PLANNED
    approved: bool = False
    open: dict[str, str] = {}
    orders: int = 0
    filled: int = 0


class RunsKept(Event, frozen=True, gc=False):
    """The basket's snapshot."""

    runs: tuple[Run, ...]
    floor: tuple[int, int]
    busy: dict[str, str]
    mode: Mode = Mode.BOOT


def intents_hash(intents: Iterable[Intent]) -> str:
    """One name for a set of intents; their ids are hashes of what they are."""
    return hashlib.sha256("|".join(intent.id for intent in intents).encode()).hexdigest()[:16]


def number_of(run_id: str) -> int:
    """Which run of its session a run id names; 0 for one that is named otherwise."""
    parts = run_id.split(".", 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 0


def whole(intents: Sequence[Intent]) -> tuple[Sequence[Intent], Sequence[Intent]]:
    """(those that may be sent, legs whose pair is not complete)."""
    present: dict[str, int] = {}
    for intent in intents:
        if intent.pair:
            present[intent.pair] = present.get(intent.pair, 0) + 1
    if not present:
        return intents, ()
    sendable = [each for each in intents if not each.pair or present[each.pair] >= each.legs]
    broken = [each for each in intents if each.pair and present[each.pair] < each.legs]
    return sendable, broken


class RunLedger:
    """Runs by id, newest last, and the contracts that have an order open."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.floor = (0, 0)
        self.working: dict[str, str] = {}
        self.busy: dict[str, int] = {}

    @property
    def newest(self) -> Run | None:
        return next(reversed(self.runs.values()), None)

    def stale(self, session: int, number: int) -> bool:
        """Too old to be new: such a run may have been planned and forgotten."""
        return (session, number) <= self.floor

    def plan(self, planned: RunPlanned) -> Run:
        run = self.runs[planned.run_id] = Run(planned=planned, open={})
        while len(self.runs) > RUNS_KEPT:
            oldest = next(iter(self.runs))
            self.floor = max(self.floor, (self.runs.pop(oldest).planned.session, number_of(oldest)))
        return run

    def step(self, run: Run, event: RunEvent, reason: str, now_ns: int) -> list[RunMoved]:
        """Take a step by the law; the row to journal when it moved."""
        outcome = next_state(run.state, event)
        run.state = outcome.state
        return [RunMoved(run.planned.run_id, run.state, reason, now_ns)] if outcome.moved else []

    def approve(self, approved: Approved) -> None:
        """Expect an end for every intent that will be sent."""
        run = self.runs.get(approved.run_id)
        sendable, _ = whole(approved.intents)
        for intent in sendable:
            self._work(intent.id, intent.instrument)
            if run is not None and not is_terminal(run.state):
                run.open[intent.id] = intent.instrument
                run.orders += 1
        if run is not None:
            run.approved = True

    def _work(self, client_id: str, instrument: str) -> None:
        if client_id not in self.working:
            self.working[client_id] = instrument
            for each in contracts_of(instrument):
                self.busy[each] = self.busy.get(each, 0) + 1

    def hear(self, update: OrderUpdate) -> Run | None:
        """Take news of an order; returns its run when this was new there."""
        run = self.runs.get(update.run_id)
        if not update.terminal:
            self._work(update.client_id, update.instrument)
            return run
        self._rest(update.client_id)
        if run is None or run.open.pop(update.client_id, None) is None:
            return None
        run.filled += update.filled >= update.quantity
        return run

    def _rest(self, client_id: str) -> None:
        instrument = self.working.pop(client_id, None)
        for each in () if instrument is None else contracts_of(instrument):
            left = self.busy[each] - 1
            if left:
                self.busy[each] = left
            else:
                del self.busy[each]

    # -- recovery

    def fold_moved(self, row: RunMoved) -> None:
        run = self.runs.get(row.run_id)
        if run is not None:
            run.state = RunState(row.status)
            if is_terminal(run.state):
                run.open.clear()

    def fold_ended(self, client_id: str, run_id: str, filled: bool) -> None:
        """An order's end, from the order manager's rows. `run_id` is empty where the row does not say."""
        self._rest(client_id)
        runs = [self.runs[run_id]] if run_id in self.runs else list(self.runs.values())
        for run in runs:
            if run.open.pop(client_id, None) is not None:
                run.filled += filled

    def forget_unsent(self, placed: Container[str]) -> None:
        """After a restart: intents of older runs that never became orders will not become any."""
        newest = self.newest
        for client_id in [each for each in self.working if each not in placed]:
            if newest is None or client_id not in newest.open:
                self._rest(client_id)
                for run in self.runs.values():
                    run.open.pop(client_id, None)

    def keep(self, mode: Mode = Mode.BOOT) -> RunsKept:
        runs = tuple(msgspec.structs.replace(run, open=dict(run.open)) for run in self.runs.values())
        return RunsKept(runs, self.floor, dict(self.working), mode)

    @classmethod
    def restored(cls, kept: RunsKept) -> RunLedger:
        """The ledger that `keep` gave."""
        ledger = cls()
        ledger.floor = kept.floor
        for run in kept.runs:
            ledger.runs[run.planned.run_id] = msgspec.structs.replace(run, open=dict(run.open))
        for client_id, instrument in kept.busy.items():
            ledger._work(client_id, instrument)
        return ledger
