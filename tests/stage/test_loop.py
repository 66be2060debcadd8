"""The virtual loop: asyncio as it is documented, in an order that a seed draws, without waiting."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from pathlib import Path

import aiosqlite
import pytest

from simulation.stage import VirtualLoop

HOUR_S = 3_600.0


def test_an_hour_passes_without_waiting() -> None:
    loop = VirtualLoop(now_ns=5)
    began = time.monotonic()
    loop.run_until_complete(asyncio.sleep(HOUR_S))
    assert (loop.now_ns, loop.time()) == (5 + 3_600 * 10**9, HOUR_S)
    assert time.monotonic() - began < HOUR_S / 60


def test_a_time_out_comes_when_it_is_due() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert VirtualLoop().run_until_complete(main()) == 2.5


def test_a_cancelled_timer_does_not_hold_time_up() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(HOUR_S, lambda: None).cancel()
        await asyncio.sleep(1)

    loop = VirtualLoop()
    loop.run_until_complete(main())
    assert loop.time() == 1.0
    assert loop.next_ns() is None


def test_what_nothing_will_ever_wake_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(RuntimeError, match="this would wait for ever"):
        VirtualLoop().run_until_complete(asyncio.Event().wait())


def order(seed: int) -> list[int]:
    """In which order eight tasks go on that are all ready."""
    seen: list[int] = []

    async def one(number: int) -> None:
        for _ in range(3):
            seen.append(number)
            await asyncio.sleep(0)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(one(number))

    VirtualLoop(seed=seed).run_until_complete(main())
    return seen


def test_the_seed_draws_which_task_goes_on() -> None:
    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted([*range(8)] * 3)


def test_callbacks_keep_their_order() -> None:
    seen: list[int] = []

    async def main() -> None:
        for number in range(50):
            asyncio.get_running_loop().call_soon(seen.append, number)
        await asyncio.sleep(1)

    VirtualLoop(seed=3).run_until_complete(main())
    assert seen == list(range(50))


def test_a_threads_work_takes_time_and_no_thread() -> None:
    async def main() -> tuple[bool, float]:
        where = await asyncio.to_thread(threading.current_thread)
        return where is threading.main_thread(), asyncio.get_running_loop().time()

    here, seconds = VirtualLoop().run_until_complete(main())
    assert here
    assert 0 < seconds < 0.1


def test_what_a_thread_raises_reaches_whoever_waits() -> None:
    async def main() -> None:
        await asyncio.to_thread(int, "no number")

    with pytest.raises(ValueError, match="no number"):
        VirtualLoop().run_until_complete(main())


def test_aiosqlite_runs_on_it_unmodified_and_without_its_thread(tmp_path: Path) -> None:
    """It leans on two names in aiosqlite.core, the queue and the thread: this is their contract."""

    async def main() -> list[int]:
        async with aiosqlite.connect(tmp_path / "some.sqlite") as db:
            await db.execute("CREATE TABLE numbers (n INTEGER)")
            await db.executemany("INSERT INTO numbers VALUES (?)", [(1,), (2,)])
            await db.commit()
            return [n for (n,) in await db.execute_fetchall("SELECT n FROM numbers ORDER BY n")]

    before = threading.active_count()
    loop = VirtualLoop()
    assert loop.run_until_complete(main()) == [1, 2]
    assert threading.active_count() == before
    assert loop.time() > 0
    assert vars(aiosqlite.core)["Thread"] is threading.Thread


@pytest.mark.filterwarnings("ignore:.*was deleted before being closed:ResourceWarning")
def test_a_connection_that_nobody_closed_disturbs_no_loop_that_runs_when_the_collector_finds_it(
    tmp_path: Path,
) -> None:
    """The next life of a process took other turns, on whichever Python collected the dead one in the middle of it."""
    left: list[aiosqlite.Connection] = []

    async def leave() -> None:
        left.append(await aiosqlite.connect(tmp_path / "some.sqlite"))

    async def main() -> list[float]:
        times = []
        for turn in range(6):
            if turn == 2:
                left.clear()
                gc.collect()
            await asyncio.to_thread(int)
            times.append(asyncio.get_running_loop().time())
        return times

    undisturbed = VirtualLoop(seed=4).run_until_complete(main())
    dead = VirtualLoop()
    dead.run_until_complete(leave())
    dead.close()
    assert VirtualLoop(seed=4).run_until_complete(main()) == undisturbed


def test_what_asyncio_would_only_log_is_kept() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": OSError(5, "i/o")})

    loop = VirtualLoop()
    loop.run_until_complete(main())
    assert loop.complaints == ["lost: OSError(5, 'i/o')"]


def test_a_callback_that_raises_ends_the_run() -> None:
    def fall() -> None:
        raise LookupError("a callback fell")

    async def main() -> None:
        asyncio.get_running_loop().call_soon(fall)
        await asyncio.sleep(1)

    with pytest.raises(LookupError, match="a callback fell"):
        VirtualLoop().run_until_complete(main())


def test_a_closed_loop_runs_nothing() -> None:
    loop = VirtualLoop()
    assert not loop.is_closed()
    loop.close()
    assert loop.is_closed()
    with pytest.raises(RuntimeError, match="closed"):
        loop.exhaust()
