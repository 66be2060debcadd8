"""From a price that leaves the broker's gateway to the order that arrives there: a whole engine over a real socket.

    python -m benchmarks.broker [--loops uvloop,asyncio] [--ticks 2200] [--rate 30] [--only orders|cancels]

A process of its own is the simulated gateway. It moves a price, and notes when the price leaves and when the order that
names it arrives. Here are the production actors with a sleeve that answers each price with an order, the production
host, the journal (WAL, synchronous=FULL) on a real disk, and the port to the broker; an order leaves when its rows are
durable, fills, and is booked. `reducing` orders need no word of the broker before; `adding` ones ask for margin first.

Floors, in the same run: an ib_async client that places an order in its ticker's callback and keeps nothing; and, in
turn with the engine and as often a second, one row committed by bare sqlite3. Then cancels, with nothing before them
and behind a thousand queries.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
from ib_async import IB, LimitOrder, Stock

from app.watched_journal import WatchedJournal
from benchmarks.far_gateway import ACCOUNT, ASK, BID, Far, Stamp, far_gateway, waits
from benchmarks.journal import bare, planned, rows
from benchmarks.quotes import RUN, Quoter, tree
from engine.clock import PacedClock
from engine.host import Host, run_live
from engine.kernel import Kernel
from engine.message import Message, Told
from engine.stages import StopPlan
from model.decisions import Mode
from model.market import BarClosed, Quote, SessionClosed
from model.orders import (
    CancelAtVenue,
    Intent,
    OrderAcked,
    OrderSpec,
    OrderType,
    Purpose,
    Share,
    Side,
    SubmitOrder,
    TimeInForce,
    intent_id,
)
from model.units import QTY_SCALE, px
from ports.ib.port import IBPort
from ports.ib.settings import IBSettings, Patience
from state.journal import AsyncSqliteJournal
from tests.tws.gateway.bourse import INSTRUMENTS, WEDNESDAY

ABC = INSTRUMENTS["ABC"]
HOLDING = 20_000
"""Shares that the first order buys, so that every sale only reduces."""
SNAPSHOT_EVERY = 50_000
LIMIT = 50
"""Messages a second that the broker takes."""
TURNS = 8
CANCELS, CANCELS_FOR_S, QUEUED = 200, 20, 1_000


class Answerer(Quoter):
    """Sells one at each new bid and buys one at each new ask; the very first order buys what is sold later."""

    def __init__(self) -> None:
        super().__init__(("ABC",), 1, cross=True)
        self._bid = self._ask = 0

    def on_quote(self, quote: Quote) -> tuple[Intent, ...]:
        before, self._bid, self._ask = (self._bid, self._ask), quote.bid, quote.ask
        if not (before[0] and before[1] and quote.bid_size and quote.ask_size):
            return ()
        sells = quote.bid != before[0]
        return (self._answer(quote, sells),) if sells or quote.ask != before[1] else ()

    def _answer(self, quote: Quote, sells: bool) -> Intent:
        side = Side.SELL if sells else Side.BUY
        price, quantity = quote.bid if sells else quote.ask, QTY_SCALE if self.sent else HOLDING * QTY_SCALE
        self.sent += 1
        return Intent(
            id=intent_id(RUN, "ABC", side, quantity, self.id, 0, self.sent), run_id=RUN, instrument="ABC", side=side,
            quantity=quantity, purpose=Purpose.REBALANCE, shares=(Share(self.id, side * quantity),),
            reference=price, limit=price, attempt=self.sent,
        )  # fmt: skip


def settings(folder: Path, far: Far, limit: int) -> IBSettings:
    return IBSettings(
        account=ACCOUNT, state_dir=str(folder), port=far.port, day_zone="US/Eastern", messages_per_s=limit,
        patience=Patience(look_gap_s=0.1, settle_s=0.0, answer_s=300.0),
    )  # fmt: skip


async def until(true: Callable[[], object]) -> None:
    """Raises TimeoutError after a minute."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - what is looked at has no event of its own
            await asyncio.sleep(0.01)


class Engine:
    """One engine before the far gateway, on its market's clock."""

    def __init__(self, far: Far, folder: Path, journal: AsyncSqliteJournal, limit: int) -> None:
        clock = PacedClock(WEDNESDAY, far.began_ns, 1.0)
        kept = WatchedJournal(journal, (), SNAPSHOT_EVERY)
        self.kernel = Kernel(clock=clock, journal=kept, alarms_to="system")
        self.kernel.host(tree({"ABC": ABC}, Answerer()))
        kept.snapshots_from(lambda: self.kernel.snapshots() if not self.kernel.ready else {})
        self.port = IBPort(
            settings(folder, far, limit), instruments=[ABC], now_ns=lambda: _now_ns(clock), token=lambda: 0
        )
        self.host = Host(self.kernel, ports=[self.port], stop=StopPlan(stop_timeout_s=30.0))

    async def trading(self) -> None:
        """Until it may place orders and has priced its book."""
        await until(lambda: self.kernel.actor("system").mode is Mode.TRADING)
        price = px("95")
        for message in (
            BarClosed("ABC", 20190611, price, price, price, price, 0, WEDNESDAY), SessionClosed(20190611, WEDNESDAY),
        ):  # fmt: skip
            self.host.tell("market_data", message)
        lines = self.port.subscriptions
        lines.want(["ABC"])
        await until(lambda: lines.streaming and not lines.silent)


