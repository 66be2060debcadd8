"""As fast as it goes on virtual time: one commit for many moments, where nothing waits and nothing can be lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from engine.clock import VirtualClock
from engine.effects import Journal, ToPort, Yields
from engine.host import Host
from engine.kernel import Kernel
from engine.message import Message
from engine.ports import Row
from engine.stages import StopPlan, StopStage
from engine.supervise import Child
from tests.engine.kit import Acting, Box, Counted, Note, kernel_of

QUICK = StopPlan(
    stages=(StopStage("drain", 5.0, drain=("*",)), StopStage("seal", 5.0, seals=True)), stop_timeout_s=60.0
)


class Disk:
    """A journal that remembers which rows each commit made durable."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.staged: list[int] = []
        self.commits: list[list[int]] = []

    def stage(self, rows: Iterable[Row]) -> None:
        for row in rows:
            assert isinstance(row.event, Counted)
            self.staged.append(row.event.n)
            self.last_seq = row.seq

    async def commit_async(self) -> None:
        self.commits.append(self.staged)
        self.staged = []


class Told:
    """A source of notes at given moments."""

    tells_again = False

    def __init__(self, kernel: Kernel, *moments: int) -> None:
        self._tell = kernel.tell
        self._moments = list(moments)

    def next_ns(self) -> int | None:
        return self._moments[0] if self._moments else None

    def fire(self, now_ns: int) -> None:
        self._tell("desk", Note(self._moments.pop(0)))


class Recorded(Told):
    """A source that would tell everything again."""

    tells_again = True


def keeps(actor: Acting, message: Message) -> Yields:
    """Journal every note; every fiftieth leaves the house as well."""
    assert isinstance(message, Note)
    yield Journal(Counted(message.n))
    if message.n % 50 == 0:
        yield ToPort("box", message)


async def commits(
    sources: Callable[[Kernel], list[Told]], pace: Callable[[int], float] | None = None
) -> tuple[list[list[int]], list[Message]]:
    disk, box = Disk(), Box()
    kernel = kernel_of(Child("desk", lambda: Acting(keeps)), clock=VirtualClock(), journal=disk, start=False)
    host = Host(kernel, ports=[box], sources=sources(kernel), pace=pace, stop_when_done=True, stop=QUICK)
    await host.run()
    return disk.commits, [message for message, _ in box.got]


async def test_rows_that_would_be_told_again_wait_for_a_row_that_would_not() -> None:
    found, _ = await commits(lambda kernel: [Recorded(kernel, 10, 20, 30, 60), Told(kernel, 45)])
    assert found == [[10, 20, 30, 45], [60]]


async def test_what_waits_for_a_row_has_it_committed_at_once() -> None:
    found, sent = await commits(lambda kernel: [Recorded(kernel, 10, 50, 60, 100)])
    assert found == [[10, 50], [60, 100]]
    assert sent == [Note(50), Note(100)]


async def test_rows_of_other_sources_are_never_put_off() -> None:
    found, _ = await commits(lambda kernel: [Told(kernel, 10, 20, 30)])
    assert found == [[10], [20], [30]]


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_at_the_pace_of_a_clock_nothing_is_put_off(seconds: float) -> None:
    found, _ = await commits(lambda kernel: [Recorded(kernel, 10, 20, 30)], pace=lambda at_ns: seconds)
    assert found == [[10], [20], [30]]


async def test_no_more_rows_are_put_off_than_one_commit_should_hold() -> None:
    found, _ = await commits(lambda kernel: [Recorded(kernel, *(n for n in range(1, 2_600) if n % 50))])
    assert [len(each) for each in found] == [1_000, 1_000, 548]
