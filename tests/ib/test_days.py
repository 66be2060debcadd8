"""A program's days as the broker tells them, on virtual time before the simulated gateway.

The market is tests/tws/gateway/bourse.py: ABC closes at 100, 102, 105, 106, 104 from Monday the 10th to Friday the 14th
of June 2019, at 20:00 UTC. Decisions are at 20:30.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine.message import Message, Told
from model.market import BarClosed, SessionClosed
from model.rolls import RollSchedule
from model.units import NS_PER_SECOND, px
from ports.ib.day_plan import DayPlan
from ports.ib.days import Days
from ports.ib.port import IBPort
from simulation.stage import VirtualLoop
from state.lake import Lake
from tests.ib.kit import CONTRACTS, QUICK, Stand, stand
from tests.tws.gateway.bourse import CALENDARS, at

HALF_PAST_EIGHT_NS = (20 * 3_600 + 1_800) * NS_PER_SECOND
MONDAY, TUESDAY, WEDNESDAY = 20190610, 20190611, 20190612
Script = Callable[["Watched"], Awaitable[None]]


def cycle_ns(session: int) -> int:
    return at(f"{session // 10_000}-{session // 100 % 100:02d}-{session % 100:02d}T00:00") + HALF_PAST_EIGHT_NS


class Watched:
    """A port whose days are listened to. full: how often the next message is refused for want of room."""

    def __init__(self, here: Stand, products: tuple[str, ...], since: int, decided: int) -> None:
        self.here, self.told, self.noted, self.wanted = (
            here,
            list[Message](),
            list[str](),
            list[tuple[list[str], list[str]]](),
        )
        self.full, self.awake = 0, True
        self.at: list[int] = []
        plan = DayPlan(
            products={name: CONTRACTS[name] for name in products},
            calendars={name: CALENDARS[CONTRACTS[name].calendar] for name in products},
            rolls=RollSchedule({}), cycles=CALENDARS["NYSE"], cycle_ns=cycle_ns, since=since, decided=decided,
        )  # fmt: skip
        here.port = IBPort(
            here.settings(patience=QUICK), instruments=CONTRACTS.values(), now_ns=here.now_ns,
            days=lambda port: self._days(plan, port),
        )  # fmt: skip
        self.life = asyncio.ensure_future(here.port.run(here.heard))

    def _days(self, plan: DayPlan, port: IBPort) -> Days:
        return Days(
            plan, port.pins, tell=self._hear, now_ns=self.here.now_ns, pace=1.0, ready=port.ready.wait, also=port.also,
            want=lambda traded, others: self.wanted.append((traded, others)),
            first_of_all=lambda now_ns: (), noted=self.noted.append,
            awake=lambda: self.awake,
        )  # fmt: skip

    def _hear(self, to: str, message: Message) -> Told:
        assert to == "market_data"
        if self.full:
            self.full -= 1
            return Told.FULL
        self.told.append(message)
        self.at.append(self.here.now_ns())
        return Told.OK

    @property
    def days(self) -> Days:
        assert self.here.port.days is not None
        return self.here.port.days

    def bars(self, name: str = "ABC") -> list[tuple[int, int, bool]]:
        """(session, close, history) of every bar told."""
        found = [each for each in self.told if isinstance(each, BarClosed) and each.instrument == name]
        return [(each.session, each.close, each.history) for each in found]

    def closes(self) -> list[tuple[int, bool]]:
        return [(each.session, each.history) for each in self.told if isinstance(each, SessionClosed)]


def watched(
    lake: Lake, state: Path, begins: str, script: Script, *, products: tuple[str, ...] = ("ABC",),
    since: int = MONDAY, decided: int = 0,
) -> Watched:  # fmt: skip
    """Play a script from a moment on, and see what was told."""
    made: list[Watched] = []

    async def play() -> None:
        async with stand(lake, state, now_ns=at(begins)) as here:
            made.append(Watched(here, products, since, decided))
            await script(made[0])
            made[0].life.cancel()
            await asyncio.gather(made[0].life, return_exceptions=True)

    loop = VirtualLoop(seed=1)
    loop.run_until_complete(play())
    assert loop.complaints == []
    return made[0]


def after(minutes: float) -> Script:
    async def wait(one: Watched) -> None:
        await asyncio.sleep(minutes * 60)

    return wait


def test_what_was_missed_is_told_as_history_and_an_old_session_is_not_decided(lake: Lake, tmp_path: Path) -> None:
    one = watched(lake, tmp_path, "2019-06-12T14:00", after(5))
    assert one.bars()[0] == (MONDAY, px("100"), True)
    assert one.bars()[1][:2] == (TUESDAY, px("102"))
    assert one.closes() == [(MONDAY, True), (TUESDAY, True)]
    assert "20190611 is not decided any more" in one.noted[0]


def test_a_session_that_has_just_ended_is_decided(lake: Lake, tmp_path: Path) -> None:
    one = watched(lake, tmp_path, "2019-06-11T21:00", after(5))
    assert one.bars() == [(MONDAY, px("100"), True), (TUESDAY, px("102"), False)]
    assert one.closes() == [(MONDAY, True), (TUESDAY, False)]


def test_one_that_was_decided_before_is_told_as_history(lake: Lake, tmp_path: Path) -> None:
    one = watched(lake, tmp_path, "2019-06-11T21:00", after(5), decided=TUESDAY)
    assert one.closes() == [(MONDAY, True), (TUESDAY, True)]


def test_a_bar_is_asked_for_after_its_close_and_the_decision_comes_at_its_time(lake: Lake, tmp_path: Path) -> None:
    one = watched(lake, tmp_path, "2019-06-11T19:50", after(45))
    assert one.closes() == [(MONDAY, True), (TUESDAY, False)]
    told = dict(
        zip([type(each).__name__ + str(getattr(each, "session", "")) for each in one.told], one.at, strict=True)
    )
    assert at("2019-06-11T20:05") <= told["BarClosed20190611"] < at("2019-06-11T20:07")
    assert at("2019-06-11T20:30") <= told["SessionClosed20190611"] < at("2019-06-11T20:31")


def test_bars_come_before_the_end_of_their_session(lake: Lake, tmp_path: Path) -> None:
    one = watched(lake, tmp_path, "2019-06-12T21:00", after(5), products=("ABC", "XYZ"))
    order = [each.session for each in one.told if isinstance(each, BarClosed | SessionClosed)]
    assert order == [MONDAY] * 3 + [TUESDAY] * 3 + [WEDNESDAY] * 3


def test_a_full_mailbox_is_told_again_and_nothing_is_lost(lake: Lake, tmp_path: Path) -> None:
    async def crowded(one: Watched) -> None:
        one.full = 50
        await asyncio.sleep(300)

    one = watched(lake, tmp_path, "2019-06-11T21:00", crowded)
    assert [each[0] for each in one.bars()] == [MONDAY, TUESDAY]
    assert one.closes() == [(MONDAY, True), (TUESDAY, False)]


def test_an_engine_that_is_still_comparing_itself_is_waited_for(lake: Lake, tmp_path: Path) -> None:
    async def sleepy(one: Watched) -> None:
        one.awake = False
        await asyncio.sleep(600)
        assert one.closes() == [(MONDAY, True)]
        one.awake = True
        await asyncio.sleep(5)

    assert watched(lake, tmp_path, "2019-06-11T20:35", sleepy).closes() == [(MONDAY, True), (TUESDAY, False)]


def test_a_bar_that_does_not_come_holds_the_decision_up_for_minutes_and_not_for_ever(
    lake: Lake, tmp_path: Path
) -> None:
    """The S&P's September contract is recorded; the week after the record nothing is."""
    one = watched(lake, tmp_path, "2019-06-17T19:50", after(60), since=20190614)
    assert [each for each in one.bars() if each[0] > 20190614] == []
    assert one.closes()[-1] == (20190617, False)
    closed = one.at[-1]
    assert at("2019-06-17T20:30") <= closed <= at("2019-06-17T20:36")
    assert any("no bar of 20190617" in each for each in one.noted)


