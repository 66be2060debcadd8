"""A guardian on a bench: heartbeats that a test sets, a clock that it moves, and a simulated venue in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from app.guardian import Deed, Guardian
from model.orders import OrderSpec
from ports.guardian import ClosingPlan, Heartbeat, SealedFile
from ports.guardian.heartbeat import Pulse
from ports.guardian.venue import GuardianVenue
from ports.lease import HeldLease
from simulation.exchange import Exchange, VenueRules
from simulation.exchange.session import ExchangeSession
from state.lease import NS, Holder, LeaseStore
from state.process_id import ProcessId
from tests.exchange.kit import at, buy, happen, quote, send
from tests.exchange.kit import venue as exchange

KEY = b"the deposit key"
LAPSE_S = 10.0
ENGINE = ProcessId("far away", "boot", 7, 1)
NEXT = ProcessId("far away", "boot", 8, 2)
QUIET = Pulse("TRADING", 100, 0, 50, 0)


def resting(name: str) -> OrderSpec:
    """A buy far below the market."""
    return buy(name, "CSPX", limit="90")


@dataclass
class Kept:
    """A log in memory."""

    deeds: list[Deed] = field(default_factory=list)

    def write(self, deed: Deed) -> None:
        self.deeds.append(deed)

    def done(self) -> ProcessId | None:
        return next((deed.process for deed in reversed(self.deeds) if deed.code == "DONE"), None)

    @property
    def codes(self) -> list[str]:
        return [deed.code for deed in self.deeds]

    def said(self, code: str) -> str:
        """What was said of the only deed of a kind."""
        (text,) = [deed.text for deed in self.deeds if deed.code == code]
        return text


class Bench:
    """flatten: let the guardian use the plan.  ended: processes that it ended."""

    def __init__(self, folder: Path, *, flatten: bool = False) -> None:
        self.folder, self.flatten = folder, flatten
        self.now_s = 1_000.0
        self.beat: Heartbeat | None = None
        self.log = Kept()
        self.ended: list[ProcessId] = []
        self.plans = SealedFile(folder / "closing-plan", ClosingPlan, KEY)
        self.venue: Exchange = exchange(rules=VenueRules(latency_ns=1_000, margin=False))
        self.venue.connect(at(0, 10))
        happen(self.venue, quote("CSPX", at(0, 10), "99.9", "100.1"))
        self.unreachable = 0
        self.store = LeaseStore(folder / "lease", "simulated", "PAPER", living=lambda process: None)
        self.lease = self.held(ENGINE)
        self.guardian = self.watching()

    def held(self, process: ProcessId) -> HeldLease:
        return HeldLease(
            self.store, Holder("var/a", process), 15.0, seconds=lambda: self.now_s, wall_ns=lambda: self.wall_ns
        )  # fmt: skip

    @property
    def wall_ns(self) -> int:
        return int(self.now_s * NS)

    def watching(self) -> Guardian:
        """A guardian as it starts."""
        return Guardian(
            beats=self, plans=self.plans, lease=self.store, session=self._session, log=self.log, lapse_s=LAPSE_S,
            flatten=self.flatten, end=self._end, seconds=lambda: self.now_s, wall_ns=lambda: self.wall_ns,
        )  # fmt: skip

    def read(self) -> Heartbeat | None:
        return self.beat

    def beats(self, seconds: int, pulse: Pulse = QUIET, *, process: ProcessId = ENGINE, words: bool = True) -> bool:
        """So many beats, a second apart, and a look after each; whether an engine was ended."""
        acted = False
        for _ in range(seconds):
            same = self.beat is not None and self.beat.process == process
            number, spoken = (self.beat.beat, self.beat.words) if same and self.beat else (0, 0)
            self.beat = Heartbeat(process, number + 1, pulse, words=spoken + words)
            acted = self.wait(1) or acted
        return acted

    def wait(self, seconds: int) -> bool:
        """Time without a new beat, and a look each second; whether an engine was ended."""
        acted = False
        for _ in range(seconds):
            self.now_s += 1
            acted = self.guardian.look() or acted
        return acted

    def open_at_venue(self) -> list[str]:
        return [order.client_id for order in self.venue.snapshot("s", 0).orders]

    def holds(self) -> dict[str, int]:
        return {each.instrument: each.quantity for each in self.venue.snapshot("s", 0).positions}

    def submit(self, *orders: OrderSpec) -> None:
        """Orders of the engine, under its own token."""
        send(self.venue, self.venue.now_ns, *orders)
        self.venue.take(self.venue.now_ns + 1_000_000)

    def _session(self, token: int, beat: Heartbeat) -> GuardianVenue:
        if self.unreachable:
            self.unreachable -= 1
            raise ConnectionRefusedError("the venue does not answer")
        return ExchangeSession(self.venue, token)

    def _end(self, process: ProcessId) -> str:
        self.ended.append(process)
        return "killed"
