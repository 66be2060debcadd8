"""The recorded feed tells what was known, when it was known, once, in one order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from engine.actor import Actor
from engine.clock import VirtualClock
from engine.drive import VirtualDriver
from engine.kernel import Kernel
from engine.message import Message, Told
from engine.supervise import Branch, Child
from model.market import BarClosed, FxRateSeen, Quote, SessionClosed
from ports.feed import FeedPlan, RecordedFeed
from state.lake import Lake
from state.lake.importers import import_folder

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
NS = 10**9
DAY = 86_400 * NS
MAY_1 = 1_682_899_200 * NS  # 2023-05-01 00:00 UTC, a Monday
AT_21 = 21 * 3_600 * NS
AT_2315 = AT_21 + 8_100 * NS

BARS = """product,contract,date,close
FUT,202306,2023-05-01,100
FUT,202306,2023-05-02,101
FUT,202306,2023-05-03,102
FUT,202306,2023-05-04,103
FUT,202309,2023-05-01,110
FUT,202309,2023-05-02,111
FUT,202309,2023-05-03,112
FUT,202309,2023-05-04,113
FUT,202312,2023-05-04,120
"""
SHARE = "product,date,close\nACME,2023-05-01,10\nACME,2023-05-02,11\nACME,2023-05-04,12\n"
ROLLS = "product,session,from_contract,to_contract,decided\nFUT,2023-05-03,202306,202309,2023-05-02\n"
FX = "currency,date,rate\nEUR,2023-05-01,1.25\nEUR,2023-05-02,1.6\nGBP,2023-05-01,1.5\nGBP,2023-05-03,1.2\n"
QUOTES = "instrument,time,bid,ask\nACME,2023-05-02T15:00:00Z,10.9,11.1\nACME,2023-05-04T15:00:00Z,11.9,12.1\n"


class Ear:
    """Hears everything, and is full from message `full_at` on until it is emptied."""

    def __init__(self, full_at: int | None = None) -> None:
        self.heard: list[tuple[str, Message]] = []
        self.full_at = full_at

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        if self.full_at is not None and len(self.heard) >= self.full_at:
            return Told.FULL
        self.heard.append((to, message))
        return Told.OK

    def door(self, to: str) -> Callable[[Message], Told]:
        return partial(self.tell, to)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("feed")
    for name, text in {"bars": BARS, "share": SHARE, "rolls": ROLLS, "fx": FX, "quotes": QUOTES}.items():
        (folder / f"{name}.csv").write_text(text)
        import_folder(folder / f"{name}.csv", folder / "lake")
    return Lake(folder / "lake")


def play(feed: RecordedFeed) -> list[int]:
    """Fire until nothing is left; the times at which it was fired."""
    times: list[int] = []
    while (at_ns := feed.next_ns()) is not None:
        times.append(at_ns)
        feed.fire(at_ns)
    return times


def bars(ear: Ear) -> list[tuple[str, int]]:
    return [(m.instrument, m.session) for _, m in ear.heard if isinstance(m, BarClosed)]


def test_the_held_contract_is_told_every_session_and_its_neighbours_around_the_roll(lake: Lake) -> None:
    ear = Ear()
    play(RecordedFeed(lake=lake, plan=FeedPlan(products=["FUT"], window=1, after=1), outside=ear))
    assert bars(ear) == [
        ("FUT@202306", 20230501),
        ("FUT@202306", 20230502),
        ("FUT@202309", 20230502),
        ("FUT@202306", 20230503),
        ("FUT@202309", 20230503),
        ("FUT@202306", 20230504),
        ("FUT@202309", 20230504),
    ]


def test_bars_of_one_instant_come_by_product_and_contract_and_then_the_session_closes(lake: Lake) -> None:
    ear = Ear()
    times = play(RecordedFeed(lake=lake, plan=FeedPlan(products=["FUT", "ACME"], last=20230501), outside=ear))
    assert [type(m).__name__ for _, m in ear.heard] == ["BarClosed", "BarClosed", "BarClosed", "SessionClosed"]
    assert bars(ear) == [("ACME", 20230501), ("FUT@202306", 20230501), ("FUT@202309", 20230501)]
    assert times == [MAY_1 + AT_21, MAY_1 + AT_2315]
    assert ear.heard[-1][1] == SessionClosed(20230501, MAY_1 + AT_2315, False, 1)
    assert {to for to, _ in ear.heard} == {"market_data"}


def test_nothing_is_told_before_it_is_known(lake: Lake) -> None:
    ear = Ear()
    plan = FeedPlan(products=["FUT", "ACME"], currencies=["EUR", "GBP"], quotes=["ACME"])
    feed = RecordedFeed(lake=lake, plan=plan, outside=ear)
    while (at_ns := feed.next_ns()) is not None:
        before = len(ear.heard)
        feed.fire(at_ns)
        for _, message in ear.heard[before:]:
            assert isinstance(message, BarClosed | FxRateSeen | Quote | SessionClosed)
            assert message.at_ns == at_ns


def test_a_bar_carries_its_prices_exactly(lake: Lake) -> None:
    ear = Ear()
    play(RecordedFeed(lake=lake, plan=FeedPlan(products=["ACME"], first=20230504), outside=ear))
    price = 12 * NS
    assert ear.heard[0] == (
        "market_data",
        BarClosed("ACME", 20230504, price, price, price, price, 0, MAY_1 + 3 * DAY + AT_21, False),
    )


def test_rates_are_crossed_with_the_newest_rate_of_the_base_known_then(lake: Lake) -> None:
    ear = Ear()
    plan = FeedPlan(products=[], currencies=["EUR", "GBP", "USD"], base="EUR")
    play(RecordedFeed(lake=lake, plan=plan, outside=ear))
    rates = [(to, m.currency, m.rate) for to, m in ear.heard if isinstance(m, FxRateSeen)]
    assert rates == [
        ("fx", "GBP", 1_200_000_000),  # 1.5 / 1.25
        ("fx", "USD", 800_000_000),  # 1 / 1.25
        ("fx", "USD", 625_000_000),  # 1 / 1.6
        ("fx", "GBP", 750_000_000),  # 1.2 / 1.6, the euro of the day before
    ]


def test_rates_come_before_bars_and_name_their_source(lake: Lake) -> None:
    ear = Ear()
    play(RecordedFeed(lake=lake, plan=FeedPlan(products=["FUT"], currencies=["EUR"], last=20230501), outside=ear))
    assert [type(m).__name__ for _, m in ear.heard[:2]] == ["FxRateSeen", "BarClosed"]
    first = ear.heard[0][1]
    assert isinstance(first, FxRateSeen)
    assert (first.rate, first.source) == (1_250_000_000, "user file fx.csv")


def test_what_was_known_at_the_start_is_history_and_comes_first(lake: Lake) -> None:
    ear = Ear()
    start = MAY_1 + DAY + AT_2315
    plan = FeedPlan(products=["ACME"], currencies=["EUR"], quotes=["ACME"])
    feed = RecordedFeed(lake=lake, plan=plan, outside=ear, resume_ns=start)
    assert feed.next_ns() == start
    assert feed.send_history() == 0
    old = [m for _, m in ear.heard]
    assert [type(m).__name__ for m in old].count("Quote") == 0
    assert all(m.history for m in old if isinstance(m, BarClosed | FxRateSeen | SessionClosed))
    assert [m.session for m in old if isinstance(m, SessionClosed)] == [20230501, 20230502]
    play(feed)
    new = [m for _, m in ear.heard[len(old) :]]
    assert not any(m.history for m in new if isinstance(m, BarClosed | FxRateSeen | SessionClosed))
    assert [m.session for m in new if isinstance(m, SessionClosed)] == [20230504]
    assert [type(m).__name__ for m in new].count("Quote") == 1


def test_a_feed_resumed_anywhere_tells_the_same_as_one_that_never_stopped(lake: Lake) -> None:
    plan = FeedPlan(products=["FUT", "ACME"], currencies=["EUR", "GBP"])
    whole = Ear()
    play(RecordedFeed(lake=lake, plan=plan, outside=whole))

    def bare(message: Message) -> str:
        return repr(message).replace("history=True", "history=False")

    for start in range(MAY_1, MAY_1 + 4 * DAY, DAY // 4):
        part = Ear()
        play(RecordedFeed(lake=lake, plan=plan, outside=part, resume_ns=start))
        assert [bare(m) for _, m in part.heard] == [bare(m) for _, m in whole.heard]


def test_a_full_mailbox_holds_the_feed_back_and_loses_nothing(lake: Lake) -> None:
    plan = FeedPlan(products=["FUT", "ACME"], currencies=["EUR"])
    free, narrow = Ear(), Ear(full_at=2)
    play(RecordedFeed(lake=lake, plan=plan, outside=free))
    venue: list[Message] = []
    feed = RecordedFeed(lake=lake, plan=plan, outside=narrow, listeners=[venue.append])
    while (at_ns := feed.next_ns()) is not None:
        feed.fire(at_ns)
        narrow.full_at = len(narrow.heard) + 1
    assert narrow.heard == free.heard
    assert venue == [m for _, m in free.heard if isinstance(m, BarClosed)]


def test_history_waits_for_room_too(lake: Lake) -> None:
    narrow = Ear(full_at=3)
    plan = FeedPlan(products=["FUT", "ACME"])
    feed = RecordedFeed(lake=lake, plan=plan, outside=narrow, resume_ns=MAY_1 + 10 * DAY)
    total = feed.left
    assert feed.send_history() == total - 3
    narrow.full_at = None
    feed.fire(MAY_1 + 10 * DAY)
    assert (feed.left, len(narrow.heard), feed.next_ns()) == (0, total, None)


def test_the_venue_hears_each_price_before_the_engine(lake: Lake) -> None:
    order: list[str] = []

    class Engine:
        def tell(self, to: str, message: Message, cause: int = 0) -> Told:
            order.append(f"engine {type(message).__name__}")
            return Told.OK

        def door(self, to: str) -> Callable[[Message], Told]:
            return partial(self.tell, to)

    plan = FeedPlan(products=["ACME"], quotes=["ACME"], first=20230504)
    feed = RecordedFeed(
        lake=lake, plan=plan, outside=Engine(), listeners=[lambda m: order.append(f"venue {type(m).__name__}")]
    )
    play(feed)
    assert order == ["venue Quote", "engine Quote", "venue BarClosed", "engine BarClosed", "engine SessionClosed"]


def test_the_venue_does_not_hear_history(lake: Lake) -> None:
    venue: list[Message] = []
    plan = FeedPlan(products=["ACME"])
    feed = RecordedFeed(lake=lake, plan=plan, outside=Ear(), listeners=[venue.append], resume_ns=MAY_1 + 2 * DAY)
    play(feed)
    assert [m.session for m in venue if isinstance(m, BarClosed)] == [20230504]


def test_cycles_can_have_their_own_dates_and_times(lake: Lake) -> None:
    ear = Ear()
    plan = FeedPlan(products=["ACME"], sessions=[20230502, 20230503], cycle_ns=lambda date: MAY_1 + (date % 100) * DAY)
    play(RecordedFeed(lake=lake, plan=plan, outside=ear))
    closes = [(m.session, m.at_ns) for _, m in ear.heard if isinstance(m, SessionClosed)]
    assert closes == [(20230502, MAY_1 + 2 * DAY), (20230503, MAY_1 + 3 * DAY)]


class Listening(Actor):
    def __init__(self) -> None:
        self.bars = 0
        self.rates = 0
        self.closed = 0

    def on_bar(self, bar: BarClosed) -> None:
        self.bars += 1

    def on_rate(self, rate: FxRateSeen) -> None:
        self.rates += 1

    def on_closed(self, closed: SessionClosed) -> None:
        self.closed += 1


def test_a_history_larger_than_the_mailbox_reaches_a_real_engine_whole(tmp_path: Path) -> None:
    import_folder(SHARED / "futures", tmp_path / "lake", only={"SP500", "GOLD", "EUR"})
    lake = Lake(tmp_path / "lake")
    plan = FeedPlan(products=["SP500", "GOLD"], first=20000101, currencies=["EUR"])
    market, fx = Listening(), Listening()
    kernel = Kernel(clock=VirtualClock(1_600_000_000 * NS))
    kernel.host(Branch("root", (Child("market_data", lambda: market), Child("fx", lambda: fx))))
    kernel.start()
    feed = RecordedFeed(lake=lake, plan=plan, outside=kernel, resume_ns=1_600_000_000 * NS)
    silent = Ear()
    play(RecordedFeed(lake=lake, plan=plan, outside=silent))
    VirtualDriver(kernel, [feed]).run()
    assert market.bars == len(bars(silent)) > 10_000
    assert market.closed == sum(isinstance(m, SessionClosed) for _, m in silent.heard)
    assert fx.rates > 700  # of those before the start only the newest is read: a rate replaces the one before it


@pytest.mark.parametrize("cut", [20080915, 20150115, 20200316])
def test_later_data_changes_nothing_that_was_told_before(cut: int, tmp_path: Path) -> None:
    import_folder(SHARED / "futures", tmp_path / "lake", only={"SP500", "US10", "CRUDE_W", "CORN"})
    lake = Lake(tmp_path / "lake")
    products = ["SP500", "US10", "CRUDE_W", "CORN"]
    whole, short = Ear(), Ear()
    play(RecordedFeed(lake=lake, plan=FeedPlan(products=products, first=cut - 10_000), outside=whole))
    play(RecordedFeed(lake=lake, plan=FeedPlan(products=products, first=cut - 10_000, last=cut), outside=short))
    assert whole.heard[: len(short.heard)] == short.heard
