"""The guardian: a small process beside the engine that ends what a dead or stuck engine has left at the venue.

Fence, cancel, flatten by the engine's own plan if that is wanted, and alert. It never invents an order.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection
from typing import ClassVar, Protocol

import msgspec

from app.vigil import Lapse, Vigil
from model.orders import ORDER_PREFIX, OrderSpec, Side
from ports.guardian.heartbeat import Beats, Heartbeat
from ports.guardian.plan import ClosingPlan
from ports.guardian.sealed import SealError
from ports.guardian.venue import GuardianVenue
from state.lease import LeaseError, LeaseStore
from state.process_id import ProcessId, lives

AGAIN_S = 5.0
REMIND_S = 300.0
"""A trouble that stays the same is said again after so long: people are paged, and a page each try is no page."""
LOOK_S = 0.5


class GuardianError(Exception):
    """The guardian cannot begin."""

    code: ClassVar[str] = "GUARDIAN"

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next = next_step


class Deed(msgspec.Struct, frozen=True):
    """One thing that the guardian did or could not do. `code` is stable."""

    at_ns: int
    code: str
    text: str
    process: ProcessId


class Log(Protocol):
    """Where deeds are kept, in order, and people told of them."""

    def write(self, deed: Deed) -> None: ...

    def done(self) -> ProcessId | None:
        """The engine that was ended last, to its end."""
        ...


class Plans(Protocol):
    """Where the engine leaves its plan. `read` raises SealError for one that is not the engine's."""

    def read(self) -> ClosingPlan | None: ...


def kill(process: ProcessId) -> str:
    """End a process of this machine for certain; what became of it, in words. Never another one with its number."""
    alive = lives(process)
    if alive is None:
        return "it is on another machine, or nobody can tell: fenced, not killed"
    if not alive:
        return "it was dead already"
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return "it was dead already"
    try:
        if not lives(process):
            return "it was dead already"
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        _gone(process)
        return "killed"
    except ProcessLookupError:
        return "it was dead already"
    except OSError as error:
        return f"it could not be killed ({error.strerror}): fenced all the same"
    finally:
        os.close(handle)


def _gone(process: ProcessId, within_s: float = 5.0) -> None:
    end_s = time.monotonic() + within_s
    while lives(process) and time.monotonic() < end_s:
        time.sleep(0.01)


