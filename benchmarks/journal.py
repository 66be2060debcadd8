"""What the journal costs over what the disk and SQLite charge anyway, all measured in the same run.

    python -m benchmarks.journal [--dir FOLDER_ON_THE_DISK] [--rounds 3]

Floors: an fsync after 4 KiB, and the same rows through bare sqlite3 (WAL, synchronous=FULL) with bodies encoded before.
Engines run in alternation; a line gives the median of its rounds. Trust the ratios, not the microseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import count
from pathlib import Path

import msgspec

from engine.message import Event
from engine.ports import Row
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Intent, OrderSpec, OrderType, Purpose, Share, Side, TimeInForce
from state.journal import AsyncSqliteJournal, Events, MemoryJournal, Rotation, SqliteJournal, recover
from state.ledger import Ledger

NOW_NS = 1_672_617_600 * 10**9
LONE, GROUPED, RECOVERED = 1_000, 200 * 64, 100_000

now = time.perf_counter_ns


def planned(n: int) -> OrderPlanned:
    name, lots = f"hr-{n:024x}", 3 * 10**8
    intent = Intent(
        id=name, run_id="20230102.1.trend.abcdef012345", instrument="SP500@202303", side=Side.BUY, quantity=lots,
        purpose=Purpose.REBALANCE, shares=(Share("trend", lots),), reference=3_850 * 10**9,
    )  # fmt: skip
    spec = OrderSpec(
        client_id=name, instrument=intent.instrument, side=intent.side, quantity=lots, type=OrderType.LIMIT,
        tif=TimeInForce.DAY, limit=3_851 * 10**9,
    )  # fmt: skip
    return OrderPlanned(spec, intent, "ap-1", 3_850 * 10**9, NOW_NS)


def moved(n: int) -> OrderMoved:
    return OrderMoved(f"hr-{n:024x}", "ACKED", "SENT", "WORKING", "v-1", "", NOW_NS)


def rows(kind: Callable[[int], Event], number: int) -> list[Row]:
    return [Row(n, NOW_NS + n, "orders", n - 1, kind(n)) for n in range(1, number + 1)]


def groups(of: list[Row], size: int) -> Iterable[list[Row]]:
    return (of[k : k + size] for k in range(0, len(of), size))


def fsyncs(folder: Path, number: int) -> list[int]:
    took = []
    handle = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(number):
            os.write(handle, bytes(4096))
            began = now()
            os.fsync(handle)
            took.append(now() - began)
    finally:
        os.close(handle)
    return took


def bare(folder: Path, of: list[Row], size: int, pause_s: float = 0.0) -> list[int]:
    """sqlite3 alone: one table, no chain, no encoding. pause_s: between commits."""
    encode = msgspec.msgpack.Encoder().encode
    ready = [(row.seq, row.at_ns, row.actor, type(row.event).__name__, row.cause, encode(row.event)) for row in of]
    took = []
    with closing(sqlite3.connect(folder / "bare.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, at_ns INT, actor TEXT, kind TEXT, cause INT, body BLOB)")
        for k in range(0, len(ready), size):
            began = now()
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", ready[k : k + size])
            db.execute("COMMIT")
            took.append(now() - began)
            time.sleep(pause_s)
    return took


def plain(folder: Path, of: list[Row], size: int) -> list[int]:
    took = []
    with SqliteJournal(folder / "plain", rotation=Rotation.NEVER) as journal:
        for group in groups(of, size):
            began = now()
            journal.stage(group)
            journal.commit()
            took.append(now() - began)
    return took


def live(folder: Path, of: list[Row], size: int) -> list[int]:
    async def main() -> list[int]:
        took = []
        async with AsyncSqliteJournal(folder / "live", rotation=Rotation.NEVER) as journal:
            for group in groups(of, size):
                began = now()
                journal.stage(group)
                await journal.commit_async()
                took.append(now() - began)
        return took

    return asyncio.run(main())


def memory(_folder: Path, of: list[Row], size: int) -> list[int]:
    took = []
    journal = MemoryJournal()
    for group in groups(of, size):
        began = now()
        journal.stage(group)
        journal.commit()
        took.append(now() - began)
    return took


ENGINES = {"bare sqlite3": bare, "SqliteJournal": plain, "AsyncSqliteJournal": live, "MemoryJournal": memory}


def measure(home: Path, rounds: int, kind: Callable[[int], Event], number: int, size: int) -> dict[str, float]:
    """Median microseconds per commit of each engine, rounds in alternation."""
    data = rows(kind, number)
    found: dict[str, list[float]] = {name: [] for name in ("fsync", *ENGINES)}
    fresh = count()
    for _ in range(rounds):
        for name, engine in ENGINES.items():
            folder = Path(tempfile.mkdtemp(prefix=f"{next(fresh)}-", dir=home))
            found[name].append(statistics.median(engine(folder, data, size)) / 1_000)
        found["fsync"].append(statistics.median(fsyncs(home, 200)) / 1_000)
    return {name: statistics.median(values) for name, values in found.items()}


def show(title: str, per_commit: dict[str, float], size: int) -> None:
    print(f"\n{title}")
    floor = per_commit["bare sqlite3"]
    for name, us in per_commit.items():
        per_row = f"{us / size:8.2f} us/row" if name != "fsync" else " " * 15
        ratios = f"{us / floor:5.2f} x bare   {us / per_commit['fsync']:5.2f} x fsync"
        print(f"  {name:20}{us:9.1f} us/commit {per_row}   {ratios}")


def recovery(home: Path) -> None:
    data = rows(moved, RECOVERED)
    folder = home / "recovery"
    with SqliteJournal(folder, rotation=Rotation.NEVER) as journal:
        for group in groups(data, 1_000):
            journal.stage(group)
            journal.commit()
    events = Events([OrderMoved, OrderPlanned])
    began = now()
    read = sum(1 for _ in recover(folder, events).rows)
    took = (now() - began) / 1e9
    began = now()
    with closing(sqlite3.connect(folder / next(folder.glob("journal-*.sqlite")).name)) as db:
        for _ in db.execute("SELECT * FROM journal ORDER BY seq"):
            pass
    floor = (now() - began) / 1e9
    began = now()
    Ledger(folder, events).close()
    ledger = (now() - began) / 1e9
    print(f"\nrecovery of {read:,} rows, chain checked: {took:.2f} s, {took / floor:.1f} x reading them")
    print(f"ledger rebuilt from them: {ledger:.2f} s, {ledger / floor:.1f} x reading them")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--dir", default=None, help="a folder on the disk to measure")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hedgerow-bench-", dir=given.dir) as home:
        show("one row a commit (a step of an order)", measure(Path(home), given.rounds, moved, LONE, 1), 1)
        show("64 rows a commit, steps", measure(Path(home), given.rounds, moved, GROUPED, 64), 64)
        show("64 rows a commit, plans", measure(Path(home), given.rounds, planned, GROUPED, 64), 64)
        recovery(Path(home))


if __name__ == "__main__":
    main()
