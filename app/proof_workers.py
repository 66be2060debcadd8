"""Worker processes that play cases: a case that kills its process is a verdict, never a silence."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

import msgspec

from engine.collector import seldom
from simulation.prove.case import Verdict, Violation

Play = Callable[[str], Verdict]

CHUNK = 32
PATIENCE_S = 300.0
MOST_DEATHS = 10
READY = b""
"""What a worker says first: the time of its first case counts from here."""
PROCESS, RAISED = "process", "raised"
"""Names of what judges a case that came to no verdict: its process died or did not end, or the play raised."""


class Played(msgspec.Struct, frozen=True):
    """A verdict on a case, and the processor seconds it took."""

    case: str
    verdict: Verdict
    seconds: float


def without_verdict(case: str, oracle: str, text: str) -> Verdict:
    """What is said of a case that could not be judged."""
    return Verdict(
        case=case, violations=(Violation(oracle, text, 0),), reached={}, crashes=0, simulated_ns=0, messages=0,
        journal_hash="",
    )  # fmt: skip


def played(play: Play, case: str) -> Played:
    """One case in this process; a play that raises is a violation with its traceback."""
    began = time.process_time()
    try:
        verdict = play(case)
    except KeyboardInterrupt:
        raise
    except BaseException:
        # CrashError is no Exception: one that leaves the stage must not take the worker with it.
        verdict = without_verdict(case, RAISED, traceback.format_exc())
    return Played(case, verdict, time.process_time() - began)


def _work(play: Play, pipe: Connection) -> None:
    encode = msgspec.msgpack.Encoder().encode
    warm = False
    with contextlib.suppress(EOFError, OSError), seldom():
        pipe.send_bytes(READY)
        while True:
            for case in pipe.recv():
                pipe.send_bytes(encode(played(play, case)))
                if not warm:
                    gc.collect()
                    gc.freeze()  # what the first case loaded is there for all: the collector need not look at it again
                    warm = True


class _Worker:
    def __init__(self, play: Play) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.cases: deque[str] = deque()
        self.since = time.monotonic()
        self._process = context.Process(target=_work, args=(play, theirs), daemon=True)
        with _deaf():
            self._process.start()
        theirs.close()

    def give(self, cases: Sequence[str]) -> None:
        self.cases.extend(cases)
        self.since = time.monotonic()
        try:
            self.pipe.send(list(cases))
        except OSError:
            return  # It has died already; whoever listens to its pipe hears so.

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int | None:
        """Be rid of it; how it ended: an exit code, or minus the number of a signal."""
        self.pipe.close()
        self._process.join(1.0)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        return self._process.exitcode


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C: the one who started them does, and ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Workers:
    """So many processes that play cases, for a `with` block; leaving it ends them, whatever they were at.

    play: found by its name in each process.  patience_s: a case that takes longer is a violation, and its process is
    replaced.
    """

    def __init__(self, jobs: int, play: Play, *, patience_s: float = PATIENCE_S, chunk: int = CHUNK) -> None:
        self._jobs = jobs
        self._play = play
        self._patience_s = patience_s
        self._chunk = chunk
        self._workers: list[_Worker] = []
        self.deaths = 0
        self._decode = msgspec.msgpack.Decoder(Played).decode

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: Any) -> None:
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def play(self, cases: Iterable[str]) -> Iterator[Played]:
        """Every case once, in the order in which they end. It stops early when processes die again and again."""
        waiting = deque(cases)
        chunk = max(1, min(self._chunk, len(waiting) // (4 * self._jobs)))
        while True:
            self._hand_out(waiting, chunk)
            busy = {worker.pipe: worker for worker in self._workers if worker.cases}
            if not busy:
                return
            for pipe in wait(list(busy), timeout=1.0):
                assert isinstance(pipe, Connection)
                yield from self._heard(busy[pipe], waiting)
            for worker in self._workers:
                if worker.cases and time.monotonic() - worker.since > self._patience_s:
                    worker.kill()

    def _hand_out(self, waiting: deque[str], chunk: int) -> None:
        if self.deaths >= MOST_DEATHS:
            return
        while len(self._workers) < self._jobs and len(self._workers) * chunk < len(waiting):
            self._workers.append(_Worker(self._play))
        for worker in self._workers:
            if waiting and not worker.cases:
                worker.give([waiting.popleft() for _ in range(min(chunk, len(waiting)))])

    def _heard(self, worker: _Worker, waiting: deque[str]) -> Iterator[Played]:
        try:
            said = worker.pipe.recv_bytes()
        except (EOFError, OSError):
            yield self._died(worker, waiting)
            return
        worker.since = time.monotonic()
        if said != READY:
            worker.cases.popleft()
            yield self._decode(said)

    def _died(self, worker: _Worker, waiting: deque[str]) -> Played:
        late = time.monotonic() - worker.since > self._patience_s
        code = worker.end()
        self.deaths += 1
        self._workers.remove(worker)
        case = worker.cases.popleft()
        waiting.extendleft(reversed(worker.cases))
        text = f"it did not end within {self._patience_s:g} s" if late else f"its process ended with status {code}"
        return Played(case, without_verdict(case, PROCESS, text), 0.0)
