"""Executions as the engine takes them: corrections name what they replace, commissions are joined by execution."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable

import msgspec

from model.orders import CashMoved, Fill
from model.units import Cash, Qty
from ports.ib.contracts import BAG, Pins
from ports.ib.heard import CostSeen, ExecutionSeen
from ports.ib.order_ids import Durable
from ports.ib.wire_numbers import px_in

COST_KIND = "commission"
KEPT = 20_000


def stem_of(exec_id: str) -> tuple[str, int]:
    """`0000e0d5.69dd7411.01.02` is the first correction of `0000e0d5.69dd7411.01`, which is .01: (stem, number)."""
    stem, _, number = exec_id.rpartition(".")
    if not stem or not number.isdecimal():
        return exec_id, 1
    return stem, int(number)


def _numbered(exec_id: str, number: int) -> str:
    stem, _, last = exec_id.rpartition(".")
    return f"{stem}.{number:0{len(last)}d}"


class Waiting(msgspec.Struct, frozen=True):
    """An execution that waits for its commission."""

    seen: ExecutionSeen
    at_ns: int
    due_s: float


class Executions:
    """Each execution is told once, as soon as its commission is known or has been waited for long enough.

    A commission that comes later is told as cash that moved, under an id that stays the same.
    later: how long an execution waits.  tell: a fill or a cash movement leaves.
    """

    def __init__(
        self, pins: Pins, durable: Durable, *, tell: Callable[[Fill | CashMoved], None],
        stranger: Callable[[ExecutionSeen], None], wait_s: float,
    ) -> None:  # fmt: skip
        self._pins, self._durable = pins, durable
        self._tell, self._stranger = tell, stranger
        self._wait_s = wait_s
        self._newest: dict[str, tuple[int, str]] = {}
        self._told: dict[str, None] = {}
        self._waiting: dict[str, Waiting] = {}
        self._come = asyncio.Event()
        self._costs: dict[str, CostSeen] = {}
        self._filled: dict[str, dict[str, tuple[int, Qty]]] = {}
        self._legs: dict[str, tuple[tuple[int, int], ...]] = {}

    def filled(self, ref: str) -> Qty:
        """What was executed of an order, as far as it was heard in this life; of a combo how many are whole."""
        done = self._filled.get(ref, {}).values()
        legs = self._legs.get(ref)
        if legs is None:
            return sum(quantity for _, quantity in done)
        return min(sum(quantity for id, quantity in done if id == con_id) // abs(ratio) for con_id, ratio in legs)

    def ordered(self, ref: str, legs: tuple[tuple[int, int], ...]) -> None:
        """An order was sent or shown; its legs, if it is a combo: what its executions say depends on them."""
        if legs:
            self._legs[ref] = legs

    def new_day(self, open_refs: Collection[str]) -> None:
        """Forget what the gateway does not tell any more; of orders that are still open what was filled is kept."""
        self._filled = {ref: stems for ref, stems in self._filled.items() if ref in open_refs}
        self._legs = {ref: legs for ref, legs in self._legs.items() if ref in open_refs}
        kept = {stem for stems in self._filled.values() for stem in stems}
        kept |= {stem_of(exec_id)[0] for exec_id in self._waiting}
        self._newest = {stem: newest for stem, newest in self._newest.items() if stem in kept}
        self._costs = {exec_id: cost for exec_id, cost in self._costs.items() if stem_of(exec_id)[0] in kept}

    def take(self, seen: ExecutionSeen, at_ns: int, now_s: float) -> None:
        """One execution, live or looked up, known or not. at_ns: when it is said to have happened."""
        if seen.contract.sec_type == BAG or seen.exec_id in self._told or seen.exec_id in self._waiting:
            return  # a combo's summary is what its legs say again
        if self._pins.of_contract(seen.contract) is None:
            self._stranger(seen)
            return
        stem, number = stem_of(seen.exec_id)
        if number < self._newest.get(stem, (0, ""))[0]:
            return
        self._newest[stem] = (number, seen.exec_id)
        self._filled.setdefault(seen.ref, {})[stem] = seen.contract.con_id, seen.shares
        self._waiting[seen.exec_id] = Waiting(seen, at_ns, now_s + self._wait_s)
        self._come.set()
        if seen.exec_id in self._costs:
            self._leave(seen.exec_id)

    def cost(self, cost: CostSeen) -> None:
        """A commission, before its execution, with it, or much later."""
        first = cost.exec_id not in self._costs
        self._costs[cost.exec_id] = cost
        if cost.exec_id in self._waiting:
            self._leave(cost.exec_id)
        elif first and not self._superseded(cost.exec_id):
            for move in self.late_costs(cost.exec_id):
                self._tell(move)

    def late_costs(self, exec_id: str) -> list[CashMoved]:
        """What a commission changes of an execution that was told without it. Of one that is corrected nothing remains:
        the engine takes back the commission of the execution, so what moved later is taken back here."""
        owed, cost = self._durable.cost_told(exec_id), self._costs.get(exec_id)
        if owed is None or cost is None:
            return []
        told, currency, at_ns = owed
        more = cost.amount - (told if currency == cost.currency else 0)
        if not more:
            return []
        moves = [CashMoved(f"cost-{exec_id}", COST_KIND, cost.currency, -more, "", at_ns)]
        if self._superseded(exec_id):
            moves.append(CashMoved(f"uncost-{exec_id}", COST_KIND, cost.currency, more, "", at_ns))
        return moves

    def _superseded(self, exec_id: str) -> bool:
        """Whether a correction of an execution is known."""
        stem, number = stem_of(exec_id)
        return self._newest.get(stem, (0, ""))[0] > number

    async def keep(self) -> None:
        """Let executions go whose commission does not come, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = self.release(loop.time())
            if due_s is not None:
                await asyncio.sleep(max(0.001, due_s - loop.time()))
                continue
            await self._come.wait()
            self._come.clear()

    def release(self, now_s: float) -> float | None:
        """Tell what has waited long enough; when the next one has, in loop time."""
        for exec_id in [each for each, waiting in self._waiting.items() if waiting.due_s <= now_s]:
            self._leave(exec_id)
        return min((each.due_s for each in self._waiting.values()), default=None)

    def flush(self, ref: str) -> None:
        """Tell what waits of one order: its end is about to be told."""
        for exec_id in [each for each, waiting in self._waiting.items() if waiting.seen.ref == ref]:
            self._leave(exec_id)

    def waits_for_costs(self, seen: Iterable[ExecutionSeen]) -> bool:
        """Whether the gateway has yet to say what one of these cost."""
        return any(each.exec_id not in self._costs and each.contract.sec_type != BAG for each in seen)

    def fill_of(self, seen: ExecutionSeen, at_ns: int) -> Fill | None:
        """The engine's form of an execution; None where no contract of ours is meant. Nothing is told."""
        pin = self._pins.of_contract(seen.contract)
        if pin is None or seen.contract.sec_type == BAG:
            return None
        amount, currency = self._cost_of(seen)
        _, number = stem_of(seen.exec_id)
        return Fill(
            exec_id=seen.exec_id, client_id=seen.ref or f"perm-{seen.perm_id}", venue_id=str(seen.perm_id),
            instrument=pin.instrument, side=seen.side, quantity=seen.shares, price=px_in(seen.price, pin.magnifier),
            fee=amount, fee_currency=currency, at_ns=at_ns,
            corrects=_numbered(seen.exec_id, number - 1) if number > 1 else "",
        )  # fmt: skip

    def looked_up(self, seen: ExecutionSeen, at_ns: int) -> tuple[Fill, list[CashMoved]] | None:
        """An execution for a snapshot, with what its commission has changed since it was first told."""
        fill = self.fill_of(seen, at_ns)
        if fill is None:
            return None
        if seen.exec_id not in self._costs:
            self._durable.told_without_cost(seen.exec_id, fill.fee, fill.fee_currency, at_ns)
        return fill, self.late_costs(seen.exec_id)

    def _leave(self, exec_id: str) -> None:
        waiting = self._waiting.pop(exec_id)
        fill = self.fill_of(waiting.seen, waiting.at_ns)
        if fill is None:
            return
        if exec_id not in self._costs:
            self._durable.told_without_cost(exec_id, fill.fee, fill.fee_currency, waiting.at_ns)
        if fill.corrects and self._superseded(fill.corrects):
            for move in self.late_costs(fill.corrects):
                self._tell(move)
        self._told[exec_id] = None
        if len(self._told) > KEPT:
            del self._told[next(iter(self._told))]
        self._tell(fill)

    def _cost_of(self, seen: ExecutionSeen) -> tuple[Cash, str]:
        """The commission that an execution is told with, always the same one: whatever was told of it before, the
        broker's, that of the execution it corrects, or none yet."""
        told = self._durable.cost_told(seen.exec_id)
        if told is not None:
            return told[0], told[1]
        cost = self._costs.get(seen.exec_id)
        if cost is None:
            _, number = stem_of(seen.exec_id)
            cost = self._costs.get(_numbered(seen.exec_id, number - 1)) if number > 1 else None
        return (cost.amount, cost.currency) if cost else (0, seen.contract.currency)
