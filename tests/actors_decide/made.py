"""Short ways to make what the deciding actors hear, and to read what they yield."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

import msgspec

from engine.actor import Actor
from engine.clock import VirtualClock
from engine.effects import Effects, Journal, Tell
from engine.message import Event, Message
from model.decisions import CycleFx, CycleOpened, Denial, ExposureLine, NavMarked, Regime, RegimeDecided
from model.instruments import Instrument, Kind
from model.market import BarClosed, FxRate, FxSnapshot, ProductBar, Quality
from model.orders import Intent, Purpose, Side, intent_id
from model.units import CASH_SCALE, PX_SCALE, QTY_SCALE, px

M = TypeVar("M", bound=Message)
A = TypeVar("A", bound=Actor)
E = TypeVar("E", bound=Event)


def clocked(actor: A) -> A:
    """The actor with a clock, as the kernel would give it."""
    actor.clock = VirtualClock(1)
    return actor


def told(effects: Effects, kind: type[M], to: str = "") -> list[M]:
    """Messages of one kind that were told, to one actor if named."""
    messages = []
    for effect in effects or ():
        if isinstance(effect, Tell) and isinstance(effect.message, kind) and to in ("", effect.to.name):
            messages.append(effect.message)
    return messages


def journalled(effects: Effects, kind: type[E]) -> list[E]:
    return [each.event for each in effects or () if isinstance(each, Journal) and isinstance(each.event, kind)]


def put_away(event: E) -> E:
    """A snapshot as it comes back from the journal."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=type(event))


def future(product: str, currency: str = "USD", multiplier: str = "50") -> Instrument:
    return Instrument(
        id=product, kind=Kind.FUTURE, venue="SIM", currency=currency, calendar="X", multiplier=Decimal(multiplier)
    )


def fund(product: str, currency: str = "GBP") -> Instrument:
    return Instrument(id=product, kind=Kind.ETF, venue="LSE", currency=currency, calendar="X")


def closed(instrument: str, session: int, close: str, history: bool = False) -> BarClosed:
    price = px(close)
    return BarClosed(instrument, session, price, price, price, price, 0, session, history)


def product_bar(product: str, session: int, price: str, quality: Quality = Quality.GOOD) -> ProductBar:
    level = px(price)
    return ProductBar(product, product, session, level, level, level, level, quality, session)


def cycle(
    session: int,
    *,
    number: int = 1,
    degraded: dict[str, Quality] | None = None,
    rates: dict[str, tuple[str, Quality]] | None = None,
) -> CycleFx:
    """A cycle in dollars."""
    opened = CycleOpened(f"{session}.{number}.test", "test", session, number, session, "", degraded or {}, {}, {})
    quotes = {"USD": FxRate("USD", PX_SCALE, "identity", session, Quality.GOOD)}
    for currency, (rate, quality) in (rates or {}).items():
        quotes[currency] = FxRate(currency, px(rate), "test", session, quality)
    return CycleFx(opened, FxSnapshot("USD", quotes, session))


def nav(
    session: int,
    money: int,
    *,
    number: int = 1,
    gross: int = 0,
    positions: dict[str, tuple[int, str]] | None = None,
    prices: dict[str, str] | None = None,
    flows: int = 0,
) -> NavMarked:
    """positions: contract to (units, price)."""
    lines = tuple(
        ExposureLine(name, units * QTY_SCALE, px(price), Quality.GOOD, "USD", 0, {"trend": units * QTY_SCALE})
        for name, (units, price) in (positions or {}).items()
    )
    return NavMarked(
        f"{session}.{number}.test",
        session,
        money * CASH_SCALE,
        {"USD": money * CASH_SCALE},
        gross * CASH_SCALE,
        0,
        lines,
        {},
        {},
        (),
        session,
        {name: px(price) for name, price in (prices or {}).items()},
        flows * CASH_SCALE,
    )


def regime(session: int, name: Regime = Regime.NORMAL, number: int = 1) -> RegimeDecided:
    return RegimeDecided(f"{session}.{number}.test", session, name, name, 0, (), "", {}, session)


def intent(
    instrument: str,
    units: int,
    price: str = "100",
    *,
    purpose: Purpose = Purpose.REBALANCE,
    reduces: bool = False,
    pair: str = "",
    run: str = "20240102.1.test",
    attempt: int = 0,
    limit: str = "0",
) -> Intent:
    """units: signed."""
    side = Side.BUY if units > 0 else Side.SELL
    quantity = abs(units) * QTY_SCALE
    return Intent(
        id=intent_id(run, instrument, side, quantity, "trend", 0, attempt),
        run_id=run,
        instrument=instrument,
        side=side,
        quantity=quantity,
        purpose=purpose,
        shares=(),
        reference=px(price),
        limit=px(limit),
        pair=pair,
        reduces=reduces,
    )


def codes(denials: Iterable[Denial]) -> list[str]:
    return [denial.code for denial in denials]
