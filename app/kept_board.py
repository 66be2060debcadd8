"""The board beside the journal: what a start after years need not read again. A cache, to be deleted at will."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from app.board import Board, BoardKept
from engine.ports import Row
from state.journal import Events, journal_rows

FILE = "board.msgpack"
EVERY_ROWS = 5_000


class KeptBoard:
    """Feeds a board with durable rows, and writes it down every so many of them.

    What is written is never newer than the journal, because only durable rows are folded.
    """

    def __init__(self, board: Board, state_dir: Path) -> None:
        self.board = board
        self._path = state_dir / FILE
        self._kept_at = 0

    def fold(self, row: Row) -> None:
        """Take one durable row."""
        self.board.fold(row)
        if row.seq - self._kept_at >= EVERY_ROWS:
            self._keep()

    def catch_up(self, journal: Path, last_seq: int, events: Events) -> None:
        """Bring the board to the journal's last row, from what was written and the rows after it. Writes nothing."""
        kept = self._read()
        if kept is not None and kept.seq <= last_seq:
            self.board.load(kept)
            self._kept_at = kept.seq
        rows = journal_rows(journal, first_seq=self.board.seq + 1, kinds=self.board.kinds, events=events)
        for row in rows:
            self.board.fold(row)

    def _keep(self) -> None:
        draft = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):  # a cache that cannot be written stops nobody from trading
            draft.write_bytes(msgspec.msgpack.encode(self.board.keep()))
            draft.replace(self._path)
        self._kept_at = self.board.seq

    def _read(self) -> BoardKept | None:
        try:
            return msgspec.msgpack.decode(self._path.read_bytes(), type=BoardKept)
        except (OSError, msgspec.MsgspecError):
            return None
