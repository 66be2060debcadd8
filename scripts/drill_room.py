"""An engine process, an exchange process and the folder of both: what the drills on real processes are made of."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ClassVar, Self

ROOT = Path(__file__).resolve().parent.parent
POLL_S = 0.03
PROGRAM = """\
id: drill
title: A drill that changes its mind all the time
base_currency: USD
capital: 10_000_000
calendar: 24x7
sleeves:
  - {id: drill, kind: custom, capital_share: 1.0, strategy: drill.Drill, products: [ALPHA, BETA]}
risk:
  max_order_share: 0.2
  max_daily_turnover_share: 20
execution:
  min_notional_base: 0
  ttl_s: 5.0
  replace_interval_s: 0.5
  max_quote_age_s: 2.0
  quote_wait_s: 5.0
  ack_within_s: 1.0
"""
INSTRUMENTS = "instruments:\n" + "".join(
    f"  - {{id: {name}, kind: etf, venue: DRILL, currency: USD, calendar: 24x7, tick: 0.01, half_spread: 0.01,\n"
    "     commission: {per_unit: 0.005}}\n"
    for name in ("ALPHA", "BETA")
)


class Room:
    """One folder with everything of a drill in it; `close` ends what still runs.

    cycle_s: time between two decisions, that is between two orders of each instrument.
    """

    files: ClassVar[dict[str, str]] = {"drill.yaml": PROGRAM, "instruments.yaml": INSTRUMENTS}

    def __init__(self, work: Path, *, cycle_s: float = 0.25, latency_s: float = 0.03, seed: int = 1) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.work = work.resolve()
        self.state = self.work / "state"
        self.record = self.work / "exchange.sqlite"
        self.socket = self.work / "x.sock"
        self.log = self.work / "engine.log"
        self.cycle_s, self.latency_s, self.seed = cycle_s, latency_s, seed
        self.exchange: subprocess.Popen[bytes] | None = None
        self.engine: subprocess.Popen[bytes] | None = None
        for name, text in self.files.items():
            (self.work / name).write_text(text)

    # -- processes

    def open_exchange(self) -> None:
        """Start the exchange process and wait until it listens."""
        words = ["-m", "simulation.exchange_process", "--listen", str(self.socket), "--record", str(self.record)]
        words += ["--instruments", str(self.work / "instruments.yaml"), "--seed", str(self.seed)]
        words += ["--cycle-every-s", str(self.cycle_s), "--latency-s", str(self.latency_s)]
        with (self.work / "exchange.log").open("ab") as log:
            self.exchange = subprocess.Popen(
                [sys.executable, *words], env=environment(), stdout=subprocess.PIPE, stderr=log
            )
        assert self.exchange.stdout is not None
        if not self.exchange.stdout.readline().startswith(b"listening"):
            raise RuntimeError(f"the exchange process does not listen: {(self.work / 'exchange.log').read_text()}")

    def close_exchange(self, number: int = signal.SIGTERM) -> int:
        """End the exchange process; its status. Asked politely, it leaves its record as one file."""
        assert self.exchange is not None
        self.exchange.send_signal(number)
        return self.exchange.wait(30.0)

    def start(self, *, illness: str = "") -> None:
        """Start the engine; its disk may be ill, see scripts/with_ill_disk.py."""
        words = [str(ROOT / "scripts" / "with_ill_disk.py"), illness] if illness else ["-m", "app"]
        with self.log.open("ab") as log:
            self.engine = subprocess.Popen(
                [sys.executable, *words, "run", *self.options()], env=environment(), stdout=log, stderr=log
            )

    def options(self) -> list[str]:
        settings = {
            "instruments": f"[{self.work / 'instruments.yaml'}]",
            "venue.kind": "exchange_process",
            "venue.address": str(self.socket),
            "engine.auto_trade": "true",
            "data.cache_dir": str(self.work / "cache"),
            "lease.dir": str(self.work / "lease"),
            "journal.snapshot_every_rows": "150",
            "logging.level": "error",
        }
        words = ["--program", str(self.work / "drill.yaml"), "--state", str(self.state)]
        return words + [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Any other command of `hedgerow` on the state folder. Raises RuntimeError with what it said when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "app", *words, "--state", str(self.state)],
            env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{words[0]} ended with status {done.returncode}: {done.stderr}")
        return done

    def signal(self, number: int) -> None:
        assert self.engine is not None
        self.engine.send_signal(number)

    def kill(self) -> None:
        """kill -9, and nothing else."""
        self.signal(signal.SIGKILL)
        self.ended(30.0)

    def ended(self, within_s: float) -> int:
        """The status with which the engine ends. Raises subprocess.TimeoutExpired when it does not."""
        assert self.engine is not None
        return self.engine.wait(within_s)

    def close(self) -> None:
        for process in (self.engine, self.exchange):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
            if process is not None and process.stdout is not None:
                process.stdout.close()

    def __enter__(self) -> Self:
        self.open_exchange()
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # -- what can be seen

    def records(self) -> list[Path]:
        """What the other side keeps of its own."""
        return [self.record]

    def journal_files(self) -> list[Path]:
        return sorted((self.state / "journal").glob("journal-*.sqlite"))

    def rows(self, kind: str, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """Durable rows of a kind after a row, read while the engine writes."""
        from msgspec import msgpack

        found: list[tuple[int, dict[str, Any]]] = []
        for path in self.journal_files():
            with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1.0)) as db:
                query = "SELECT seq, body FROM journal WHERE kind = ? AND seq > ? ORDER BY seq"
                found += [(seq, msgpack.decode(body)) for seq, body in db.execute(query, (kind, after))]
        return found

    def last_row(self) -> int:
        last = 0
        for path in self.journal_files():
            with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1.0)) as db:
                last = max(last, db.execute("SELECT ifnull(max(seq), 0) FROM journal").fetchone()[0])
        return last

    def mode(self, after: int = 0) -> str:
        """The last mode that was entered after a row; empty for none."""
        modes = self.rows("ModeEntered", after)
        return str(modes[-1][1]["mode"]) if modes else ""

    def until(self, done: Callable[[], bool], within_s: float, every_s: float = POLL_S) -> float | None:
        """Seconds until something is so; None when it is not in time, or the engine has ended."""
        began_s = time.monotonic()
        while (took_s := time.monotonic() - began_s) < within_s:
            if done():
                return took_s
            if self.engine is not None and self.engine.poll() is not None:
                return None
            time.sleep(every_s)
        return None

    def trading(self, after: int, within_s: float = 30.0) -> float:
        """Seconds until this life of the engine trades, `after` being the last row before it.

        Raises RuntimeError with what it said when it does not.
        """
        took_s = self.until(lambda: self.mode(after) == "TRADING", within_s)
        if took_s is None:
            raise RuntimeError(f"the engine does not trade (mode {self.mode(after)!r}): {self.said()}")
        return took_s

    def worked_s(self) -> float:
        """Seconds of processor time that the engine has taken so far; a busy machine makes nothing of it longer."""
        assert self.engine is not None
        fields = Path(f"/proc/{self.engine.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def said(self) -> str:
        """The end of what the engine has written to its log."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEROW_")}
    return own | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [own.get("PYTHONPATH")])])}


