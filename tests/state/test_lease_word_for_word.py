"""The lease's file at its edges: where it lies, what a reason for a fence survives, and what each refusal says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from state.lease import NS, Holder, LeaseError, LeaseStore, Standing
from state.process_id import ProcessId

TERM_NS = 15 * NS
A, B = (Holder(f"var/{name}", ProcessId("here", "boot", pid, 1)) for name, pid in (("a", 1), ("b", 2)))
MEND = "mend the folder, or name another one with lease.dir that all engines of the account share"


def store(folder: Path) -> LeaseStore:
    return LeaseStore(folder, "simulated", "PAPER", living=lambda process: True)


def unusable(folder: Path) -> str:
    """What the store says of itself, without the file's name."""
    with pytest.raises(LeaseError) as refused:
        store(folder)
    assert refused.value.next == MEND
    begins = f"the lease of the account, {folder / 'simulated-PAPER.lease'}, cannot be used: "
    assert str(refused.value).startswith(begins)
    return str(refused.value).removeprefix(begins)


def edit(folder: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "simulated-PAPER.lease", isolation_level=None)) as db:
        db.execute(sql, values)


def test_every_folder_on_the_way_to_a_lease_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "of the house" / "leases"
    assert store(folder).acquire(A, 0, TERM_NS).token == 1
    assert store(folder).look() == Standing(1, TERM_NS, A)


def test_a_folder_behind_a_file_says_what_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert unusable(tmp_path / "file" / "leases") == "Not a directory"


def test_a_lease_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "simulated-PAPER.lease").write_text("dear diary\n" * 100)
    assert unusable(tmp_path) == "file is not a database"


def test_a_lease_whose_token_was_edited_is_nobodys(tmp_path: Path) -> None:
    """One of the two is not what was handed out, and the lower one must not count."""
    store(tmp_path).acquire(A, 0, TERM_NS)
    edit(tmp_path, "UPDATE lease SET token = 9")
    assert unusable(tmp_path) == "its token is not that of its content"


def test_a_lease_whose_content_was_edited_is_nobodys(tmp_path: Path) -> None:
    store(tmp_path).acquire(A, 0, TERM_NS)
    edit(tmp_path, "UPDATE lease SET body = ?", b"{}")
    assert "required field `token`" in unusable(tmp_path)


def test_a_reason_that_no_engine_has_heard_outlives_the_one_that_gave_its_lease_back(tmp_path: Path) -> None:
    lease = store(tmp_path)
    lease.acquire(A, 0, TERM_NS)
    lease.fence("it went mad")
    deaf = lease.acquire(B, 1, TERM_NS)
    assert deaf.fenced == "it went mad"
    lease.release(deaf.token)
    assert lease.look() == Standing(3, fenced="it went mad")
    again = lease.acquire(A, 2, TERM_NS)
    assert (again.token, again.fenced) == (4, "it went mad")
    lease.heard(again.token)
    lease.release(again.token)
    assert lease.look() == Standing(4)


@pytest.mark.parametrize(("now_ns", "left"), [(0, "15 s"), (1, "15 s"), (NS, "14 s"), (TERM_NS - 1, "1 s")])
def test_who_has_to_wait_is_told_how_long_in_whole_seconds(tmp_path: Path, now_ns: int, left: str) -> None:
    lease = store(tmp_path)
    lease.acquire(A, 0, TERM_NS)
    with pytest.raises(LeaseError) as refused:
        lease.acquire(B, now_ns, TERM_NS)
    assert refused.value.next.endswith(f"if it is dead, its lease ends in {left}")
    assert lease.acquire(B, TERM_NS, TERM_NS).token == 2
