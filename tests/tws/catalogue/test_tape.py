"""The market that moves: what is recorded is kept, and what is made up stays inside it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.units import QTY_SCALE, px
from simulation.tws.catalogue import Catalogue, Pace, Record, Tape, Tick
from simulation.tws.catalogue.paths import FEWEST, from_close, path
from tests.tws.catalogue.kit import DAY, SECOND, at, refusal, wanted

NOW = at("2019-06-12T06:00")
"""Before Paris opens at 07:00 UTC."""


def played(record: Record, *names: str, until: str, seed: int = 1, steps: int = 50) -> list[Tick]:
    """Every tick of some instruments from NOW on."""
    tape = Tape(record, NOW, seed=seed, steps=steps)
    told: list[Tick] = []
    tape.listen(told.append)
    for name in names:
        tape.watch(record.catalogue.con_id_of(name))
    tape.fire(at(until))
    return told


@st.composite
def bars(draw: st.DrawFn) -> tuple[int, int, int, int]:
    low = draw(st.integers(-(10**12), 10**12))
    high = low + draw(st.integers(0, 10**11))
    return draw(st.integers(low, high)), high, low, draw(st.integers(low, high))


@given(bars(), st.integers(FEWEST, 60), st.integers(0, 10**6))
def test_a_path_begins_at_the_open_touches_both_extremes_and_ends_at_the_close(
    bar: tuple[int, int, int, int], steps: int, seed: int
) -> None:
    way = path(bar, steps, str(seed))
    opened, high, low, closed = bar
    assert len(way) == steps + 1
    assert way[-1] == closed
    assert (max(way), min(way)) == (high, low)
    assert way[0] == opened if high != low else way == [closed] * (steps + 1)
    assert way == path(bar, steps, str(seed))


def test_another_seed_gives_another_path() -> None:
    bar = (px("10"), px("12"), px("9"), px("11"))
    assert path(bar, 60, "1") != path(bar, 60, "2")


@pytest.mark.parametrize(("bar", "steps"), [((1, 2, 1, 3), 10), ((0, 2, 1, 1), 10), ((1, 2, 1, 2), 3)])
def test_a_bar_that_contradicts_itself_has_no_path(bar: tuple[int, int, int, int], steps: int) -> None:
    with pytest.raises(ValueError, match=r"contradicts itself|at least 4 steps"):
        path(bar, steps, "1")


def test_a_close_alone_is_reached_from_the_close_before() -> None:
    assert from_close(px("10"), px("12")) == (px("12"), px("12"), px("10"), px("10"))
    assert from_close(px("10"), None) == (px("10"),) * 4


def test_a_day_of_ticks_is_its_recorded_bar(record: Record, catalogue: Catalogue) -> None:
    told = played(record, "BNP", until="2019-06-12T23:00")
    daily = record.daily(catalogue.listed(catalogue.con_id_of("BNP")))
    assert daily is not None
    i = daily.session.tolist().index(20190612)
    recorded = tuple(int(column[i]) for column in (daily.open, daily.high, daily.low, daily.close))
    last = told[-1]
    assert (last.open, last.high, last.low, last.last) == recorded
    assert last.volume == int(daily.volume[i])
    assert last.close == int(daily.close[i - 1])
    assert last.bar is not None
    assert (last.bar.session, last.bar.close, last.bar.at_ns) == (20190612, recorded[3], at("2019-06-12T15:30"))
    assert [tick.bar for tick in told[:-1]] == [None] * 50
    assert all(tick.simulated for tick in told)


def test_ticks_come_in_time_inside_the_session_and_the_range(record: Record) -> None:
    told = played(record, "BNP", until="2019-06-12T23:00")
    assert told[0].at_ns == at("2019-06-12T07:00")
    assert told[-1].at_ns == at("2019-06-12T15:30")
    assert all(a.at_ns < b.at_ns for a, b in pairwise(told))
    assert all(told[-1].low <= tick.last <= told[-1].high for tick in told)
    assert sum(tick.last_size for tick in told if tick.volume) == told[-1].volume
    assert all(a.volume <= b.volume for a, b in pairwise(told))


def test_quotes_stand_on_ticks_around_the_trade(record: Record, catalogue: Catalogue) -> None:
    for name in ("BNP", "SP500@201909", "USDJPY", "CORN@201912"):
        one = catalogue.instrument(catalogue.con_id_of(name))
        for tick in played(record, name, until="2019-06-14T00:00"):
            quote = tick.quote
            assert one.on_tick(quote.bid)
            assert one.on_tick(quote.ask)
            assert quote.bid <= tick.last <= quote.ask
            assert quote.bid < quote.ask
            assert quote.bid_size >= QTY_SCALE
            assert quote.ask_size >= QTY_SCALE
            assert quote.instrument == one.id


def test_an_index_has_a_level_and_no_quotes(record: Record) -> None:
    told = played(record, "SPX_INDEX", until="2019-06-12T23:00")
    assert told[-1].last > 0
    assert {(tick.quote.bid_size, tick.quote.ask_size) for tick in told} == {(0, 0)}


def test_a_bar_of_which_only_the_close_is_known_does_not_tell_it_at_the_open(record: Record) -> None:
    told = played(record, "SP500@201909", until="2019-06-12T22:00")
    today = [tick for tick in told if tick.session == 20190612]
    assert today[-1].bar is not None
    assert today[-1].last == today[-1].bar.close != today[-1].close
    assert {tick.open for tick in today} == {today[0].close}


def test_the_same_seed_moves_the_market_the_same_way(record: Record) -> None:
    names = ("BNP", "SP500@201909", "USDJPY")
    assert played(record, *names, until="2019-06-14T00:00") == played(record, *names, until="2019-06-14T00:00")
    other = played(record, *names, until="2019-06-14T00:00", seed=2)
    assert [tick.last for tick in other] != [tick.last for tick in played(record, *names, until="2019-06-14T00:00")]


def test_who_watches_what_changes_nobody_elses_prices(record: Record) -> None:
    alone = played(record, "BNP", until="2019-06-13T23:00")
    among = played(record, "SXRT", "BNP", "USDJPY", until="2019-06-13T23:00")
    assert [tick for tick in among if tick.con_id == alone[0].con_id] == alone


def test_a_look_is_the_tick_that_was_told_last(record: Record, catalogue: Catalogue) -> None:
    for until in ("2019-06-12T07:00", "2019-06-12T11:11", "2019-06-12T15:30", "2019-06-12T22:00", "2019-06-16T12:00"):
        tape = Tape(record, NOW, seed=1, steps=50)
        told: list[Tick] = []
        tape.listen(told.append)
        bnp = catalogue.con_id_of("BNP")
        tape.watch(bnp)
        tape.fire(at(until))
        assert tape.look(bnp) == told[-1]


def test_watching_begins_with_what_is_now(record: Record, catalogue: Catalogue) -> None:
    tape = Tape(record, NOW)
    first = tape.watch(catalogue.con_id_of("BNP"))
    assert first is not None
    assert (first.session, first.at_ns) == (20190611, at("2019-06-11T15:30"))


def test_nothing_recorded_is_no_market_and_an_unknown_id_an_error(record: Record, catalogue: Catalogue) -> None:
    tape = Tape(record, NOW)
    assert tape.watch(catalogue.con_id_of("SMEA")) is None
    assert tape.next_ns() is None
    assert Tape(record, at("1980-01-01T00:00")).look(catalogue.con_id_of("BNP")) is None
    assert refusal(lambda: tape.watch(17))[0] == 200


def test_a_contract_watched_twice_is_told_until_both_have_let_go(record: Record, catalogue: Catalogue) -> None:
    tape, bnp = Tape(record, NOW, steps=50), catalogue.con_id_of("BNP")
    told: list[Tick] = []
    tape.listen(told.append)
    tape.watch(bnp)
    tape.watch(bnp)
    tape.let_go(bnp)
    due_ns = tape.next_ns()
    assert due_ns == at("2019-06-12T07:00")
    tape.fire(due_ns)
    assert len(told) == 1
    tape.let_go(bnp)
    assert tape.next_ns() is None
    tape.let_go(bnp)
    tape.fire(at("2019-06-13T00:00"))
    assert len(told) == 1


def test_a_contract_watched_anew_goes_on_where_the_market_is(record: Record, catalogue: Catalogue) -> None:
    tape, bnp = Tape(record, NOW, seed=1, steps=50), catalogue.con_id_of("BNP")
    told: list[Tick] = []
    tape.listen(told.append)
    tape.watch(bnp)
    tape.let_go(bnp)
    tape.fire(at("2019-06-12T12:00"))
    tape.watch(bnp)
    tape.fire(at("2019-06-12T23:00"))
    assert told[0].at_ns > at("2019-06-12T12:00")
    assert told == [
        tick for tick in played(record, "BNP", until="2019-06-12T23:00") if tick.at_ns > at("2019-06-12T12:00")
    ]


def test_a_listener_that_lets_go_inside_a_tick_is_told_no_more(record: Record, catalogue: Catalogue) -> None:
    tape, bnp = Tape(record, NOW, steps=50), catalogue.con_id_of("BNP")
    told: list[Tick] = []
    tape.listen(told.append)
    tape.listen(lambda tick: tape.let_go(tick.con_id))
    tape.watch(bnp)
    tape.fire(at("2019-06-12T23:00"))
    assert len(told) == 1


def test_recorded_option_quotes_are_told_as_they_are(record: Record, catalogue: Catalogue) -> None:
    option = catalogue.one(
        wanted(symbol="SPX", sec_type="OPT", expiry="20190621", strike=2_900.0, right="C", trading_class="SPX")
    )
    tape = Tape(record, NOW)
    told: list[Tick] = []
    tape.listen(told.append)
    tape.watch(option.con_id)
    tape.fire(at("2019-06-15T00:00"))
    assert [(tick.session, tick.simulated) for tick in told] == [(day, False) for day in (20190612, 20190613)]
    assert [(tick.quote.bid, tick.quote.ask) for tick in told] == [(px("14.1"), px("14.5")), (px("14.5"), px("14.9"))]
    assert told[0].at_ns == at("2019-06-12T20:00")


def test_time_goes_at_its_pace() -> None:
    pace = Pace(NOW, 5 * SECOND, 60)
    assert pace.virtual_ns(6 * SECOND) == NOW + 60 * SECOND
    assert pace.real_ns(NOW + DAY) == 5 * SECOND + 1_440 * SECOND
    assert pace.virtual_ns(pace.real_ns(NOW + 7)) >= NOW + 7


@pytest.mark.parametrize("factor", [0, -1, float("nan")])
def test_a_pace_that_stands_still_is_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="stands still"):
        Pace(NOW, 0, factor)


def test_the_day_so_far_is_a_bar_for_who_keeps_history_up_to_date(record: Record) -> None:
    from simulation.tws.catalogue import History

    told = played(record, "BNP", until="2019-06-12T12:00")
    bar = History(record.catalogue, record).running(told[-1])
    assert bar.date == "20190612"
    assert bar.high == max(tick.last for tick in told) / 1e9
    assert bar.low == min(tick.last for tick in told) / 1e9
    assert (bar.open, bar.close) == (told[0].last / 1e9, told[-1].last / 1e9)
