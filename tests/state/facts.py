"""Made-up facts for the journal's tests: one session of a trend program, in exact integers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.message import Event
from engine.ports import Row
from model.decisions import RunMoved, RunPlanned
from model.order_events import OrderMoved, OrderPlanned
from model.orders import Fill, Filled, Intent, OrderSpec, OrderType, Purpose, Share, Side, TimeInForce, intent_id
from state.journal import Rotation, SqliteJournal

LOT = 10**8
PX = 10**9
DAY_NS = 86_400 * 10**9
MONDAY_NS = 1_672_617_600 * 10**9  # 2023-01-02 00:00:00 UTC
RUN = "20230102.1.trend.abcdef012345"


class Noted(Event, frozen=True, gc=False):
    """The smallest fact."""

    text: str


class Counted(Event, frozen=True, gc=False):
    """The state of an actor that counts."""

    count: int


def an_intent(leg: int = 0, *, run: str = RUN, quantity: int = 3 * LOT, side: Side = Side.BUY) -> Intent:
    name = "SP500@202303"
    return Intent(
        id=intent_id(run, name, side, quantity, "trend", leg, 0),
        run_id=run,
        instrument=name,
        side=side,
        quantity=quantity,
        purpose=Purpose.REBALANCE,
        shares=(Share("trend", quantity * side),),
        reference=3_850 * PX,
        leg=leg,
    )


def planned(intent: Intent, at_ns: int = MONDAY_NS) -> OrderPlanned:
    spec = OrderSpec(
        client_id=intent.id,
        instrument=intent.instrument,
        side=intent.side,
        quantity=intent.quantity,
        type=OrderType.LIMIT,
        tif=TimeInForce.DAY,
        limit=3_851 * PX,
    )
    return OrderPlanned(spec, intent, "ap-1", 3_850 * PX, at_ns)


def moved(intent: Intent, event: str, was: str, now: str, *, venue: str = "", at_ns: int = MONDAY_NS) -> OrderMoved:
    return OrderMoved(intent.id, event, was, now, venue, "", at_ns)


def filled(
    intent: Intent, exec_id: str, quantity: int, price: int, *, corrects: str = "", at_ns: int = MONDAY_NS
) -> Filled:
    fill = Fill(
        exec_id, intent.id, "v-1", intent.instrument, intent.side, quantity, price, 2_050_000, "USD", at_ns, corrects
    )
    return Filled(fill, intent.run_id, intent.shares)


def run_planned(intents: Sequence[Intent], run: str = RUN, at_ns: int = MONDAY_NS) -> RunPlanned:
    return RunPlanned(run, "trend", 20230102, "inputs", "intents", tuple(intents), (), at_ns)


def run_moved(status: str, run: str = RUN, at_ns: int = MONDAY_NS) -> RunMoved:
    return RunMoved(run, status, "", at_ns)


def rows(events: Iterable[Event], after: int = 0, at_ns: int = MONDAY_NS, actor: str = "orders") -> list[Row]:
    """Rows one millisecond apart; each is caused by the one before."""
    return [
        Row(seq, at_ns + (seq - after - 1) * 1_000_000, actor, seq - 1, event)
        for seq, event in enumerate(events, start=after + 1)
    ]


def notes(count: int, after: int = 0, at_ns: int = MONDAY_NS) -> list[Row]:
    return rows((Noted(f"note {after + n}") for n in range(1, count + 1)), after, at_ns)


def write(folder: Path, written: Sequence[Row], *, rotation: Rotation = Rotation.NEVER) -> None:
    """Commit rows and close."""
    with SqliteJournal(folder, rotation=rotation) as journal:
        journal.stage(written)
        journal.commit()
