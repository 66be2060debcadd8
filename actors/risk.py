"""Decides once per run how much risk the book may take, and checks every order before it may leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors.exposures import Working
from actors.margin import UNASKED, MarginDesk, MarginKnown, MarginWord
from actors.risk_gate import GateLimits, RiskGate, name_of
from actors.risk_scale import RiskRules, RiskScaler, ScaleState
from engine.actor import Actor
from engine.effects import Effect, Effects, Journal, Ref, Tell
from engine.message import Event
from model.decisions import (
    Approved,
    CycleFx,
    Decide,
    Halt,
    InstrumentLocked,
    InstrumentReleased,
    Mode,
    ModeChanged,
    ModeEntered,
    NavMarked,
    Propose,
    RegimeDecided,
    RiskDecision,
)
from model.execution import OrderDenied
from model.instruments import Instrument
from model.margin import MarginAnswered, MarginHeard, MarginTold
from model.order_events import OrderMoved
from model.orders import Filled, OrderUpdate, VenueUp
from model.units import Qty

_OVER = ("FILLED", "CANCELLED", "REJECTED", "EXPIRED", "DENIED")


class RiskKept(Event, frozen=True, gc=False):
    """Snapshot of the risk actor."""

    scaler: bytes
    mode: Mode
    session: int
    turnover: float
    positions: dict[str, Qty]
    orders: dict[str, Working]
    locked: dict[str, str]
    seen: dict[str, int]
    answers: tuple[Approved, ...]
    margin: bool = False


class _Join(msgspec.Struct):
    cycle: CycleFx | None = None
    regime: RegimeDecided | None = None
    nav: NavMarked | None = None


class Risk(Actor):
    """Join a run's rates, regime and net asset value into one RiskDecision; approve or deny what is proposed.

    The same run asked again gets the same decision, the same proposal the same answer, also after a crash.
    """

    folds_rows_of = ("orders", "system")

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument],
        rules: RiskRules,
        limits: GateLimits,
        sleeves: Sequence[Ref[Decide]],
        basket: Ref[Decide | Approved],
        pair: Ref[Approved],
        system: Ref[Halt] | None = None,
    ) -> None:
        """system: told to halt when one proposal holds more orders than a sane run can."""
        self.scaler = RiskScaler(rules)
        self.gate = RiskGate(instruments, limits)
        self.sleeves = tuple(sleeves)
        self.basket = basket
        self.pair = pair
        self.system = system
        self.margin = MarginDesk()
        self._joins: dict[str, _Join] = {}

    def on_cycle_fx(self, cycle: CycleFx) -> Effects:
        self._join(cycle.cycle.run_id).cycle = cycle
        return self._decide(cycle.cycle.run_id)

    def on_regime_decided(self, regime: RegimeDecided) -> Effects:
        self._join(regime.run_id).regime = regime
        return self._decide(regime.run_id)

    def on_nav_marked(self, nav: NavMarked) -> Effects:
        self._join(nav.run_id).nav = nav
        return self._decide(nav.run_id)

    def on_propose(self, propose: Propose) -> Effects:
        """Answer at once, or ask the venue for margin first when risk would be added and it can tell."""
        name = name_of(propose)
        if self.margin.waits(name):
            return None
        if self.margin.answers and self.gate.known(propose) is None:
            rising = self.gate.rising(propose, self.clock.now_ns)
            if rising:
                return self.margin.ask(name, propose, rising, self.clock)
        return self._answer(propose, UNASKED)

    def on_margin_told(self, told: MarginTold) -> Effects:
        """The venue's word, or the end of waiting for it: now the proposal is checked by everything."""
        waiting, effects = self.margin.take(told)
        if waiting is None:
            return None
        word = MarginKnown(waiting.asked, told, self.gate.limits.min_margin_cushion)
        effects.append(Journal(MarginHeard(waiting.propose.run_id, waiting.asked, told)))
        return effects + self._answer(waiting.propose, word)

    def on_venue_up(self, up: VenueUp) -> Effects:
        if up.margin == self.margin.answers:
            return None
        self.margin.answers = up.margin
        return [Journal(MarginAnswered(up.venue, up.margin, self.clock.now_ns))]

    def _answer(self, propose: Propose, margin: MarginWord) -> list[Effect]:
        answer, known = self.gate.propose(propose, self.clock.now_ns, margin)
        told = Tell(self.pair, answer)
        if propose.sender != "basket":
            return [Journal(answer), told]
        effects: list[Effect] = [told, Tell(self.basket, answer)]
        if not known:
            effects.insert(0, Journal(answer))
        if self.system is not None and answer.denials and answer.denials[0].code == "RUN_SIZE":
            reason = f"run {propose.run_id} proposes {len(propose.intents)} orders at once"
            effects.append(Tell(self.system, Halt(reason, "risk")))
        return effects

    def on_order_update(self, update: OrderUpdate) -> Effects:
        self.gate.exposures.moved(update.client_id, update.filled, update.terminal)
        return None

    def on_filled(self, filled: Filled) -> Effects:
        self.gate.filled(filled)
        return None

    def on_restriction(self, word: ModeChanged | InstrumentLocked | InstrumentReleased) -> Effects:
        if isinstance(word, ModeChanged):
            self.gate.mode = word.mode
        elif isinstance(word, InstrumentLocked):
            self.gate.locked[word.instrument] = word.reason
        else:
            self.gate.locked.pop(word.instrument, None)
        return None

    def fold_risk_decision(self, decision: RiskDecision) -> None:
        self.scaler.fold(decision)
        self.gate.fold_session(decision.session)

    def fold_approved(self, approved: Approved) -> None:
        self.gate.fold_approved(approved)

    def fold_margin_answered(self, row: MarginAnswered) -> None:
        self.margin.answers = row.answers

    def fold_filled(self, filled: Filled) -> None:
        self.gate.filled(filled)
        self.gate.exposures.executed(filled.fill.client_id, filled.fill.instrument, filled.fill.quantity)

    def fold_order(self, row: OrderMoved | OrderDenied) -> None:
        if isinstance(row, OrderDenied) or row.now in _OVER:
            self.gate.exposures.moved(row.client_id, 0, True)
        else:
            self.gate.exposures.hear(row.client_id)

    def fold_restriction(self, row: ModeEntered | InstrumentLocked | InstrumentReleased) -> None:
        if isinstance(row, ModeEntered):
            self.gate.mode = row.mode
        elif isinstance(row, InstrumentLocked):
            self.gate.locked[row.instrument] = row.reason
        else:
            self.gate.locked.pop(row.instrument, None)

    def snapshot(self) -> RiskKept:
        gate = self.gate
        positions, orders = gate.exposures.keep()
        scaler = msgspec.msgpack.encode(self.scaler.state)
        locked, answers = dict(gate.locked), tuple(gate.answers.values())
        return RiskKept(
            scaler, gate.mode, gate.session, gate.turnover, positions, orders, locked, dict(gate.seen), answers,
            self.margin.answers,
        )  # fmt: skip

    def restore(self, snapshot: Event) -> None:
        if not isinstance(snapshot, RiskKept):
            raise ValueError(f"{type(snapshot).__name__} is no snapshot of risk; start without it")
        gate = self.gate
        self.scaler.state = msgspec.msgpack.decode(snapshot.scaler, type=ScaleState)
        gate.mode, gate.session, gate.turnover = snapshot.mode, snapshot.session, snapshot.turnover
        gate.exposures.load(snapshot.positions, snapshot.orders)
        gate.locked, gate.seen = dict(snapshot.locked), dict(snapshot.seen)
        self.margin.answers = snapshot.margin
        gate.answers = {answer.id: answer for answer in snapshot.answers}

    def _join(self, run: str) -> _Join:
        join = self._joins.get(run)
        if join is None:
            join = self._joins[run] = _Join()
            while len(self._joins) > 4:
                del self._joins[next(iter(self._joins))]
        return join

    def _decide(self, run: str) -> Effects:
        join = self._joins[run]
        cycle, regime, nav = join.cycle, join.regime, join.nav
        if cycle is None or regime is None or nav is None:
            return None
        del self._joins[run]
        effects: list[Effect] = []
        decision = self.scaler.state.last
        if decision is None or decision.run_id != run:
            decision = self.scaler.decide(cycle, regime, nav, self.gate.mode, self.clock.now_ns)
            effects += [*self.margin.supersede(run), Journal(decision)]
        self.gate.open_cycle(cycle, nav)
        told = Decide(cycle.cycle, cycle.fx, decision, nav)
        effects.extend(Tell(sleeve, told) for sleeve in self.sleeves)
        effects.append(Tell(self.basket, told))
        return effects
