"""Orders of a day that is over: not open any more by two looks in a row, and the positions say what they filled."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from actors.evidence import IN_DOUBT, UNKNOWN, UNKNOWN_ORDER, Findings
from model.combos import contracts_of, legs_of
from model.execution import BooksCompared, Break, DayOver, KnownOrder, Severity
from model.orders import Side, VenueSnapshot


class DaysOver:
    """Judges orders that a venue acknowledged on a day it no longer tells of, and that it does not show as open.

    That the order is not open is the venue's word, once two complete looks at least `settle_ns` apart have given it and
    no link was lost between them. What it filled unheard would stand in the positions: where the book is equal to the
    venue in every contract of the order, it filled nothing more. Anything else is a person's to answer.
    """

    def __init__(self, settle_ns: int) -> None:
        self._settle_ns = settle_ns
        self._first_ns: dict[str, int] = {}

    def forget(self) -> None:
        """The link was away: looks from before prove nothing together with looks from after."""
        self._first_ns.clear()

    def judge(self, snapshot: VenueSnapshot, found: Findings, books: BooksCompared) -> tuple[Findings, list[DayOver]]:
        """The findings with what stays open of such orders, and those that are over."""
        seen, self._first_ns = self._first_ns, {}
        breaks, doubts, over = list(found.breaks), list(found.doubts), list[DayOver]()
        provable_ns = found.provable_ns
        for order in found.over:
            first_ns = self._first_ns[order.client_id] = seen.get(order.client_id, snapshot.at_ns)
            if order.state != UNKNOWN:
                continue  # it becomes that by this look, and the next one is asked for by that
            due_ns = first_ns + self._settle_ns
            if order.client_id not in seen or snapshot.at_ns < due_ns:
                breaks.append(_break(UNKNOWN_ORDER, order, "is not open any more, and its day is over: look again"))
                provable_ns = max(provable_ns, due_ns)
                continue
            objection = _objection(order, (*found.over, *found.unshown), books)
            if objection:
                breaks.append(_break(IN_DOUBT, order, f"is not open any more, and its day is over, but {objection}"))
                doubts.append((order.instrument, breaks[-1].text))
            else:
                over.append(DayOver(order.client_id, True, snapshot.id, snapshot.at_ns))
        left = structs.replace(found, breaks=tuple(breaks), doubts=tuple(doubts), provable_ns=provable_ns)
        return left, over


def _break(kind: str, order: KnownOrder, text: str) -> Break:
    words = f"{order.client_id} in {order.instrument} {text}"
    return Break(kind, order.client_id, order.filled, 0, Severity.LOCK, words)


def _objection(order: KnownOrder, unshown: Iterable[KnownOrder], books: BooksCompared) -> str:
    """Why the positions do not say what the order filled; nothing when they do."""
    differs = {each.subject for each in books.breaks}
    mine = _sides(order)
    for name in contracts_of(order.instrument):
        if name not in books.compared:
            return f"no position in {name} says what it filled: ask the venue what became of it"
        if name in differs:
            return f"the positions in {name} differ: find what it filled, and repair the books"
    for other in unshown:
        if any(mine.get(name, side) != side for name, side in _sides(other).items()):
            return f"what {other.client_id} filled may hide what it filled: ask the venue what became of both"
    return ""


def _sides(order: KnownOrder) -> dict[str, Side]:
    """What an execution of the order buys or sells, by contract."""
    legs = {leg.instrument: leg.side(order.side) for leg in legs_of(order.instrument)}
    return legs or {order.instrument: order.side}
