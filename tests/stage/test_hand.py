"""What a venue does unasked on the stage, and what becomes of an engine that stands still or gives up."""

from __future__ import annotations

import pytest

from engine.errors import JournalError
from engine.notices import Happened
from model.decisions import Mode
from model.orders import CancelAtVenue, Fill, Filled
from model.units import QTY_SCALE
from simulation.stage import Stage
from state.journal import MemoryJournal
from state.order_law import OrderState


def _bought(stage: Stage, units: int = 100) -> str:
    """Buy ALPHA and say which execution it was."""
    stage.want("ALPHA", units)
    stage.decide()
    stage.run("3m")
    return stage.venue.exchange.desk.fills[-1].exec_id


def test_a_busted_execution_leaves_book_and_venue_without_the_position_and_its_cash() -> None:
    with Stage(seed=7) as stage:
        before = dict(stage.venue.exchange.account.cash)
        stage.venue.bust(_bought(stage))
        stage.run("6m")
        assert stage.positions == {}
        assert stage.venue.exchange.snapshot("s", 0).positions == ()
        assert stage.venue.exchange.account.cash == before == stage.actor("portfolio").books.cash


def test_a_corrected_price_moves_the_cash_of_book_and_venue_alike() -> None:
    with Stage(seed=7) as stage:
        execution = _bought(stage)
        paid = stage.venue.exchange.account.cash["USD"]
        fill = stage.venue.exchange.desk.fills[-1]
        stage.venue.correct(execution, fill.quantity, fill.price + 10**9)
        stage.run("6m")
        assert stage.venue.exchange.account.cash["USD"] == paid - 100 * 10**6
        assert stage.actor("portfolio").books.cash["USD"] == paid - 100 * 10**6
        assert stage.positions == {"ALPHA": 100}


def test_an_execution_is_corrected_once() -> None:
    with Stage(seed=7) as stage:
        execution = _bought(stage)
        stage.venue.bust(execution)
        with pytest.raises(ValueError, match="was corrected before"):
            stage.venue.bust(execution)
        with pytest.raises(LookupError, match="no execution 'x-none'"):
            stage.venue.bust("x-none")


def test_an_order_refused_after_its_acknowledgement_ends_rejected() -> None:
    with Stage(seed=7) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.tape.size = 10 * 10**8
        stage.run("62s")
        order = stage.orders.one()
        assert (order.state, stage.venue.refuse_late(order.spec.client_id)) == (OrderState.WORKING, True)
        stage.run("1s")
        assert (stage.orders.one().state, stage.positions) == (OrderState.REJECTED, {"ALPHA": 10})
        assert not stage.venue.refuse_late(order.spec.client_id)


def test_a_name_that_the_venue_uses_again_confuses_no_two_orders() -> None:
    with Stage(seed=7) as stage:
        _bought(stage)
        first = stage.orders.one()
        stage.venue.name_again(first.venue_id)
        stage.want("BETA", 50, sleeve="two")
        stage.decide()
        stage.run("3m")
        second = stage.orders.of("BETA").one()
        assert second.venue_id == first.venue_id
        assert [order.filled for order in stage.orders] == [100 * 10**8, 50 * 10**8]
        assert stage.positions == {"ALPHA": 100, "BETA": 50}


def test_what_another_hand_trades_is_in_the_books_and_belongs_to_no_sleeve() -> None:
    with Stage(seed=7) as stage:
        stage.run("2m")
        stage.venue.trade_by_hand("BETA", -5, "manual-1")
        stage.run("1m")
        assert stage.positions == {"BETA": -5}
        filled = [row.event for row in stage.rows if isinstance(row.event, Filled)]
        assert [share.sleeve for each in filled for share in each.shares] == ["foreign"]


def test_a_position_that_came_without_a_trade_is_locked_and_not_traded_away() -> None:
    with Stage(seed=7) as stage:
        stage.run("2m")
        stage.venue.transfer("BETA", 7, 50 * 10**9)
        stage.run("10m")
        assert "BETA" in stage.actor("system").locked
        assert [each.instrument for each in stage.venue.exchange.snapshot("s", 0).positions] == ["BETA"]
        assert stage.wire[-1].message.__class__.__name__ == "RequestSnapshot"


def test_a_short_that_came_without_a_trade_pays_its_loan_from_that_day_on() -> None:
    with Stage(seed=7) as stage:
        stage.run("2m")
        stage.venue.transfer("BETA", -7, 50 * 10**9)
        stage.run("1d")
        assert stage.venue.exchange.account.markets["BETA"].accrued == 20_240_101


def test_a_frozen_process_hears_afterwards_what_came_meanwhile() -> None:
    with Stage(seed=7) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("59s")
        stage.freeze("5m")
        stage.run("2m")
        assert stage.positions == {"ALPHA": 100}
        assert (stage.mode, stage.venue.exchange.duplicates) == (Mode.TRADING, 0)


def test_an_actor_that_raised_is_rebuilt_from_the_journal_and_takes_the_fill_that_it_fell_over() -> None:
    with Stage(seed=7) as stage:
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("58s")
        assert stage.life is not None
        table = stage.life.kernel.ref("orders").cell.table

        def raises(fill: Fill) -> None:
            raise RuntimeError("a slip")

        table[Fill] = raises
        stage.run("2m")
        assert next(notice.who for notice in stage.notices if notice.happened is Happened.RESTARTED) == "orders"
        assert (stage.stops, stage.positions) == ([], {"ALPHA": 100})


class _Full(MemoryJournal):
    """A disk that is full for one commit."""

    full = False

    def commit(self) -> None:
        if self.full:
            self.full = False
            raise JournalError("the disk is full")
        super().commit()


def test_an_engine_that_stops_of_its_own_accord_is_started_again() -> None:
    disk = _Full()
    with Stage(seed=7, journal=disk) as stage:
        disk.full = True
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("10s")
        assert [str(stop) for stop in stage.stops] == ["the disk is full"]
        assert stage.mode is Mode.TRADING
        stage.decide()
        stage.run("5m")
        assert stage.positions == {"ALPHA": 100}


def test_a_cancel_that_was_lost_with_the_link_is_asked_again_when_it_is_back() -> None:
    with Stage(seed=7) as stage:
        stage.tape.size = QTY_SCALE
        stage.want("ALPHA", 100)
        stage.decide()
        stage.run("2m")
        stage.venue.drop_next("CancelAtVenue")
        stage.halt()
        stage.run("1s")
        stage.venue.disconnect()
        stage.run("10s")
        assert stage.orders.one().state is OrderState.WORKING
        stage.venue.reconnect()
        stage.run("5s")
        assert stage.orders.one().state is OrderState.CANCELLED
        assert len([each for each in stage.wire if isinstance(each.message, CancelAtVenue)]) == 2
