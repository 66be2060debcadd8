"""What a restart costs over what reading and decoding the same rows costs anyway, all measured in the same run.

    python -m benchmarks.recovery [--rows 100000] [--rounds 3] [--state FOLDER --program spine]

Floor: the rows of one journal file through plain sqlite3 and msgspec, without a check or a fold. Measured against it:
`recover` with the whole chain checked, the same folded into the actors that remember the most, and the same journal
with a snapshot near its end. With --state the start of a whole engine on a copy of that folder, until it is TRADING,
against the same floor over all of its rows. Trust the ratios, not the milliseconds.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec

from actors.order_book import OrderBook, OrdersKept
from app import facts
from engine.message import Event
from engine.ports import Row
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Fill, Filled, Intent, OrderSpec, OrderType, Purpose, Share, Side, TimeInForce
from model.units import NS_PER_DAY
from state.journal import Events, Rotation, SqliteJournal, recover

ROOT = Path(__file__).resolve().parent.parent
NOW_NS = 1_136_246_400 * 10**9
AN_ORDERS_ROWS = 4
ORDERS_A_DAY = 40
COMMIT = 64
LOT = 10**8


class Book:
    """The order book as a thing to fold rows into."""

    def __init__(self) -> None:
        self.book = OrderBook()

    def fold(self, row: Row) -> None:
        event = row.event
        if isinstance(event, OrderPlanned):
            self.book.fold_planned(event, LOT, 0)
        elif isinstance(event, OrderMoved):
            self.book.fold_moved(event)
        elif isinstance(event, Filled):
            self.book.fold_filled(event)


def life(n: int) -> list[Event]:
    """The rows of one order."""
    at_ns = NOW_NS + n // ORDERS_A_DAY * NS_PER_DAY
    name, run, lots = f"hr-{n:024x}", f"{20060103 + n // ORDERS_A_DAY}.1.spine.abcdef012345", 3 * LOT
    intent = Intent(
        id=name, run_id=run, instrument="SP500@202303", side=Side.BUY, quantity=lots, purpose=Purpose.REBALANCE,
        shares=(Share("trend", lots),), reference=3_850 * 10**9,
    )  # fmt: skip
    spec = OrderSpec(
        client_id=name, instrument=intent.instrument, side=intent.side, quantity=lots, type=OrderType.MOC,
        tif=TimeInForce.DAY, limit=0,
    )  # fmt: skip
    fill = Fill(f"x-{n:020x}", name, "v-1", intent.instrument, Side.BUY, lots, 3_850 * 10**9, 10**6, "USD", at_ns)
    return [
        OrderPlanned(spec, intent, "ap-1", 0, at_ns),
        OrderMoved(name, "ACKED", "DURABLE", "WORKING", "v-1", "", at_ns),
        Filled(fill, run, (Share("trend", lots),)),
        OrderMoved(name, "FILLED", "WORKING", "FILLED", "v-1", fill.exec_id, at_ns),
    ]


def write(folder: Path, rows: int, kept_rows: int) -> None:
    """A journal of so many rows; with kept_rows a snapshot that many rows before its end."""
    with SqliteJournal(folder, rotation=Rotation.NEVER) as journal:
        book, staged, seq = Book(), [], 0
        for n in range(rows // AN_ORDERS_ROWS):
            for event in life(n):
                seq += 1
                staged.append(Row(seq, NOW_NS + seq, "orders", seq - 1, event))
            if len(staged) >= COMMIT:
                journal.stage(staged)
                for row in staged:
                    book.fold(row)
                if kept_rows and seq >= rows - kept_rows:
                    journal.write_snapshots(seq, [("orders", book.book.keep())])
                    kept_rows = 0
                journal.commit()
                staged = []
        journal.stage(staged)


def floor(folder: Path) -> None:
    """The same rows, read and decoded and nothing else."""
    decoders = {kind.__name__: msgspec.msgpack.Decoder(kind) for kind in facts.events().kinds.values()}
    for path in sorted(folder.glob("journal-*.sqlite")):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            for kind, body in db.execute("SELECT kind, body FROM journal ORDER BY seq"):
                decoders[kind].decode(body)


def restart(folder: Path, events: Events) -> None:
    """Snapshots and rows folded into an order book."""
    recovered, book = recover(folder, events), Book()
    kept = recovered.snapshots.get("orders")
    if kept is not None:
        assert isinstance(kept[1], OrdersKept)
        book.book = OrderBook.restored(kept[1], book.book.keep_sessions)
    for row in recovered.rows:
        book.fold(row)


def seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def show(what: str, taken: list[float], of: list[float]) -> None:
    ratio = statistics.median(a / b for a, b in zip(taken, of, strict=True))
    print(f"{what:<58}{statistics.median(taken) * 1e3:>10,.0f} ms {ratio:>8.2f} x the floor")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--state", type=Path, help="a state folder; the engine starts on a copy of it")
    parser.add_argument("--program", default="spine")
    parser.add_argument("--to", dest="last", default="20230831", metavar="YYYYMMDD")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    events = facts.events()
    with tempfile.TemporaryDirectory() as work:
        whole, kept = Path(work) / "whole", Path(work) / "kept"
        write(whole, given.rows, 0)
        write(kept, given.rows, 2_000)
        floors, checked, folded, short = [], [], [], []
        for _ in range(given.rounds):
            floors.append(seconds(lambda: floor(whole)))
            checked.append(seconds(lambda: sum(1 for _ in recover(whole, events).rows)))
            folded.append(seconds(lambda: restart(whole, events)))
            short.append(seconds(lambda: restart(kept, events)))
        print(f"{given.rows:,} rows, median of {given.rounds} rounds")
        show("read and decode (the floor)", floors, floors)
        show("recover: the chain checked row by row", checked, floors)
        show("recover and fold, no snapshot", folded, floors)
        show("recover and fold, a snapshot 2,000 rows before the end", short, floors)
        if given.state:
            engine(given, Path(work))


def engine(given: argparse.Namespace, work: Path) -> None:
    """From the command to the first row that says TRADING, on a copy that is killed there."""
    starts, floors = [], []
    for n in range(given.rounds):
        copy = work / f"state{n}"
        shutil.copytree(given.state, copy)
        floors.append(seconds(lambda: floor(given.state / "journal")))
        starts.append(seconds(partial(until_trading, given, copy)))
    show(f"a whole engine on {given.state.name}, from the command to TRADING", starts, floors)


def until_trading(given: argparse.Namespace, state: Path) -> None:
    first = msgspec.json.decode((state / "engine.json").read_bytes())["first_session"]
    words = ["replay", "--program", given.program, "--from", str(first), "--to", given.last, "--state", str(state)]
    for setting in (*given.settings, "logging.level=warning"):
        words += ["--set", setting]
    command = [sys.executable, "-m", "app", *words, "--no-report", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "TRADING" in line and "OBSERVING" in line:
                process.kill()
                return
        raise RuntimeError(f"it ended before it was TRADING: {''.join(said)[-500:]}")


if __name__ == "__main__":
    main()
