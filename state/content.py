"""One number for what was decided and done: equal for two journals that hold the same orders and the same fills."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from model.order_events import OrderMoved, OrderPlanned
from model.orders import Fill, Filled
from state.journal.events import Events
from state.journal.reader import journal_rows
from state.order_law import OrderState

KINDS = ("OrderPlanned", "OrderMoved", "Filled")


class Content:
    """Orders and fills as they ended. What depends on the path (steps, reprices, times of
    sending, venue ids) is left out.

    An execution that was corrected counts as its correction alone.
    """

    def __init__(self) -> None:
        self._plans: dict[str, OrderPlanned] = {}
        self._states: dict[str, str] = {}
        self._fills: dict[str, Fill] = {}
        self._corrected: set[str] = set()

    def add(self, event: object) -> None:
        """Take one journalled fact; other kinds are ignored."""
        if isinstance(event, OrderMoved):
            self._states[event.client_id] = event.now
        elif isinstance(event, Filled):
            self._fills.setdefault(event.fill.exec_id, event.fill)
            if event.fill.corrects:
                self._corrected.add(event.fill.corrects)
        elif isinstance(event, OrderPlanned):
            self._plans.setdefault(event.spec.client_id, event)

    def hash(self) -> str:
        """SHA-256 over one line per order and per fill, each kind sorted by id."""
        fills = [self._fills[key] for key in sorted(self._fills) if key not in self._corrected]
        filled: dict[str, int] = {}
        for fill in fills:
            filled[fill.client_id] = filled.get(fill.client_id, 0) + fill.quantity
        lines = [self._order_line(key, filled.get(key, 0)) for key in sorted(self._plans)]
        lines += [
            f"F|{f.exec_id}|{f.client_id}|{f.quantity}|{f.price}|{f.fee}|{f.fee_currency}|{f.at_ns}" for f in fills
        ]
        return sha256("\n".join(lines).encode()).hexdigest()

    def _order_line(self, client_id: str, filled: int) -> str:
        plan = self._plans[client_id]
        spec, intent = plan.spec, plan.intent
        state = self._states.get(client_id, OrderState.DURABLE.value)
        return "|".join(
            str(part)
            for part in (
                "O", client_id, intent.run_id, spec.instrument, spec.side.value, spec.quantity, spec.type.value,
                spec.tif.value, spec.limit, intent.purpose.value, intent.pair, intent.leg,
                intent.attempt, state, filled,
            )
        )  # fmt: skip


def content_hash(folder: Path | str, events: Events | None = None) -> str:
    """The content of a journal folder, in 64 hex digits. Raises JournalError when it cannot be read."""
    content = Content()
    for row in journal_rows(folder, kinds=KINDS, events=events):
        content.add(row.event)
    return content.hash()