class Noted(msgspec.Struct):
    """What the gateway noted of sales and of purchases, and nanoseconds of lone commits of bare sqlite3 meanwhile."""

    reducing: list[Stamp] = msgspec.field(default_factory=list)
    adding: list[Stamp] = msgspec.field(default_factory=list)
    commits: list[int] = msgspec.field(default_factory=list)


async def ours(far: Far, folder: Path, ticks: int, rate: float, limit: int) -> Noted:
    """Prices and lone commits take turns, as often a second: a disk that others use is not the same for long."""
    found, lone = Noted(), rows(planned, ticks // TURNS // 4)
    async with AsyncSqliteJournal(folder / "journal") as journal:
        engine = Engine(far, folder, journal, limit)
        running = asyncio.create_task(engine.host.run())
        try:
            await engine.trading()
            await far.play(ASK, 1, rate)
            for turn in range(TURNS):
                found.reducing += await far.play(BID, ticks // TURNS, rate)
                (folder / str(turn)).mkdir()
                found.commits += await asyncio.to_thread(bare, folder / str(turn), lone, 1, 1 / rate)
            found.adding = await far.play(ASK, ticks // 8, rate / 3)
        finally:
            engine.host.request_stop()
            await running
        return found


async def naked(far: Far, ticks: int, rate: float) -> list[Stamp]:
    """The same by the client library alone."""
    ib = IB()
    await ib.connectAsync("127.0.0.1", far.port, clientId=2)
    (abc,) = await ib.qualifyContractsAsync(Stock("ABC", "SMART", "USD"))
    ticker = ib.reqMktData(abc)
    await ib.reqCurrentTimeAsync()
    seen = [ticker.bid]

    def answer(ticker: Any) -> None:
        if ticker.bid != seen[0]:
            seen[0] = ticker.bid
            ib.placeOrder(abc, LimitOrder("SELL", 1, ticker.bid, account=ACCOUNT))

    ticker.updateEvent += answer
    try:
        return await far.play(BID, ticks, rate)
    finally:
        ib.disconnect()


class Heard:
    """Stands for the engine in front of the port alone: which orders the broker has."""

    def __init__(self) -> None:
        self.acked: list[str] = []
        self.intake_paused = False

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        if to == "orders" and isinstance(message, OrderAcked):
            self.acked.append(message.client_id)
        return Told.OK


def resting(number: int) -> OrderSpec:
    """An order far below the market."""
    return OrderSpec(
        client_id=intent_id("cancels", "ABC", Side.BUY, QTY_SCALE, "a", 0, number), instrument="ABC", side=Side.BUY,
        quantity=QTY_SCALE, type=OrderType.LIMIT, tif=TimeInForce.DAY, limit=px("85"),
    )  # fmt: skip


async def cancels(far: Far, folder: Path, count: int, queued: int) -> tuple[list[int], list[int]]:
    """Nanoseconds from a cancel told to the port to its frame at the gateway: with nothing else, and behind queries.

    queued: how many questions wait at least while cancels are told.
    """
    clock = PacedClock(WEDNESDAY, far.began_ns, 1.0)
    port = IBPort(settings(folder, far, LIMIT), instruments=[ABC], now_ns=lambda: _now_ns(clock), token=lambda: 0)
    heard, names = Heard(), [resting(number) for number in range(2 * count)]
    running = asyncio.create_task(port.run(heard))
    try:
        await port.ready.wait()
        session, query = port.session, port.pins.tradeable("ABC").query
        assert session is not None
        for spec in names:
            port.deliver(SubmitOrder(spec), 0)
        await until(lambda: len(heard.acked) == len(names))
        alone = await _cancelled(far, port, names[:count])
        from ports.ib.forms import contract_form

        contract = contract_form(query)
        asked = [asyncio.create_task(session.details(contract)) for _ in range(queued + CANCELS_FOR_S * LIMIT)]
        behind = await _cancelled(far, port, names[count:])
        if session.pacer.waiting < queued:
            raise SystemExit(f"only {session.pacer.waiting} queries were still waiting at the end")
        session.close("measured")
        await asyncio.gather(*asked, return_exceptions=True)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return alone, behind


async def _cancelled(far: Far, port: IBPort, specs: list[OrderSpec]) -> list[int]:
    draw, told = random.Random(7), dict[int, int]()
    await far.stamps()
    await asyncio.sleep(1.0)  # the second's messages are all free again
    for spec in specs:
        told[port.blotter.held[spec.client_id].order_id] = time.monotonic_ns()
        port.deliver(CancelAtVenue(spec.client_id), 0)
        await asyncio.sleep(draw.uniform(0.5, 1.5) * CANCELS_FOR_S / len(specs))
    came = {each.order_id: each.at_ns for each in await far.stamps() if each.what == "cancel"}
    return [came[order_id] - at_ns for order_id, at_ns in told.items()]


def _now_ns(clock: PacedClock) -> int:
    clock.refresh()
    return clock.now_ns


def figures(took: list[int]) -> dict[str, float]:
    """Milliseconds; the first twentieth left out."""
    waited = sorted(took[len(took) // 20 :])
    return {
        "orders": len(waited),
        **{f"p{q}": waited[min(len(waited) - 1, len(waited) * q // 100)] / 1e6 for q in (50, 99)},
        "max": waited[-1] / 1e6,
    }


def answered(stamps: list[Stamp]) -> dict[str, float]:
    """With the prices that led to no order, because a newer one took their place while the machine was busy.

    Raises SystemExit when they are more than a twentieth.
    """
    took, lost = waits(stamps)
    if lost * 20 > len(took):
        raise SystemExit(f"{lost} prices led to no order, {len(took)} did: the machine is too busy, or the rate is")
    return {**figures(took), "skipped": lost}


def orders(loop: str, asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    """One round: the engine on one kind of loop, then its floors."""
    limit = max(LIMIT, math.ceil(1.5 * asked.rate))
    run: Callable[[Coroutine[Any, Any, Any]], Any] = run_live if loop == "uvloop" else asyncio.run
    with tempfile.TemporaryDirectory(prefix="hedgerow-bench-", dir=asked.dir) as name:
        folder = Path(name)
        with far_gateway(folder / "ours", limit) as far:
            noted = run(ours(far, folder, asked.ticks, asked.rate, limit))
        found = {"reducing": answered(noted.reducing), "adding": answered(noted.adding)}
        with far_gateway(folder / "naked", limit) as far:
            found["ib_async alone"] = answered(run(naked(far, asked.ticks // 4, asked.rate)))
        found["sqlite3 commit"] = figures(noted.commits)
    return found


def show(title: str, found: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}")
    for what, values in found.items():
        shown = "".join(f"{name:>7} {values[name]:>8.3f}" for name in ("p50", "p99", "max"))
        skipped = f"   {values['skipped']:.0f} skipped" if values.get("skipped") else ""
        print(f"  {what:<16}{values['orders']:>6.0f}{shown}{skipped}", flush=True)


def keep(asked: argparse.Namespace, line: dict[str, object]) -> None:
    if asked.json is not None:
        with asked.json.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"benchmark": "broker", **line}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loops", default="uvloop,asyncio")
    parser.add_argument("--ticks", type=int, default=2_200)
    parser.add_argument("--rate", type=float, default=30.0, help="a second; over 33 the broker's limit is raised")
    parser.add_argument("--dir", default=None, help="a folder on the disk to measure")
    parser.add_argument("--only", choices=("orders", "cancels"))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    for loop in asked.loops.split(",") if asked.only != "cancels" else ():
        found = orders(loop, asked)
        show(f"price to order on {loop}, {asked.rate:g} a second, ms", found)
        floor = found["ib_async alone"]["p50"] + found["sqlite3 commit"]["p50"]
        ratio = found["reducing"]["p50"] / floor
        print(f"  the engine's p50 is {ratio:.2f} times that of the client alone and a commit")
        keep(asked, {"loop": loop, "rate": asked.rate, "times_floor": ratio, **found})
    if asked.only != "orders":
        temporary = tempfile.TemporaryDirectory(prefix="hedgerow-bench-", dir=asked.dir)
        with temporary as name, far_gateway(Path(name), LIMIT) as far:
            alone, behind = run_live(cancels(far, Path(name), CANCELS, QUEUED))
        cancelled = {"alone": figures(alone), f"behind {QUEUED:,}": figures(behind)}
        show("a cancel to its frame at the gateway, ms", cancelled)
        ratio = cancelled[f"behind {QUEUED:,}"]["p50"] / cancelled["alone"]["p50"]
        print(f"  behind {QUEUED:,} queries the p50 is {ratio:.2f} times as long")
        keep(asked, {"times_alone": ratio, **cancelled})


if __name__ == "__main__":
    main()
