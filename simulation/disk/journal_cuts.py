"""Power cuts under the production journal: what a commit acknowledged is there when the power comes back."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import EngineError, JournalError
from engine.ports import Row
from model.execution import Alarm
from model.units import NS_PER_DAY
from simulation.disk.power import Cut, PoweredDisk, content_of, put
from simulation.disk.vfs import under
from state.journal import AsyncSqliteJournal, Events, Rotation, SqliteJournal, journal_rows, recover, verify

COMMITS = 24
CUTS_A_RUN = 10
LIVES = 3
ILL = 0.3
"""Part of the lives in which one sync fails."""
FIRST_NS = 19_723 * NS_PER_DAY
EVENTS = Events([Alarm])


@dataclass
class PowerReport:
    """What the cuts came to. ahead: cuts after which a commit that had not returned was there, whole.

    ill: lives in which a sync failed first, so that the journal was given up and closed.
    wrong: one sentence for each thing that was lost, torn or invented, with the seed that shows it.
    """

    cuts: int = 0
    runs: int = 0
    rotations: int = 0
    operations: int = 0
    acknowledged: int = 0
    ahead: int = 0
    ill: int = 0
    wrong: list[str] = field(default_factory=list)


class _Writing:
    """One life of a journal: commits of random size in engine time that passes midnights, so that files begin."""

    def __init__(self, chance: random.Random, rows: Sequence[Row], commits: int) -> None:
        self.rows = list(rows)
        self.ends = [rows[-1].seq if rows else 0]
        self.commits = commits
        self._chance = chance
        self._at_ns = rows[-1].at_ns if rows else FIRST_NS

    def batch(self) -> list[Row]:
        chance, batch = self._chance, []
        self._at_ns += chance.choice((1, 1, 1, NS_PER_DAY))
        for _ in range(chance.choice((1, 1, 2, 5, 40))):
            seq = len(self.rows) + 1
            text = "x" * chance.choice((10, 10, 200, 5_000, 300_000 if chance.random() < 0.1 else 20))
            row = Row(seq, self._at_ns, "author", seq - 1, Alarm("WRITTEN", str(seq), text, self._at_ns))
            self.rows.append(row)
            batch.append(row)
        self.ends.append(len(self.rows))
        return batch

    def snapshot(self) -> list[tuple[str, Alarm]]:
        """The state of two actors; what it says does not matter, only that it comes back."""
        return [(name, Alarm("KEPT", name, str(len(self.rows)), self._at_ns)) for name in ("one", "two")]


def play(seed: int, work: Path, cuts: int = CUTS_A_RUN, commits: int = COMMITS) -> PowerReport:
    """One run of the journal, cut at `cuts` moments; after the first the power is cut again, in what it left."""
    report, chance = PowerReport(runs=1), random.Random(seed)
    ordered = chance.random() < 0.5
    folder = (work / f"{seed}").resolve()
    rows: list[Row] = []
    before: dict[str, bytes] = {}
    for life in range(LIVES):
        here = folder / f"life-{life}"
        put(before, here)
        began = content_of(here)
        disk = PoweredDisk(fails=chance.randint(1, 60) if chance.random() < ILL else 0)
        writing, at_first = _Writing(chance, rows, commits), len(rows)
        report.ill += not _write(here, disk, writing, chance, asynchronous=seed % 2 == 1)
        report.rotations += len(list(here.glob("journal-*.sqlite"))) - 1
        report.operations += len(disk.ops)
        for number in range(cuts if life == 0 else 2):
            at = chance.randint(0, len(disk.ops))
            cut = Cut(disk.ops, at, chance.getrandbits(32), before=began, ordered=ordered)
            left, place = cut.left(), folder / f"cut-{life}-{number}"
            put(left, place)
            case = f"seed {seed}, life {life}, cut after {at} of {len(disk.ops)} operations"
            durable = max(cut.mark, at_first)
            kept = _judge(place, writing, durable, report, case)
            if kept is None:
                return report
            rows, before = kept, content_of(place)
            shutil.rmtree(place)
    shutil.rmtree(folder)
    return report


def _write(folder: Path, disk: PoweredDisk, writing: _Writing, chance: random.Random, *, asynchronous: bool) -> bool:
    """Write until the end, or as an engine does until the journal fails: then it closes it. False when it failed."""
    with under(disk), disk.heard():
        try:
            if asynchronous:
                asyncio.run(_write_beside(folder, disk, writing, chance))
            else:
                _write_here(folder, disk, writing, chance)
        except JournalError:
            return False
    return True


def _write_here(folder: Path, disk: PoweredDisk, writing: _Writing, chance: random.Random) -> None:
    journal = SqliteJournal(folder, rotation=Rotation.DAY)
    try:
        for _ in _steps(journal, writing, chance):
            journal.commit()
            disk.mark(journal.durable_seq)
    finally:
        journal.close()
        disk.mark(journal.durable_seq)


async def _write_beside(folder: Path, disk: PoweredDisk, writing: _Writing, chance: random.Random) -> None:
    journal = AsyncSqliteJournal(folder, rotation=Rotation.DAY)
    try:
        for _ in _steps(journal, writing, chance):
            await journal.commit_async()
            disk.mark(journal.durable_seq)
    finally:
        await journal.close()
        disk.mark(journal.durable_seq)


def _steps(journal: SqliteJournal | AsyncSqliteJournal, writing: _Writing, chance: random.Random) -> Iterator[None]:
    for _ in range(writing.commits):
        journal.stage(writing.batch())
        if chance.random() < 0.2:
            journal.write_snapshots(len(writing.rows), writing.snapshot())
        yield


def _judge(folder: Path, writing: _Writing, durable: int, report: PowerReport, case: str) -> list[Row] | None:
    """Open what is left by the program's own code, and hold it against what was acknowledged; None when it is wrong.

    Answers the rows that are there, one more than were left: the journal must also go on.
    """
    report.cuts += 1
    report.acknowledged += durable
    try:
        found = _opened(folder, writing)
        checked = verify(folder, EVENTS)
        rows = list(journal_rows(folder, events=EVENTS, check=True))
    except EngineError as error:
        report.wrong.append(f"{case}: {error}")
        return None
    said = [str(finding) for finding in checked.findings]
    if found < durable:
        said.append(f"{durable} rows were acknowledged and {found} are there")
    if found not in writing.ends:
        said.append(f"it ends at row {found}, in the middle of a commit")
    if rows[:found] != writing.rows[:found]:
        said.append("a row is not what was written")
    report.ahead += found > durable
    report.wrong += [f"{case}: {what}" for what in said]
    return None if said else rows


def _opened(folder: Path, writing: _Writing) -> int:
    """Start on the folder as an engine does, and write one more row; how many rows there were."""
    with SqliteJournal(folder, rotation=Rotation.DAY) as journal:
        found = journal.last_seq
        recovered = recover(folder, EVENTS)
        assert recovered.last_seq == found, f"recovery sees {recovered.last_seq} rows and the writer {found}"
        at_ns = writing.rows[found - 1].at_ns if found else FIRST_NS
        journal.stage([Row(found + 1, at_ns, "author", found, Alarm("AFTER", "the cut", "it goes on", at_ns))])
    return found
