"""A record that writes later: many steps of the venue in one transaction, at a moment that its owner chooses."""

from __future__ import annotations

from simulation.exchange.book import OrderRow
from simulation.exchange.record import Print, Resumed, Saved, Step, VenueRecord


class PutOffRecord:
    """Gathers the venue's steps and gives them to another record as one when told to `flush`.

    Whoever keeps facts of the venue flushes first: what is on disk of them is then never ahead of the venue's own
    record. Steps that nobody flushed are gone when the process dies, and everything that they said with them.
    """

    def __init__(self, inner: VenueRecord) -> None:
        self._inner = inner
        self._step: Step | None = None
        self._orders: dict[int, OrderRow] = {}
        self._prints: dict[str, Print] = {}

    def commit(self, step: Step) -> None:
        """Take one whole step; of an order, a price, the book only the newest of the steps is written."""
        self._orders.update([(row[0], row) for row in step.orders])
        self._prints.update([(seen.instrument, seen) for seen in step.prints])
        whole = self._step
        if whole is None:
            self._step = step
            return
        whole.at_ns = step.at_ns
        whole.fills += step.fills
        whole.settlements += step.settlements
        whole.moves += step.moves
        whole.duplicates += step.duplicates
        if step.book is not None:
            whole.book = step.book
        if step.quotes is not None:
            whole.quotes = step.quotes
        if step.inbox is not None:
            whole.inbox = step.inbox
        if step.door is not None:
            whole.door = step.door

    def flush(self) -> None:
        """Write what was gathered. Raises what the other record raises, and then has lost nothing."""
        step = self._step
        if step is not None:
            step.orders = list(self._orders.values())
            step.prints = list(self._prints.values())
            self._inner.commit(step)
            self._step = None
            self._orders.clear()
            self._prints.clear()

    def load(self) -> Saved | None:
        self.flush()
        return self._inner.load()

    def resume(self) -> Resumed | None:
        self.flush()
        return self._inner.resume()

    def close(self) -> None:
        """Let go of the other record. Only what was flushed is in it."""
        self._inner.close()
