"""An engine process before a simulated gateway process, and what each has written: the drills at a broker's account."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from scripts.drill_room import Room, environment

ACCOUNT = "DU1000001"
CAPITAL = 2_000_000_000
CURRENCY = "USD"
PACE = 480
"""A market day in three minutes. Account values are told every three seconds, which are 24 minutes of the market."""

STEPS = 72
"""Simulated quotes to a day's bar, of one to twenty contracts: hundreds of contracts take hours of the market."""

DECIDES = "07:30"
PROGRAM = f"""\
id: drill
title: A drill at a broker that changes its mind every day
base_currency: {CURRENCY}
capital: {CAPITAL}
calendar: WEEKDAYS
sleeves:
  - id: drill
    kind: custom
    capital_share: 1.0
    strategy: drill.Drill
    products: [SP500, EURO600, DAX, US10, EUR, COPPER]
    params: {{most_units: 1000}}
risk:
  max_gross_leverage: 8
  max_net_leverage: 6
  max_order_share: 3
  max_daily_turnover_share: 20
  max_drawdown_share: 0.9
execution:
  ttl_s: 43_200
  replace_interval_s: 1_200
  max_replaces: 60
  max_quote_age_s: 7_200
  quote_wait_s: 7_200
fx:
  max_age_s: 432_000
replay:
  first_session: 20210104
  last_session: 20230831
  warmup_sessions: 20
"""


@dataclass(frozen=True)
class Kept:
    """What the gateway has written, as its rows say it. tickets: orders.  trades: executions.  cash, positions: of the
    exchange behind it, in units and by contract.
    """

    tickets: list[dict[str, Any]]
    trades: list[dict[str, Any]]
    cash: dict[str, int]
    positions: dict[str, int]

    @property
    def at_work(self) -> list[dict[str, Any]]:
        from simulation.tws.broker.ticket import ENDED

        return [one for one in self.tickets if one["status"] not in ENDED]


class BrokerRoom(Room):
    """One folder with an engine, a gateway and all that both keep.

    lake: recorded prices for both.  begins: where the market begins, as `hedgerow gateway --from` has it.
    """

    files: ClassVar[dict[str, str]] = {"drill.yaml": PROGRAM}

    def __init__(self, work: Path, lake: Path, begins: str, *, seed: int = 1) -> None:
        super().__init__(work, seed=seed)
        self.lake, self.begins = lake.resolve(), begins
        self.kept_in, self.clock = self.work / "gateway", self.work / "clock.json"
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port: int = free.getsockname()[1]

    # -- processes

    def open_exchange(self) -> None:
        """Start the gateway and wait until it listens and tells the time."""
        words = ["-m", "app", "gateway", "--port", str(self.port), "--data", str(self.lake), "--from", self.begins]
        words += ["--pace", str(PACE), "--steps", str(STEPS), "--cash", str(CAPITAL), "--account", ACCOUNT]
        words += ["--seed", str(self.seed), "--clock", str(self.clock), "--state", str(self.kept_in)]
        words += ["--set", f"data.cache_dir={self.work / 'cache'}"]
        with (self.work / "gateway.log").open("ab") as log:
            self.exchange = subprocess.Popen(
                [sys.executable, *words], env=environment(), stdout=subprocess.PIPE, stderr=log
            )
        assert self.exchange.stdout is not None
        said = [self.exchange.stdout.readline() for _ in range(3)]
        if b"time is told" not in said[-1]:
            raise RuntimeError(f"the gateway does not listen: {(self.work / 'gateway.log').read_text()[-1500:]}")

    def kill_gateway(self) -> None:
        """kill -9, and nothing else."""
        self.close_exchange(signal.SIGKILL)
        assert self.exchange is not None
        assert self.exchange.stdout is not None
        self.exchange.stdout.close()

    def options(self) -> list[str]:
        settings = {
            "venue.kind": "ib",
            "venue.account": ACCOUNT,
            "venue.port": str(self.port),
            "venue.clock": str(self.clock),
            "engine.auto_trade": "true",
            "engine.cycle_day": "next",
            "engine.cycle_time_utc": f'"{DECIDES}"',
            "data.lake_dir": str(self.lake),
            "data.cache_dir": str(self.work / "cache"),
            "lease.dir": str(self.work / "lease"),
            "journal.snapshot_every_rows": "150",
            "logging.level": "warning",
        }
        words = ["--program", str(self.work / "drill.yaml"), "--state", str(self.state)]
        return words + [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]

    # -- what can be seen

    def records(self) -> list[Path]:
        return sorted(self.kept_in.glob("*.sqlite"))

    def market_ns(self) -> int:
        """The market's time now, whether or not a gateway lives."""
        said = json.loads(self.clock.read_bytes())
        return int(said["market_ns"] + (time.monotonic_ns() - said["monotonic_ns"]) * said["pace"])

    def kept(self) -> Kept:
        """What the gateway has written by now."""
        rows: dict[str, list[dict[str, Any]]] = {"ticket": [], "trade": []}
        with _read(self.kept_in / "broker.sqlite") as db:
            for kind, body in db.execute(
                "SELECT kind, body FROM rows WHERE kind IN ('ticket', 'trade') ORDER BY number"
            ):
                rows[kind].append(json.loads(body))
        return Kept(rows["ticket"], [one for one in rows["trade"] if one["source"]], *self._account())

    def _account(self) -> tuple[dict[str, int], dict[str, int]]:
        from msgspec import msgpack

        from simulation.exchange.record import BookRow

        with _read(self.kept_in / f"{ACCOUNT}.sqlite") as db:
            found = db.execute("SELECT body FROM parts WHERE name = 'book'").fetchone()
        book = msgpack.decode(found[0], type=BookRow) if found else BookRow({}, [])
        return dict(book.cash), {row.instrument: row.quantity for row in book.positions if row.quantity}

    def settled_ns(self) -> int:
        """When the exchange last settled anything; 0 for never."""
        with _read(self.kept_in / f"{ACCOUNT}.sqlite") as db:
            return int(db.execute("SELECT ifnull(max(at_ns), 0) FROM settlements").fetchone()[0])

    def compared(self, after: int, since_ns: int, *, at_rest: bool = False) -> bool:
        """Whether the account was compared, after a row and after a moment, and nothing was worse than a note.

        at_rest: without a note, and nothing was left out because it was moving.
        """
        from model.execution import Severity

        return any(
            row["complete"]
            and all(each["severity"] == Severity.NOTE for each in row["breaks"])
            and not (at_rest and (row["skipped"] or row["breaks"]))
            and row["at_ns"] > since_ns
            for _, row in self.rows("Reconciled", after)
        )

    def alarms(self) -> dict[str, int]:
        """How often each code alarmed, and each instrument was locked."""
        codes = [row["code"] for _, row in self.rows("Alarm")]
        locks = [f"LOCKED {row['instrument']}" for _, row in self.rows("InstrumentLocked")]
        return dict(Counter([*codes, *locks]))

    def gateway_said(self) -> str:
        with suppress(OSError):
            return (self.work / "gateway.log").read_text(errors="replace")[-1500:]
        return ""


def _read(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0))
