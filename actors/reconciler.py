"""The reconciler: compares our book with the venue's own account, by evidence and never by invention."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.days_over import DaysOver
from actors.evidence import IN_DOUBT, UNKNOWN_ORDER, Findings, examine, ours
from engine.actor import Actor
from engine.effects import Ask, CancelTimer, Effect, Effects, Journal, Ref, SetTimer, Tell, ToPort
from engine.message import Event, Expired, Lane, Message, Refused, Replied
from model.combos import contracts_of
from model.decisions import Halt, Mode, ModeChanged, ReduceOnly
from model.execution import (
    Alarm,
    AskBooks,
    AskOrders,
    BooksBroke,
    BooksCompared,
    Break,
    LockInstrument,
    OrdersKnown,
    QueryOrders,
    Reconciled,
    ReconcileNow,
    Severity,
)
from model.orders import RequestSnapshot, VenueDown, VenueSnapshot, VenueUp
from model.units import NS_PER_SECOND

LEAST_RETRY_NS = NS_PER_SECOND
OF_ORDERS = (UNKNOWN_ORDER, IN_DOUBT)
"""Differences that name an order and no instrument."""


class ReconcilePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When to compare. Durations in nanoseconds; `every_ns` of 0 switches the periodic comparison off.

    settle_ns: how long after sending absence may be believed.  overlap_ns: how far before the last clean comparison a
    snapshot reaches back.  retry_ns: patience with a snapshot that is incomplete or does not come.
    """

    every_ns: int = 60 * NS_PER_SECOND
    settle_ns: int = 5 * NS_PER_SECOND
    overlap_ns: int = 24 * 3600 * NS_PER_SECOND
    retry_ns: int = 30 * NS_PER_SECOND
    answer_within_ns: int = 10 * NS_PER_SECOND


class ReconcileDue(Message, frozen=True, gc=False):
    """A moment to compare has come."""

    lane = Lane.TRUTH

    why: str


class ReconcilerKept(Event, frozen=True, gc=False):
    """The reconciler's snapshot."""

    count: int
    clean_ns: int


