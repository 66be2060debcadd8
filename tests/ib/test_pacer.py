"""The pacer in front of the socket, on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from ports.ib.pacer import SHARE, Lane, Paced, Pacer


class Timer:
    def __init__(self, at_s: float, do: Callable[[], None]) -> None:
        self.at_s, self.do, self.off = at_s, do, False

    def cancel(self) -> None:
        self.off = True


class HandLoop:
    """The two things of a loop that a pacer needs."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now_s + delay, callback))
        return self.timers[-1]

    def advance(self, to_s: float) -> None:
        while due := [each for each in self.timers if each.at_s <= to_s and not each.off]:
            first = min(due, key=lambda each: each.at_s)
            self.timers.remove(first)
            self.now_s = max(self.now_s, first.at_s)
            first.do()
        self.now_s = to_s


class Socket:
    """Writes down what was written and when, and what never was."""

    def __init__(self, limit: int = 50) -> None:
        self.loop = HandLoop()
        self.pacer = Pacer(limit, self.loop)  # type: ignore[arg-type]
        self.written: list[tuple[float, Lane, int]] = []
        self.unsent: list[tuple[int, str]] = []
        self.broken = False

    def put(self, lane: Lane, number: int) -> None:
        def write() -> None:
            if self.broken:
                raise ConnectionError("no socket")
            self.written.append((self.loop.now_s, lane, number))

        self.pacer.put(Paced(lane, write, lambda reason: self.unsent.append((number, reason))))


@given(st.lists(st.tuples(st.sampled_from(list(Lane)), st.floats(0.0, 0.4)), max_size=200), st.integers(2, 60))
def test_no_second_has_more_messages_than_the_limit_and_none_is_lost(
    messages: list[tuple[Lane, float]], limit: int
) -> None:
    socket = Socket(limit)
    for number, (lane, later) in enumerate(messages):
        socket.loop.advance(socket.loop.now_s + later)
        socket.put(lane, number)
    socket.loop.advance(socket.loop.now_s + 300.0)
    times = [at for at, _, _ in socket.written]
    assert sorted(number for _, _, number in socket.written) == list(range(len(messages)))
    assert all(sum(1 for each in times if start <= each < start + 1.0) <= limit for start in times)
    for lane in Lane:
        numbers = [number for _, one, number in socket.written if one is lane]
        assert numbers == sorted(numbers)


def test_a_cancel_behind_a_thousand_questions_leaves_at_once() -> None:
    socket = Socket()
    for number in range(1_000):
        socket.put(Lane.QUERY, number)
    socket.put(Lane.CANCEL, -1)
    assert (0.0, Lane.CANCEL, -1) in socket.written
    assert len(socket.written) == int(50 * SHARE[Lane.QUERY]) + 1


def test_an_order_outruns_questions_and_a_cancel_outruns_orders() -> None:
    socket = Socket(10)
    for number in range(20):
        socket.put(Lane.ORDER, number)
        socket.put(Lane.QUERY, 100 + number)
    socket.put(Lane.CANCEL, 200)
    socket.loop.advance(60.0)
    lanes = [lane for _, lane, _ in socket.written]
    assert lanes.index(Lane.CANCEL) < 15
    assert max(i for i, lane in enumerate(lanes) if lane is Lane.ORDER) < max(
        i for i, lane in enumerate(lanes) if lane is Lane.QUERY
    )


def test_what_is_dropped_was_not_written_and_its_sender_hears_why() -> None:
    socket = Socket(10)
    for number in range(30):
        socket.put(Lane.ORDER, number)
    written = {number for _, _, number in socket.written}
    socket.pacer.drop("the link fell")
    socket.loop.advance(60.0)
    assert {number for _, _, number in socket.written} == written
    assert {number for number, _ in socket.unsent} == set(range(30)) - written
    assert {reason for _, reason in socket.unsent} == {"the link fell"}


def test_what_the_socket_does_not_take_was_not_sent() -> None:
    socket = Socket()
    socket.broken = True
    socket.put(Lane.ORDER, 1)
    assert socket.unsent == [(1, "no socket")]


def test_too_fast_by_the_gateways_word_halves_the_pace() -> None:
    socket = Socket(50)
    socket.pacer.halve()
    for number in range(100):
        socket.put(Lane.CANCEL, number)
    assert len(socket.written) == 25


def test_complaints_of_one_burst_halve_the_pace_once_and_those_of_a_later_one_again() -> None:
    """Each message too many was complained of, and a burst of twenty left two messages a second for the session."""
    socket = Socket(50)
    for _ in range(20):
        socket.pacer.halve()
    assert socket.pacer.limit == 25
    socket.loop.advance(1.9)
    socket.pacer.halve()
    assert socket.pacer.limit == 25
    socket.loop.advance(2.0)
    socket.pacer.halve()
    assert socket.pacer.limit == 12


def test_a_gateway_that_reads_a_burst_late_and_the_next_in_time_counts_no_second_too_full() -> None:
    """Both of fifty, a second apart, came within 0.97 s of its clock: it refused most of the second and said so."""
    socket = Socket(50)
    for number in range(200):
        socket.put(Lane.CANCEL, number)
    socket.loop.advance(10.0)
    read = [at + (0.03 if number < 50 else 0.0) for at, _, number in socket.written]
    assert all(sum(1 for each in read if start <= each < start + 1.0) <= 50 for start in read)


def test_orders_without_end_let_the_question_pass_whether_the_gateway_lives() -> None:
    """Ten seconds of orders kept it back until the session was given up for dead."""
    socket = Socket(50)
    for number in range(1_000):
        socket.put(Lane.ORDER, number)
    for number in range(3):
        socket.put(Lane.TRUTH, -number)
    socket.loop.advance(4.0)
    asked = [at for at, lane, _ in socket.written if lane is Lane.TRUTH]
    assert len(asked) == 3
    assert asked[-1] < 2.5
