"""The stage of a day full of faults: a disk that can fail, a fuse, prices to be spoiled, actors that can raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.clock import Clock
from engine.errors import JournalError
from engine.message import Message
from engine.notices import Happened, Notice
from model.execution import DeclareAbsent, ReleaseInstrument
from model.market import BarClosed, Quote
from model.units import QTY_SCALE
from simulation.exchange import VenueRules
from simulation.stage import CrashError, Cuts, FolderJournal, Stage, World
from simulation.stage.engine import KernelLife
from state.journal import MemoryJournal
from state.order_law import OrderState

SpoilQuote = Callable[[Quote], Quote | None]
SpoilBar = Callable[[BarClosed], tuple[BarClosed, ...]]


class Fuse(Cuts):
    """Kills the process at one of the boundaries that come after it was lit."""

    def __init__(self) -> None:
        super().__init__()
        self._left = 0
        self._where = ""

    def light(self, boundaries: int, where: str = "") -> None:
        """The process dies at the `boundaries`-th boundary from now, of those with this name if one is given."""
        self._left, self._where = boundaries, where

    def put_out(self) -> None:
        self._left = 0

    def __call__(self, where: str) -> None:
        self.passed.append(where)
        if self._left and self._where in ("", where):
            self._left -= 1
            if not self._left:
                raise CrashError(len(self.passed), where)


class Disk(MemoryJournal):
    """A journal whose commits can fail or take time.

    slow_ns: how long each commit takes.  full: every commit fails.  clock: of the process that waits for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slow_ns = 0
        self.full = False
        self.clock: Clock | None = None
        self._fails_in = 0
        self._kept = False

    def fail(self, commits: int, *, kept: bool) -> None:
        """The so-manieth commit from now raises; `kept`: the rows were on the disk all the same."""
        self._fails_in, self._kept = commits, kept

    def heal(self) -> None:
        self.slow_ns, self.full, self._fails_in = 0, False, 0

    def commit(self) -> None:
        if self.slow_ns and self.clock is not None:
            self.clock.now_ns += self.slow_ns
        if self.full:
            raise JournalError("no space left on the disk")
        if self._fails_in:
            self._fails_in -= 1
            if not self._fails_in:
                if self._kept:
                    super().commit()
                raise JournalError("the disk answered with an I/O error")
        super().commit()


