"""Currency pairs that a lake with rates of exchange lets the gateway list, written as the market writes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from model.instruments import Commission, Instrument, Kind, TickStep

PAIRS = (
    "EURUSD", "GBPUSD", "AUDUSD", "NZDUSD", "USDJPY", "USDCHF", "USDCAD", "USDSEK", "USDNOK", "USDDKK", "USDPLN",
    "USDCZK", "USDHUF", "USDHKD", "USDSGD", "USDMXN", "USDZAR", "USDCNH", "EURGBP", "EURCHF", "EURJPY", "EURSEK",
    "EURNOK", "GBPCHF",
)  # fmt: skip
"""Base and quote."""

FEES = Commission(share_of_notional=Decimal("0.00002"), per_order=Decimal(2))


def listed_pairs(instruments: Mapping[str, Instrument], currencies: Collection[str]) -> dict[str, Instrument]:
    """Pairs of currencies that have rates and that no instrument is yet, by id such as `EURGBP`."""
    known = {*currencies, "USD"}
    taken = {one.symbol + one.currency for one in instruments.values() if one.kind is Kind.FX_SPOT}
    return {
        pair: _instrument(pair)
        for pair in PAIRS
        if pair not in instruments and pair not in taken and {pair[:3], pair[3:]} <= known
    }


def _instrument(pair: str) -> Instrument:
    yen = pair.endswith("JPY")
    return Instrument(
        id=pair,
        kind=Kind.FX_SPOT,
        venue="IDEALPRO",
        currency=pair[3:],
        calendar="24x5",
        name=f"{pair[:3]} in {pair[3:]}",
        symbol=pair[:3],
        asset_class="fx",
        underlying=pair[:3],
        ticks=(TickStep(Decimal(0), Decimal("0.005" if yen else "0.00005")),),
        half_spread=Decimal("0.002" if yen else "0.00002"),
        commission=FEES,
    )
