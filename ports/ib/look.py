"""A look at everything the gateway knows of the account, and when looks together prove that something is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from model.accruals import VenueAccrual
from model.units import Cash, Qty
from ports.ib.executions import stem_of
from ports.ib.heard import ExecutionSeen, OrderSeen, PositionSeen

CLEAN_LOOKS = 3


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Every part with its end marker seen; a look with a part that failed does not exist.

    began_ns: before the first question left.  began_s: the same on the loop's clock, by which looks are kept apart: a
    rehearsal's own time may run faster than the gateway answers.  as_of_ns: the moment for which positions and cash are
    both true; earlier than `began_ns` while cash lacks an execution.  session: which session, and which stretch of it
    without a loss of the upstream link.
    """

    began_ns: int
    began_s: float
    as_of_ns: int
    session: tuple[int, int]
    open: tuple[OrderSeen, ...]
    completed: tuple[OrderSeen, ...]
    executions: tuple[ExecutionSeen, ...]
    positions: tuple[PositionSeen, ...]
    cash: Mapping[str, Cash]
    accrued: tuple[VenueAccrual, ...] = ()

    def shows(self) -> frozenset[str]:
        """References of every order that it shows, by any part."""
        orders = (*self.open, *self.completed)
        return frozenset({*(each.ref for each in orders), *(each.ref for each in self.executions)})

    def held(self) -> dict[int, Qty]:
        return {each.contract.con_id: each.quantity for each in self.positions}


def agree(before: Look, after: Look) -> bool:
    """Nothing that was shown has vanished, and positions moved by what was executed in between and nothing else."""
    if before.session != after.session or not before.shows() <= after.shows():
        return False
    moved = _moved(before.executions, after.executions)
    was, now = before.held(), after.held()
    return all(now.get(con_id, 0) - was.get(con_id, 0) == moved.get(con_id, 0) for con_id in {*was, *now, *moved})


def _moved(before: Iterable[ExecutionSeen], after: Iterable[ExecutionSeen]) -> dict[int, Qty]:
    """Signed quantity by contract that is in the later executions and not in the earlier, corrections folded."""
    moved: dict[int, Qty] = {}
    for executions, sign in ((after, 1), (before, -1)):
        for each in folded(executions):
            if each.contract.sec_type != "BAG":
                con_id = each.contract.con_id
                moved[con_id] = moved.get(con_id, 0) + sign * each.side * each.shares
    return moved


def folded(executions: Iterable[ExecutionSeen]) -> list[ExecutionSeen]:
    """The newest correction of each execution."""
    newest: dict[str, tuple[int, ExecutionSeen]] = {}
    for each in executions:
        stem, number = stem_of(each.exec_id)
        if stem not in newest or newest[stem][0] < number:
            newest[stem] = (number, each)
    return [each for _, each in newest.values()]


class Looks:
    """The clean looks of one stretch of a session, far enough apart, each agreeing with the one before."""

    def __init__(self, gap_s: float, wanted: int = CLEAN_LOOKS) -> None:
        self._gap_s = gap_s
        self._wanted = wanted
        self._clean: list[Look] = []

    def forget(self) -> None:
        """Something happened after which absence must be proved anew."""
        self._clean.clear()

    def add(self, look: Look) -> bool:
        """Whether a look agrees with the last; one that does not begins the count again, one too soon counts not."""
        if self._clean and not agree(self._clean[-1], look):
            self._clean = [look]
            return False
        if not self._clean or look.began_s - self._clean[-1].began_s >= self._gap_s:
            self._clean = [*self._clean, look][-self._wanted :]
        return True

    def prove(self, sent_ns: int) -> bool:
        """Whether absence is proved of what left at or before this moment: enough looks, the first of them after it."""
        return len(self._clean) >= self._wanted and self._clean[0].began_ns > sent_ns

    def wait_s(self, now_s: float) -> float:
        """How long until another look counts, by the loop's clock."""
        return max(0.0, self._clean[-1].began_s + self._gap_s - now_s) if self._clean else 0.0


def vanished(look: Look, refs: Sequence[str]) -> list[str]:
    """Orders that the gateway has shown before and does not show now, in no part."""
    shown = look.shows()
    return [ref for ref in refs if ref not in shown]