class Curse:
    """One actor raises on a message it is about to take, as often as was said, also after it was rebuilt."""

    def __init__(self, actor: str, after: int, times: int) -> None:
        self.actor = actor
        self._after = after
        self._times = times

    def lift(self) -> None:
        self._times = 0

    def lay(self, stage: Stage) -> None:
        """Stand before every handler of the actor that lives now."""
        if self._times and stage.life is not None:
            table: dict[type[Message], Callable[[Any], Any]] = stage.life.kernel.ref(self.actor).cell.table
            for kind, handle in table.items():
                table[kind] = self._before(handle)

    def _before(self, handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def cursed(message: Any) -> Any:
            if self._times:
                self._after -= 1
                if self._after <= 0:
                    self._times -= 1
                    raise RuntimeError(f"{self.actor} is cursed and cannot take {type(message).__name__}")
            return handle(message)

        return cursed


class Scene(Stage):
    """A stage with everything within reach that the catalogue of faults needs.

    displayed: units that each quote shows.  messages: handled by actors in all lives that have ended.
    """

    def __init__(
        self, seed: int, *, world: World, begins_ns: int, rules: VenueRules, restart_after_ns: int, displayed: int,
        disk: Disk | FolderJournal,
    ) -> None:  # fmt: skip
        self.fuse = Fuse()
        self.disk = disk
        self.curses: list[Curse] = []
        self.messages = 0
        self._quotes: dict[object, SpoilQuote] = {}
        self._bars: dict[object, SpoilBar] = {}
        super().__init__(
            seed, world=world, cuts=self.fuse, rules=rules, begins_ns=begins_ns, journal=self.disk,
            restart_after_ns=restart_after_ns,
        )  # fmt: skip
        self.begins_ns = begins_ns
        self.tape.size = self.usual_size = displayed * QTY_SCALE
        self.listeners.append(self._rebuilt)

    # -- lives

    def _boot(self) -> None:
        super()._boot()
        if isinstance(self.life, KernelLife) and isinstance(self.disk, Disk):
            self.disk.clock = self.life.clock

    def crash(self) -> None:
        if self.life is not None:
            self.messages += self.life.kernel.status().messages
        super().crash()

    def kill(self) -> None:
        """The process dies now, with nothing half done."""
        if self.life is not None:
            self.crashes.append(CrashError(len(self.fuse.passed), "killed"))
            self.crash()

    def stop_orderly(self) -> None:
        """What SIGTERM does: every actor says its last effects, they become durable, and the process ends."""
        if self.life is not None and self._alive(self.life.go_down):
            self.crash()

    def handled(self) -> int:
        """Messages handled by actors so far."""
        return self.messages + (0 if self.life is None else self.life.kernel.status().messages)

    def wait_for(self, kind: str, within_ns: int) -> bool:
        """Let time pass until a request of this kind has just left; False when none did, or the engine died first."""
        until_ns, seen = self.now_ns + within_ns, len(self.wire)

        def left() -> bool:
            nonlocal seen
            new, seen = self.wire[seen:], len(self.wire)
            return any(type(each.message).__name__ == kind for each in new)

        life = self.life
        if life is None:
            return False
        return self._alive(lambda: life.run(until_ns, left)) and self.now_ns < until_ns

    def release(self) -> None:
        """A person has looked at everything that is locked."""
        if self.life is not None:
            for instrument in list(self.actor("system").locked):
                self.tell("system", ReleaseInstrument(instrument, "the author has looked", "author"))

    def answer(self) -> None:
        """A person has asked the venue about every order in doubt, and answers for those that it never had."""
        if self.life is not None:
            for order in self.orders.in_state(OrderState.UNKNOWN):
                name = order.spec.client_id
                if name not in self.venue.exchange.desk.orders:
                    self.tell("orders", DeclareAbsent(name, "the venue was asked", "author"))

    # -- prices on their way to the engine

    def spoil_quotes(self, name: object, spoil: SpoilQuote | None) -> None:
        """Spoil quotes under a name until it is spoiled with None; several work one after the other."""
        _put(self._quotes, name, spoil)
        spoilers = list(self._quotes.values())

        def all_of_them(quote: Quote) -> Quote | None:
            told: Quote | None = quote
            for each in spoilers:
                told = None if told is None else each(told)
            return told

        self.tape.spoil = all_of_them

    def spoil_bars(self, name: object, spoil: SpoilBar | None) -> None:
        """The same for bars."""
        _put(self._bars, name, spoil)
        spoilers = list(self._bars.values())

        def all_of_them(bar: BarClosed) -> tuple[BarClosed, ...]:
            told: tuple[BarClosed, ...] = (bar,)
            for each in spoilers:
                told = tuple(more for one in told for more in each(one))
            return told

        self.tape.spoil_bar = all_of_them

    # -- actors that raise

    def lay(self, curse: Curse) -> None:
        self.curses.append(curse)
        curse.lay(self)

    def _rebuilt(self, notice: Notice) -> None:
        if notice.happened is Happened.RESTARTED:
            for curse in self.curses:
                if curse.actor == notice.who:
                    curse.lay(self)

    # -- the end of all faults

    def relent(self) -> int:
        """Everything that can be healed is; answers when the last message under way arrives."""
        self.fuse.put_out()
        self.disk.heal()
        for curse in self.curses:
            curse.lift()
        self._quotes.clear()
        self._bars.clear()
        self.tape.size = self.usual_size
        self.spoil_quotes(-1, None)
        self.spoil_bars(-1, None)
        return self.venue.relent()


def _put(into: dict[Any, Any], name: object, value: Any) -> None:
    if value is None:
        into.pop(name, None)
    else:
        into[name] = value
