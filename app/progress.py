"""A bar on the screen while a replay goes through its days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.process import session_ns
from engine.ports import Row
from model.decisions import DayMarked


@contextmanager
def progress(first: int, last: int) -> Iterator[Callable[[Row], None]]:
    """A listener of durable rows that moves the bar from one session (yyyymmdd) to another."""
    begin, end = session_ns(first), session_ns(last)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("replay", total=max(1, end - begin))

        def on_row(row: Row) -> None:
            if isinstance(row.event, DayMarked):
                text = f"{row.event.session}  NAV {row.event.nav / 1e6:,.0f}"
                bar.update(task, completed=session_ns(row.event.session) - begin, description=text)

        yield on_row