def judge_files(room: Room, *, half_done: bool = False) -> list[str]:
    """What is wrong with any file: SQLite's own check, and the journal's chain.

    half_done: a write that was cut off may still have to be taken back, as after a failure of the disk.
    """
    from app import facts
    from state.journal import verify

    wrong = []
    for path in (*room.journal_files(), *room.records()):
        if half_done and path.with_name(f"{path.name}-journal").exists():
            continue
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            said = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
        wrong += [f"{path.name}: {each}" for each in said if each != "ok"]
    if room.journal_files():
        found = verify(room.state / "journal", facts.events()).findings
        wrong += [str(each) for each in found if not (half_done and each.code == "UNFINISHED")]
    return wrong


def judge_books(room: Room) -> list[str]:
    """Hold the exchange's own record against the journal, once both are at rest. Nothing of the engine is asked."""
    with closing(sqlite3.connect(f"file:{room.record}?mode=ro", uri=True)) as db:
        orders = [name for (name,) in db.execute("SELECT client_id FROM orders")]
        twice = [name for (name,) in db.execute("SELECT client_id FROM duplicates")]
        fills = set(db.execute("SELECT exec_id, client_id, side, quantity, price, fee FROM executions"))
    planned = {row["spec"]["client_id"]: seq for seq, row in room.rows("OrderPlanned")}
    states = {row["client_id"]: row["now"] for _, row in room.rows("OrderMoved")}
    booked = [row["fill"] for _, row in room.rows("Filled")]
    ours = [(f["exec_id"], f["client_id"], f["side"], f["quantity"], f["price"], f["fee"]) for f in booked]
    wrong = [f"the exchange was given {name} twice" for name in twice]
    wrong += _each("an order at the exchange that the journal never planned: {}", set(orders) - set(planned))
    wrong += _each("two orders at the exchange under one id: {}", {name for name in orders if orders.count(name) > 1})
    wrong += _each("a fill that the books lost: {}", fills - set(ours))
    wrong += _each("a fill that the exchange never gave: {}", set(ours) - fills)
    wrong += _each("a fill that was booked twice: {}", {fill for fill in ours if ours.count(fill) > 1})
    never = set(planned) - set(orders)
    wrong += _each(
        "an order that never reached the exchange, and stands as {}",
        {f"{states.get(name)}: {name}" for name in never if states.get(name) in ("FILLED", "WORKING", "SENT")},
    )
    return wrong


def _each(text: str, found: set[Any]) -> Sequence[str]:
    return [text.format(one) for one in sorted(found, key=str)[:3]]
