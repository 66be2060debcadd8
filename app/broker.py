"""One engine process on an account at a broker: the real clock, or that of a simulated gateway in a rehearsal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from actors.market_data import MarketData
from actors.reconciler import ReconcilePolicy
from app.ib_account import ib_settings
from app.outside import LiveProcess, NoLake
from app.process import Wanted
from app.sessions import FIRST, newest_bar
from config.loader import Configuration
from config.settings import IBVenue
from engine.actor import Actor
from engine.clock import Clock, LiveClock
from engine.message import Message, Told
from engine.ports import Port
from engine.recovery import restore
from model.combos import contracts_of
from model.decisions import Mode
from model.instruments import product_of
from model.market import FxRateSeen
from model.rolls import RollSchedule
from model.rolls_ahead import extended
from model.units import NS_PER_SECOND
from ports.feed.schedule import FeedPlan, build, history
from ports.ib.codes import Rule, Severity
from ports.ib.day_plan import DayPlan, date_of
from ports.ib.days import MARKET, Days
from ports.ib.heard import Complaint
from ports.ib.market_clock import market_clock
from ports.ib.port import IBPort
from ports.ib.rates import PairRates
from state.journal import Recovered, recover
from state.lake import Lake

COMPARE_EVERY_S, SETTLE_S, RETRY_S = 60, 5, 60
OVERLAP_NS = 24 * 3_600 * NS_PER_SECOND
WARM_UP_SESSIONS = 300
YEARS_AHEAD = 3
FX = "fx"


def broker(configuration: Configuration, state: Path, metrics_port: int | None) -> BrokerProcess:
    """The engine of a configuration whose venue is a broker's account.

    Raises LakeError for a lake that is damaged, NoMarketClock where a rehearsal has no time to live by.
    """
    settings = configuration.settings
    lake = _lake(Path(settings.data.lake_dir))
    wanted = Wanted(
        configuration=configuration, state_dir=state, lake=lake, first=0, last=0,
        band="LIVE" if settings.mode == "live" else "PAPER", auto_trade=settings.engine.auto_trade,
        metrics_port=settings.metrics.port if metrics_port is None and settings.metrics.enabled else metrics_port,
        log_level=settings.logging.level, at_live_pace=True,
    )  # fmt: skip
    return BrokerProcess(wanted, _clock(settings.venue))


def _clock(venue: object) -> Clock:
    assert isinstance(venue, IBVenue)
    return market_clock(Path(venue.clock)) if venue.clock else LiveClock()


def _lake(folder: Path) -> Lake:
    return Lake(folder) if (folder / "manifest.json").is_file() else NoLake()


class BrokerProcess(LiveProcess):
    """Prices, the times of decisions and orders all go through one session with the broker's gateway.

    clock: the market's time; in a rehearsal that of a simulated gateway.
    """

    def __init__(self, wanted: Wanted, clock: Clock) -> None:
        every_ns = int(COMPARE_EVERY_S * clock.pace * NS_PER_SECOND)
        policy = ReconcilePolicy(
            every_ns=every_ns, settle_ns=SETTLE_S * NS_PER_SECOND, overlap_ns=OVERLAP_NS,
            retry_ns=RETRY_S * NS_PER_SECOND,
        )  # fmt: skip
        super().__init__(replace(wanted, reconcile=policy))
        self._market = clock
        self._days: Days
        self._schedule: RollSchedule

    def _clock(self) -> Clock:
        return self._market

    def _rolls(self, clock: Clock) -> RollSchedule:
        """The recorded rolls, and those to come by rule."""
        clock.refresh()
        lake, products = self.wanted.lake, self.wanted.configuration.instruments
        kept = [name for name in self._products() if lake.has("bars", name)]
        ended = {name: lake.data_set("bars", name).last_session for name in kept}
        today = date_of(clock.now_ns)
        rolled = {name: one for name, one in products.items() if one.roll is not None}
        last = min((table.columns[0][-1] for table in self.calendars.values()), default=today)
        until = min(today + 10_000 * YEARS_AHEAD, last)
        self._schedule = extended(lake.roll_schedule(kept), rolled, self.calendars, today, until, ended=ended)
        return self._schedule

    def _connect(self, clock: Clock, recovered: Recovered) -> Port:
        clock.refresh()
        products = self.wanted.configuration.instruments
        plan = self._day_plan(clock.now_ns, recovered)
        rates = PairRates(
            self._currencies(), self.program.base_currency, lambda seen: self._told(FX, seen), traded=products
        )
        today = date_of(clock.now_ns)
        contracts = {each.id: each for each in plan.heard_on(today) if not plan.left(each, today)}
        contracts.update({name: one for name, one in products.items() if one.roll is None})
        held = [name for name in self._held() if product_of(name) in products]
        contracts.update({name: plan.contract(product_of(name), name) for name in held})
        return IBPort(
            ib_settings(self.wanted.configuration.settings, self.wanted.state_dir),
            instruments={**rates.pairs, **contracts}.values(),
            now_ns=lambda: _now_ns(clock),
            sessions=self.calendars,
            token=self._token,
            noted=self._complained,
            days=lambda port: self._keep_days(plan, port, rates, clock),
            rates=rates,
        )

    def _keep_days(self, plan: DayPlan, port: IBPort, rates: PairRates, clock: Clock) -> Days:
        self._days = Days(
            plan, port.pins, tell=self._told, now_ns=lambda: _now_ns(clock), pace=clock.pace,
            ready=port.ready.wait, also=port.also,
            want=lambda traded, others: port.subscriptions.want([*rates.pairs, *traded], others),
            first_of_all=lambda now_ns: self._recorded(plan, now_ns),
            noted=lambda text: self.log.warning("market data", text=text),
            awake=lambda: self.kernel.actor("system").mode not in (Mode.BOOT, Mode.RECONCILING),
        )  # fmt: skip
        return self._days

    def _day_plan(self, now_ns: int, recovered: Recovered) -> DayPlan:
        days = self.days
        warmup = self.program.replay.warmup_sessions if self.program.replay else WARM_UP_SESSIONS
        before = [one.date for one in days.between(FIRST, date_of(now_ns))]
        newest = self.kernel.actor("basket").ledger.newest
        return DayPlan(
            products=self.wanted.configuration.instruments,
            calendars={
                name: self.calendars[one.calendar] for name, one in self.wanted.configuration.instruments.items()
            },
            rolls=self._schedule,
            cycles=days,
            cycle_ns=self._cycle_ns,
            since=newest_bar(recovered) or before[max(0, len(before) - 1 - warmup)],
            decided=newest.planned.session if newest is not None else 0,
        )

    def _recorded(self, plan: DayPlan, now_ns: int) -> Iterator[tuple[str, Message]]:
        """What the lake knows by now, as history: nobody asks the broker for what was kept."""
        lake, today = self.wanted.lake, date_of(now_ns)
        kept = FeedPlan(
            products=[name for name in self._products() if lake.has("bars", name)], first=plan.since, last=today,
            currencies=self._kept_currencies(), base=self.program.base_currency, cycle_ns=self._cycle_ns,
            sessions=[one.date for one in plan.cycles.between(plan.since, today)],
        )  # fmt: skip
        for message in history(build(lake, kept, plan.rolls), now_ns):
            yield (FX if isinstance(message, FxRateSeen) else MARKET), message

    def _kept_currencies(self) -> list[str]:
        """Currencies whose rates the lake has, and none when it lacks the base's."""
        lake, base = self.wanted.lake, self.program.base_currency
        if base != "USD" and not lake.has("fx", base):
            return []
        return [each for each in self._currencies() if each == "USD" or lake.has("fx", each)]

    def _held(self) -> list[str]:
        """Contracts with a position in the books, or an order that is not over; of a spread both."""
        books, orders = self.kernel.actor("portfolio").books, self.kernel.actor("orders").book
        held = [name for name, each in books.positions.items() if each.quantity]
        return [*held, *(name for each in orders.open.values() for name in contracts_of(each.spec.instrument))]

    def _told(self, to: str, message: Message) -> Told:
        return self.kernel.tell(to, message)

    def _complained(self, complaint: Complaint, rule: Rule) -> None:
        write = {Severity.INFO: self.log.debug, Severity.WARNING: self.log.warning}.get(rule.severity, self.log.error)
        write("gateway", code=complaint.code, about=complaint.about, text=complaint.text, meaning=rule.text)

    def _rebuild(self, actor: Actor) -> int:
        """Bring one crashed actor back from the journal; the broker is asked again for what market data lost."""
        recovered = recover(self._folder, self.events)
        restore([actor], recovered.rows, recovered.snapshots)
        if isinstance(actor, MarketData):
            self._days.again()
        return recovered.last_seq


def _now_ns(clock: Clock) -> int:
    clock.refresh()
    return clock.now_ns
