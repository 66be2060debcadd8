"""The stage: the whole engine on a virtual clock, a venue that outlives it, and a hand for whoever writes a test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

from engine.drive import Source
from engine.errors import EngineError
from engine.message import Message
from engine.notices import Listener, Notice
from engine.ports import Row
from model.decisions import Halt, Mode, Resume
from model.market import Quote
from model.orders import VenueFact
from model.units import QTY_SCALE
from simulation.exchange import VenueRules
from simulation.stage.cuts import CrashError, Cuts, Request
from simulation.stage.engine import Around, KernelLife, Life
from simulation.stage.folder import FolderJournal
from simulation.stage.hand import VenueHand
from simulation.stage.process import ProcessLife
from simulation.stage.script import Script, Wish
from simulation.stage.tape import Tape
from simulation.stage.views import Orders
from simulation.stage.world import Prices, World, opens_ns, usual_world
from state.journal import MemoryJournal

UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9}
RULES = VenueRules(latency_ns=2 * 10**6, margin=False)


def duration_ns(text: str) -> int:
    """Nanoseconds of `"250ms"`, `"5s"`, `"1m"`, `"8h"`, `"2d"`. Raises ValueError for anything else."""
    for unit, scale in UNITS.items():
        number = text.removesuffix(unit)
        if number != text and number.isdigit():
            return int(number) * scale
    raise ValueError(f"{text!r} is no duration: write a whole number and ms, s, m, h or d, such as '5s'")


class Stage:
    """The production actors, journal and port, unmodified, on virtual time; the venue survives a crash of the engine.

    seed: chance of the scheduler and of prices; the same seed plays the same play.  cuts: where the process dies.
    rules: of the venue.  restart_after_ns: how long the engine stays down after it died.  sources: what else happens.
    listeners: hear every notice of the runtime, besides `notices`.  stops: why the engine stopped of its own accord.
    begins_ns: when, of the first day; 0 for its beginning.  journal: where rows go, in memory when None. With a
    FolderJournal the whole process is played: the production host and files on a virtual event loop.

        with Stage(seed=7) as stage:
            stage.want("ALPHA", 100)
            stage.venue.drop_next_ack()
            stage.decide()
            stage.run("40s")
            assert stage.orders.one().state is OrderState.UNKNOWN
    """

    def __init__(
        self, seed: int = 0, *, world: World | None = None, cuts: Cuts | None = None, rules: VenueRules = RULES,
        restart_after_ns: int = 5 * 10**9, snapshot_every_rows: int = 60, sources: tuple[Source, ...] = (),
        begins_ns: int = 0, journal: MemoryJournal | FolderJournal | None = None,
    ) -> None:  # fmt: skip
        self.seed = seed
        self.world = world or usual_world()
        self.cuts = cuts or Cuts()
        self.script = Script()
        self.journal = journal or MemoryJournal()
        self.crashes: list[CrashError] = []
        self.stops: list[EngineError] = []
        self.notices: list[Notice] = []
        self.listeners: list[Listener] = [self.notices.append]
        self.wire: list[Request] = []
        self.facts: list[tuple[int, VenueFact]] = []  # what the venue's port told the engine, and when
        self.deaths: list[int] = []  # when the engine died, or stopped of its own accord
        self.stalls: list[tuple[int, int]] = []  # from when to when the process stood still, or its disk did
        self.heard: list[tuple[int, Quote]] = []  # every quote that the engine was told, and when
        self.told: Counter[tuple[int, str, type[Message]]] = Counter()  # what else, by moment, actor and type
        self.life: Life | None = None
        self._snapshot_every = snapshot_every_rows
        self._down_ns = restart_after_ns
        self._up_at_ns = 0
        self._dark_ns = begins_ns or opens_ns(0)
        self.venue = VenueHand(self.world, rules, lambda: self.now_ns)
        self.tape = Tape(self.venue.exchange, Prices(seed, self.world.contracts), self.tell, self.now_ns)
        self._sources: tuple[Source, ...] = (*sources, self.tape)
        self._alive(self._boot)
        self.tape.close(self.now_ns)
        self.run("1s")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.life is not None:
            dead, self.life = self.life, None
            dead.bury()
        if isinstance(self.journal, FolderJournal):
            self.journal.discard()

    # -- life and death

    def _boot(self) -> None:
        around = Around(
            world=self.world, script=self.script, exchange=self.venue.exchange, seed=self.seed, cut=self.cuts,
            snapshot_every_rows=self._snapshot_every, noticed=self._noticed, wire=self.wire, facts=self.facts,
            remind=self.tape.remind,
        )  # fmt: skip
        life: Life
        if isinstance(self.journal, FolderJournal):
            life = ProcessLife(around, self.journal, self._dark_ns, number=len(self.deaths))
        else:
            life = KernelLife(around, self.journal, self._dark_ns)
        self.life = life
        life.begin(self._sources)
        self.tape.again()

    def _alive(self, act: Callable[[], None]) -> bool:
        """Do something with the engine; False when it died of it."""
        try:
            act()
        except CrashError as crash:
            self.crashes.append(crash.with_traceback(None))
            self.crash()
            return False
        except EngineError as stop:
            self.stops.append(stop)
            self.crash()
            return False
        return True

    def _noticed(self, notice: Notice) -> None:
        for listener in self.listeners:
            listener(notice)

    def crash(self) -> None:
        """Kill the engine: what was not durable is gone, the venue and the market go on. It comes up again in `run`."""
        if self.life is not None:
            self._dark_ns = self.now_ns
            self.deaths.append(self._dark_ns)
            dead, self.life = self.life, None
            self._up_at_ns = self._dark_ns + self._down_ns
            try:
                self.journal.crash()
            finally:
                dead.bury()
            self.venue.disconnect("the engine died")

    def restart(self) -> None:
        """Start the engine again now, on what is durable."""
        if self.life is None:
            self._alive(self._boot)

    # -- time

    @property
    def now_ns(self) -> int:
        return self._dark_ns if self.life is None else self.life.now_ns

    def run(self, how_long: str | int) -> None:
        """Let time pass, nanoseconds or such as `"1m"`; an engine that dies on the way is started again."""
        until_ns = self.now_ns + (how_long if isinstance(how_long, int) else duration_ns(how_long))
        while self.now_ns < until_ns or self.life is None:
            life = self.life
            if life is not None:
                self._alive(partial(life.run, until_ns))
                continue
            self._pass_in_the_dark(min(until_ns, self._up_at_ns))
            if self._dark_ns < self._up_at_ns:
                return
            self._alive(self._boot)

    def freeze(self, how_long: str | int) -> None:
        """The process stands still, as after SIGSTOP: what comes meanwhile waits, then its clock jumps."""
        if self.life is None:
            self.run(how_long)
            return
        until_ns = self.now_ns + (how_long if isinstance(how_long, int) else duration_ns(how_long))
        self.stalls.append((self.now_ns, until_ns))
        self._dark_ns = self.now_ns
        self._go_on_without(until_ns)
        self.life.jump(until_ns)
        self.run(0)

    def _pass_in_the_dark(self, until_ns: int) -> None:
        """Time without an engine: the market and the venue go on, and nobody hears what they say."""
        self._go_on_without(until_ns)
        self.venue.exchange.take(self._dark_ns)

    def _go_on_without(self, until_ns: int) -> None:
        while True:
            moments = [(at_ns, place) for place, s in enumerate(self._sources) if (at_ns := s.next_ns()) is not None]
            at_ns, place = min(moments)
            if at_ns > until_ns:
                break
            self._dark_ns = max(self._dark_ns, at_ns)
            self._sources[place].fire(self._dark_ns)
        self._dark_ns = max(self._dark_ns, until_ns)

    # -- the author's hand

    def want(self, product: str, units: int, *, sleeve: str = "one", pair: str = "") -> None:
        """From its next decision on the sleeve wants to hold so many whole units."""
        self.script.wishes.setdefault(sleeve, {})[product] = Wish(units * QTY_SCALE, pair)

    def decide(self) -> None:
        """A decision cycle as soon as time goes on, on the bars of the last close."""
        self.tape.decide(self.now_ns)

    def halt(self, reason: str = "the author says so") -> None:
        self.tell("system", Halt(reason, "author"))

    def resume(self, reason: str = "the author says so") -> None:
        self.tell("system", Resume(reason, "author"))

    def tell(self, to: str, message: Message) -> None:
        """Tell an actor; nobody hears it while the engine is down."""
        if self.life is not None:
            if type(message) is Quote:
                self.heard.append((self.now_ns, message))
            else:
                self.told[self.now_ns, to, type(message)] += 1
            self.life.kernel.tell(to, message)

    # -- what can be seen

    @property
    def mode(self) -> Mode | None:
        """The engine's mode; None while it is down."""
        return None if self.life is None else self.life.mode

    @property
    def rows(self) -> list[Row]:
        """Every durable row since the beginning."""
        return self.journal.rows[: self.journal.committed]

    @property
    def orders(self) -> Orders:
        """The engine's own book of orders. Raises RuntimeError while it is down."""
        return Orders(self.actor("orders").book.orders.values())

    @property
    def positions(self) -> dict[str, int]:
        """What the engine's books hold, in whole units by contract. Raises RuntimeError while it is down."""
        held = self.actor("portfolio").books.positions
        return {name: each.quantity // QTY_SCALE for name, each in sorted(held.items()) if each.quantity}

    def actor(self, name: str) -> Any:
        """An actor as it lives now. Raises RuntimeError while the engine is down."""
        if self.life is None:
            raise RuntimeError("the engine is down: restart() it before you look into it")
        return self.life.kernel.actor(name)