class Guardian:
    """Watches one engine. `look` is one round; it raises nothing that the next round cannot mend.

    beats, plans: what the engine leaves.  lease: of its account.  session: opens the guardian's own session to the
    venue under a fencing token.  flatten: use the plan too.  end: how a process is ended.  seconds: any steady clock.
    """

    def __init__(
        self, *, beats: Beats, plans: Plans, lease: LeaseStore, session: Callable[[int, Heartbeat], GuardianVenue],
        log: Log, lapse_s: float, flatten: bool = False, end: Callable[[ProcessId], str] = kill,
        seconds: Callable[[], float] = time.monotonic, wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        self._beats, self._plans, self._lease, self._session, self._log = beats, plans, lease, session, log
        self._flatten, self._end, self._seconds, self._wall_ns = flatten, end, seconds, wall_ns
        self._vigil = Vigil(lapse_s)
        self._done = log.done()
        self._distrusted = ""
        self._said: set[tuple[ProcessId, str]] = set()
        self._trouble = ("", float("-inf"))
        self._retry_s = float("-inf")
        self._last: Heartbeat | None = None

    def look(self) -> bool:
        """One round. True when an engine was ended in it."""
        now_s = self._seconds()
        lapse = self._vigil.look(self._beat(), now_s)
        if lapse is None or lapse.beat.process == self._done or now_s < self._retry_s:
            return False
        try:
            if self._succeeded(lapse.beat.process):
                return False
            self._act(lapse)
        except (OSError, LeaseError, SealError) as error:
            self._say_again(lapse.beat, str(error), now_s)
            self._retry_s = now_s + AGAIN_S
            return False
        self._done = lapse.beat.process
        return True

    def _succeeded(self, process: ProcessId) -> bool:
        """Whether another engine has taken the account, and has not begun to beat yet: it looks after everything."""
        standing = self._lease.look()
        holder = standing.holder
        if holder is None or holder.process == process or self._wall_ns() >= standing.until_ns:
            return False
        return lives(holder.process) is not False

    def _beat(self) -> Heartbeat | None:
        """The newest beat that can be believed: a spoiled file is no sign of life."""
        try:
            self._last = self._beats.read() or self._last
            self._distrusted = ""
        except SealError as error:
            if self._last is not None and str(error) != self._distrusted:
                self._distrusted = str(error)
                self._say(self._last, "DISTRUSTED", str(error))
        return self._last

    # -- what is done, in this order

    def _act(self, lapse: Lapse) -> None:
        beat = lapse.beat
        self._say_once(beat, "LAPSED", f"{lapse.why}; its mode was {beat.pulse.mode}, its last row {beat.pulse.seq}")
        token = self._lease.fence(lapse.why).token
        self._say_once(beat, "FENCED", f"nothing under a token below {token} is sent any more")
        self._say_once(beat, "ENDED", self._end(beat.process))
        plan, why_not = self._plan() if self._flatten else (None, "")
        closing = {order.client_id for order in plan.orders} if plan else set()
        venue = self._session(token, beat)
        try:
            cancelled = venue.cancel_by_prefix(ORDER_PREFIX, closing)
            self._say(beat, "CANCELLED", f"{len(cancelled)} orders: {', '.join(cancelled) or 'none was open'}")
            still = [order.client_id for order in venue.open_orders() if order.client_id.startswith(ORDER_PREFIX)]
            left = [name for name in still if name not in closing]
            if left:
                raise OSError(f"{len(left)} orders are still open: {', '.join(left)}")
            if why_not:
                self._say(beat, "NOT_FLATTENED", why_not)
            if plan:
                self._close(beat, venue, plan, still)
            self._say(beat, "DONE", self._held(venue))
        finally:
            venue.close()

    def _plan(self) -> tuple[ClosingPlan | None, str]:
        """What the engine planned, or why nothing may be closed by it."""
        try:
            plan = self._plans.read()
        except SealError as error:
            return None, str(error)
        if plan is None:
            return None, "the engine left no plan, and the guardian makes none"
        late_ns = self._wall_ns() - plan.expires_ns
        return (plan, "") if late_ns < 0 else (None, f"the plan ended {late_ns // 10**9} s ago")

    def _close(self, beat: Heartbeat, venue: GuardianVenue, plan: ClosingPlan, at_work: Collection[str]) -> None:
        """Send what the engine planned, word for word, as far as the venue's own positions agree with it.

        at_work: closing orders that a guardian sent before it died.
        """
        held = {each.instrument: each.quantity for each in venue.positions()}
        for order in plan.orders:
            name = f"{order.client_id} {order.side.name} {order.quantity} {order.instrument}"
            if order.client_id in at_work:
                self._say(beat, "SENT", f"{name}: before, and it works")
                continue
            wrong = objection(order, held.get(order.instrument, 0)) or venue.submit(order)
            self._say(beat, "NOT_SENT" if wrong else "SENT", f"{name}: {wrong}" if wrong else name)
        for instrument in sorted(set(held) - {order.instrument for order in plan.orders}):
            self._say(
                beat, "NOT_PLANNED", f"{held[instrument]} {instrument}: the plan of row {plan.seq} does not know it"
            )

    @staticmethod
    def _held(venue: GuardianVenue) -> str:
        held = ", ".join(f"{each.quantity} {each.instrument}" for each in venue.positions() if each.quantity)
        return f"the account holds {held or 'nothing'} (in 1e-8)"

    def _say_once(self, beat: Heartbeat, code: str, text: str) -> None:
        """What is done anew with each try is said with the first one of an engine."""
        if (beat.process, code) not in self._said:
            self._say(beat, code, text)
            self._said.add((beat.process, code))

    def _say_again(self, beat: Heartbeat, trouble: str, now_s: float) -> None:
        before, said_s = self._trouble
        if trouble != before or now_s - said_s >= REMIND_S:
            self._say(beat, "TRY_AGAIN", f"{trouble}; again every {AGAIN_S:g} s")
            self._trouble = (trouble, now_s)

    def _say(self, beat: Heartbeat, code: str, text: str) -> None:
        self._log.write(Deed(self._wall_ns(), code, text, beat.process))


def objection(order: OrderSpec, held: int) -> str:
    """Why a planned order may not be sent on what the venue holds; empty when it brings the position nearer to zero."""
    if not order.client_id.startswith(ORDER_PREFIX):
        return "it does not carry our prefix"
    closes = held < 0 if order.side is Side.BUY else held > 0
    if not closes or order.quantity > abs(held):
        return f"the venue holds {held}, which it would not close"
    return ""
