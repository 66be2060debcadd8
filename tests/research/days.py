"""Books of a few days, made of whole amounts that a reader can check in the head."""

from __future__ import annotations

from collections.abc import Sequence

from model.decisions import DayMarked
from model.units import cash

FIRST_SESSIONS = (20240102, 20240103, 20240104, 20240105, 20240108, 20240109, 20240110, 20240111)


def book(
    session: int, nav: str, *, traded: str = "0", fees: str = "0", gross: str = "0", flows: str = "0",
    open_value: str = "0", sleeves: dict[str, str] | None = None, growth: float = 1.0,
) -> DayMarked:  # fmt: skip
    """One day; `fees` and `flows` are totals since the start, `traded` is the day's own."""
    return DayMarked(
        session=session,
        nav=cash(nav),
        cash_base=cash(nav) - cash(open_value),
        open_value=cash(open_value),
        fees_total=cash(fees),
        variation_total=0,
        fx_total=0,
        financing_total=0,
        gross=cash(gross),
        net=0,
        cash={"EUR": cash(nav)},
        positions={},
        sleeve_pnl={name: cash(amount) for name, amount in (sleeves or {}).items()},
        traded_notional=cash(traded),
        at_ns=0,
        flows_total=cash(flows),
        twr_index=growth,
    )


def record(*navs: str) -> Sequence[DayMarked]:
    return [book(session, nav) for session, nav in zip(FIRST_SESSIONS, navs, strict=False)]