def test_market_data_that_was_built_anew_hears_everything_again(lake: Lake, tmp_path: Path) -> None:
    async def rebuilt(one: Watched) -> None:
        await asyncio.sleep(300)
        one.days.again()
        await asyncio.sleep(300)

    one = watched(lake, tmp_path, "2019-06-11T21:00", rebuilt)
    assert [each[0] for each in one.bars()] == [MONDAY, TUESDAY] * 2
    assert one.closes() == [(MONDAY, True), (TUESDAY, False), (MONDAY, True), (TUESDAY, True)]


def test_while_the_broker_is_away_nothing_is_decided_and_afterwards_it_is(lake: Lake, tmp_path: Path) -> None:
    async def away(one: Watched) -> None:
        await asyncio.sleep(300)
        one.here.control.lose_link()
        await asyncio.sleep(3_600)  # over the close and the time of the decision
        assert one.closes() == [(MONDAY, True)]
        one.here.control.restore_link(data_lost=True)
        await asyncio.sleep(600)

    one = watched(lake, tmp_path, "2019-06-11T19:50", away)
    assert one.bars()[-1] == (TUESDAY, px("102"), False)
    assert one.closes() == [(MONDAY, True), (TUESDAY, False)]


def test_quotes_are_wanted_without_a_pause_of_what_may_be_traded_only(lake: Lake, tmp_path: Path) -> None:
    one = watched(lake, tmp_path, "2019-06-12T14:00", after(1), products=("ABC", "SPX_INDEX"))
    assert one.wanted == [(["ABC"], ["SPX_INDEX"])]
