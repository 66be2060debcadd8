"""Who may trade an account: one lease for each venue and account, with a fencing token that only ever rises."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from state.process_id import ProcessId, lives

NS = 10**9
PATIENCE_S = 2.0
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS lease (id INTEGER PRIMARY KEY CHECK (id = 1), token INTEGER NOT NULL,"
    " body BLOB NOT NULL)"
)


class LeaseError(Exception):
    """The account may not be traded by this engine, or nobody can say who may."""

    code: ClassVar[str] = "LEASE"

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next = next_step


class Holder(msgspec.Struct, frozen=True):
    """An engine: its state folder and its process."""

    state: str
    process: ProcessId

    @property
    def text(self) -> str:
        return f"process {self.process.pid} on {self.process.host}, state folder {self.state}"


class Standing(msgspec.Struct, frozen=True):
    """How the lease of an account stands. until_ns: wall time.  holder: None when it is free.

    fenced: why a guardian took it away, until an engine has taken note of that; empty otherwise.
    """

    token: int
    until_ns: int = 0
    holder: Holder | None = None
    fenced: str = ""


class LeaseStore:
    """The lease of one account in one small file, shared by every engine that could trade it.

    A token is handed out once and a higher one ends every lower one: what carries a lower token may not be sent. Safety
    hangs on the tokens alone; clocks only decide how soon a lease that nobody renews may be taken.
    """

    def __init__(
        self, folder: Path, venue: str, account: str, *,
        living: Callable[[ProcessId], bool | None] = lives,
    ) -> None:  # fmt: skip
        """Raises LeaseError when the folder or the file cannot be used."""
        self.venue, self.account = venue, account
        self.path = folder / f"{venue}-{account}.lease"
        self._living = living
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error.strerror) from None
        with self._changing() as db:
            self._standing(db)

    # -- engines

    def acquire(self, holder: Holder, now_ns: int, ttl_ns: int) -> Standing:
        """Take the lease under a new token. Raises LeaseError while another engine that may live holds it.

        The answer's `fenced` is said at every start until `heard`.
        """
        with self._changing() as db:
            before = self._standing(db)
            if before.holder is not None and self._holds(before, now_ns) and before.holder != holder:
                raise self._refused(before, now_ns)
            granted = Standing(before.token + 1, now_ns + ttl_ns, holder, before.fenced)
            self._put(db, granted)
        return granted

    def renew(self, token: int, now_ns: int, ttl_ns: int) -> bool:
        """Hold on for longer. False when the token is not the highest any more: it never will be again."""
        with self._changing() as db:
            standing = self._standing(db)
            if standing.token != token:
                return False
            self._put(db, msgspec.structs.replace(standing, until_ns=now_ns + ttl_ns))
        return True

    def release(self, token: int) -> None:
        """Give the lease back; the token stays spent. Nothing happens when it is somebody else's by now."""
        with self._changing() as db:
            standing = self._standing(db)
            if standing.token == token:
                self._put(db, Standing(token, fenced=standing.fenced))

    def heard(self, token: int) -> None:
        """An engine has made durable that it halts because of the guardian: the next start need not."""
        with self._changing() as db:
            standing = self._standing(db)
            if standing.token == token:
                self._put(db, msgspec.structs.replace(standing, fenced=""))

    def token(self) -> int:
        """The highest token. Raises LeaseError when nobody can say."""
        return self.look().token

    def look(self) -> Standing:
        """How the lease stands. Raises LeaseError when nobody can say."""
        with self._open() as db:
            return self._standing(db)

    # -- the guardian

    def fence(self, reason: str) -> Standing:
        """End every token handed out so far, whoever holds one. Engines are told the reason until one has `heard`."""
        with self._changing() as db:
            fenced = Standing(self._standing(db).token + 1, fenced=reason)
            self._put(db, fenced)
        return fenced

    # -- inside

    def _holds(self, standing: Standing, now_ns: int) -> bool:
        assert standing.holder is not None
        return now_ns < standing.until_ns and self._living(standing.holder.process) is not False

    def _refused(self, standing: Standing, now_ns: int) -> LeaseError:
        assert standing.holder is not None
        left_s = max(1, -((now_ns - standing.until_ns) // NS))
        return LeaseError(
            f"another engine trades the account {self.account} at {self.venue} ({standing.holder.text}; fencing token"
            f" {standing.token}): two engines on one account would send every order twice",
            f"stop it with `hedgerow stop --state {standing.holder.state}`, or name another account with venue.account;"
            f" if it is dead, its lease ends in {left_s} s",
        )

    def _unusable(self, why: object) -> LeaseError:
        return LeaseError(
            f"the lease of the account, {self.path}, cannot be used: {why}",
            "mend the folder, or name another one with lease.dir that all engines of the account share",
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=PATIENCE_S, isolation_level=None)) as db:
                yield db
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise self._unusable(error) from None

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable before it is over: a token must not fall back after a power cut."""
        with self._open() as db:
            db.execute("PRAGMA synchronous = EXTRA")
            db.execute("BEGIN IMMEDIATE")
            try:
                db.execute(SCHEMA)
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _standing(self, db: sqlite3.Connection) -> Standing:
        row: Any = db.execute("SELECT token, body FROM lease").fetchone()
        if row is None:
            return Standing(0)
        standing = msgspec.json.decode(row[1], type=Standing)
        if standing.token != row[0]:
            raise self._unusable("its token is not that of its content")
        return standing

    def _put(self, db: sqlite3.Connection, standing: Standing) -> None:
        body = msgspec.json.encode(standing)
        db.execute("INSERT OR REPLACE INTO lease VALUES (1, ?, ?)", (standing.token, body))
