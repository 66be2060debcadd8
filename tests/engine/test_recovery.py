"""Recovery folds into each actor what is its own, and passes by what nobody folds."""

from __future__ import annotations

from engine.actor import Actor
from engine.message import Event
from engine.ports import Row
from engine.recovery import fold, restore


class Added(Event, frozen=True, gc=False):
    number: int


class Unfolded(Event, frozen=True, gc=False):
    text: str


class Sum(Actor):
    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0

    def fold_added(self, added: Added) -> None:
        self.total += added.number

    def restore(self, snapshot: Event) -> None:
        assert isinstance(snapshot, Added)
        self.total = snapshot.number


class SumOfAll(Sum):
    folds_rows_of = ("*",)


def test_rows_of_a_kind_that_nobody_folds_are_passed_by_and_counted_as_seen() -> None:
    rows = [Row(1, 0, "a", 0, Added(1)), Row(2, 0, "a", 1, Unfolded("x")), Row(3, 0, "b", 2, Added(10))]
    one, everyone = Sum("a"), SumOfAll("c")
    assert restore([one, everyone], rows) == 3
    assert (one.total, everyone.total) == (1, 11)
    assert fold(Sum("a"), [Row(7, 0, "a", 0, Unfolded("x"))]) == 7


def test_rows_that_a_snapshot_has_seen_are_not_folded_twice() -> None:
    rows = [Row(1, 0, "a", 0, Added(1)), Row(2, 0, "a", 0, Added(2)), Row(3, 0, "a", 0, Added(4))]
    one = Sum("a")
    assert restore([one], rows, {"a": (2, Added(3))}) == 3
    assert one.total == 7
    assert restore([Sum("a")], [], {"a": (9, Added(3))}) == 9