class Reconciler(Actor):
    """Ask the venue for everything, let the book take what it missed, then compare what is left.

    One comparison at a time, in steps: snapshot, orders, books. Each leaves one row. A snapshot that is not complete
    proves nothing and is asked for again.
    """

    def __init__(
        self,
        *,
        orders: Ref[Any],
        portfolio: Ref[Any],
        system: Ref[Any],
        policy: ReconcilePolicy | None = None,
        every_ns: int | None = None,
        venue: str = "venue",
    ) -> None:
        self.orders = orders
        self.portfolio = portfolio
        self.system = system
        self.policy = policy or ReconcilePolicy()
        if every_ns is not None:
            self.policy = msgspec.structs.replace(self.policy, every_ns=every_ns)
        self.venue = venue
        self.count = 0
        self.clean_ns = 0
        self.pending = ""
        self.why = ""
        self.taken: VenueSnapshot | None = None
        self.findings: Findings | None = None
        self.days = DaysOver(self.policy.settle_ns)
        self.said: dict[str, Break] = {}

    # -- when

    def on_start(self) -> Effects:
        return [*self._request("boot"), *self._next_round()]

    def on_link(self, link: VenueUp | VenueDown) -> Effects:
        if isinstance(link, VenueUp):
            return self._request("link up")
        self.pending, self.taken = "", None
        self.days.forget()
        return None

    def on_query_orders(self, query: QueryOrders) -> Effects:
        """Orders whose fate is unknown: look when the venue had time to know of them."""
        return [SetTimer("query", self.clock.now_ns + self.policy.settle_ns, ReconcileDue("unknown order"))]

    def on_reconcile_now(self, now: ReconcileNow) -> Effects:
        return None if self.pending else self._request(now.why)

    def on_mode_changed(self, changed: ModeChanged) -> Effects:
        """RECONCILING, entered at the start or by an operator, ends only with a comparison."""
        if changed.mode is not Mode.RECONCILING or self.pending:
            return None
        return self._request("mode")

    def on_reconcile_due(self, due: ReconcileDue) -> Effects:
        effects = self._next_round() if due.why == "timer" else []
        if self.pending and due.why != "no answer":
            return effects
        return self._request(due.why) + effects

    def _next_round(self) -> list[Effect]:
        if not self.policy.every_ns:
            return []
        return [SetTimer("round", self.clock.now_ns + self.policy.every_ns, ReconcileDue("timer"))]

    def _request(self, why: str) -> list[Effect]:
        self.count += 1
        now_ns = self.clock.now_ns
        self.pending, self.why = f"rc-{now_ns}-{self.count}", why
        self.taken = None
        since_ns = max(0, self.clean_ns - self.policy.overlap_ns)
        retry = SetTimer("answer", now_ns + self.policy.retry_ns, ReconcileDue("no answer"))
        return [ToPort(self.venue, RequestSnapshot(self.pending, since_ns)), retry]

    # -- step by step

    def on_snapshot(self, snapshot: VenueSnapshot) -> Effects:
        if snapshot.id != self.pending:
            return [Tell(self.orders, fill) for fill in snapshot.fills]  # executions are facts, whoever waited for them
        if not snapshot.complete:
            return self._incomplete("the snapshot is not complete")
        self.taken = snapshot
        deadline_ns = self.clock.now_ns + self.policy.answer_within_ns
        ask = Ask(self.orders, AskOrders(ask_id=f"{snapshot.id}/orders", ids=ours(snapshot)), deadline_ns)
        return [*(Tell(self.orders, fill) for fill in snapshot.fills), ask]

    def on_answer(self, answer: Replied | Expired) -> Effects:
        snapshot = self.taken
        if snapshot is None or not answer.ask_id.startswith(f"{snapshot.id}/"):
            return None
        if isinstance(answer, Expired):
            return self._incomplete(f"{answer.asked} did not answer")
        if isinstance(answer.answer, OrdersKnown):
            self.findings = found = examine(snapshot, answer.answer, self.policy.settle_ns)
            deadline_ns = self.clock.now_ns + self.policy.answer_within_ns
            flat = tuple(dict.fromkeys(name for order in found.over for name in contracts_of(order.instrument)))
            asked = AskBooks(ask_id=f"{snapshot.id}/books", snapshot=snapshot, flat=flat)
            ask = Ask(self.portfolio, asked, deadline_ns)
            return [*(Tell(self.orders, each) for each in found.evidence), ask]
        if isinstance(answer.answer, BooksCompared) and self.findings is not None:
            return self._finish(snapshot, self.findings, answer.answer)
        return None

    def _incomplete(self, text: str) -> list[Effect]:
        row = Reconciled(self.pending, f"{self.why}: {text}", False, (), (), (), 0, self.clock.now_ns)
        self.pending, self.taken = "", None
        retry = SetTimer("answer", self.clock.now_ns + self.policy.retry_ns, ReconcileDue("no answer"))
        return [Journal(row), Tell(self.system, row), retry]

    def _finish(self, snapshot: VenueSnapshot, found: Findings, books: BooksCompared) -> list[Effect]:
        found, over = self.days.judge(snapshot, found, books)
        breaks = (*found.breaks, *books.breaks)
        row = Reconciled(
            snapshot.id, self.why, True, (*found.compared, *books.compared), (*found.skipped, *books.skipped), breaks,
            found.foreign, self.clock.now_ns,
        )  # fmt: skip
        self.pending, self.taken, self.findings = "", None, None
        if row.passed:
            self.clean_ns = snapshot.at_ns
            self.said.clear()
        done = CancelTimer("answer")
        effects: list[Effect] = [done, Journal(row), *(Tell(self.orders, each) for each in over)]
        effects += self._answer_breaks(breaks)
        for name, text in found.doubts:
            effects += [Tell(self.system, LockInstrument(each, text, "reconciler")) for each in contracts_of(name)]
        effects.append(Tell(self.system, row))
        if len(found.breaks) > len(found.doubts):
            # a replay resumes at the venue's time, before orders that only the journal knows of: ask when they are due
            now_ns = self.clock.now_ns
            later_ns = now_ns + max(self.policy.settle_ns, LEAST_RETRY_NS)
            retry_ns = found.provable_ns if found.provable_ns > now_ns else later_ns
            effects.append(SetTimer("query", retry_ns, ReconcileDue("unknown order")))
        return effects

    # -- breaks

    def on_books_broke(self, broke: BooksBroke) -> Effects:
        return self._answer_breaks(broke.breaks)

    def _answer_breaks(self, breaks: tuple[Break, ...]) -> list[Effect]:
        """What each difference does by itself, once until it changes; everything more is a person's.

        A lock is asked for every time: whoever released it without a repair has not made the books equal.
        """
        effects: list[Effect] = []
        for each in breaks:
            if each.severity is Severity.LOCK and each.kind not in OF_ORDERS:
                effects.append(Tell(self.system, LockInstrument(each.subject, each.text, "reconciler")))
            if each.severity is Severity.NOTE or self.said.get(each.subject) == each:
                continue
            self.said[each.subject] = each
            effects.append(Journal(Alarm(f"BREAK_{each.kind}", each.subject, each.text, self.clock.now_ns)))
            if each.severity is Severity.REDUCE_ONLY:
                effects.append(Tell(self.system, ReduceOnly(each.text, "reconciler")))
            elif each.severity is Severity.HALT:
                effects.append(Tell(self.system, Halt(each.text, "reconciler")))
        return effects

    def on_refused(self, refused: Refused) -> Effects:
        """The venue port took no request: try again later."""
        if isinstance(refused.message, RequestSnapshot):
            return self._incomplete("the venue port did not take the request")
        return None

    # -- recovery

    def fold_reconciled(self, row: Reconciled) -> None:
        self.count += 1
        if row.passed:
            self.clean_ns = row.at_ns

    def snapshot(self) -> ReconcilerKept:
        return ReconcilerKept(self.count, self.clean_ns)

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, ReconcilerKept)
        self.count, self.clean_ns = snapshot.count, snapshot.clean_ns
