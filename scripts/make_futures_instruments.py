"""Write config/instruments/futures.yaml from the static facts of the futures data set.

Usage: python scripts/make_futures_instruments.py FOLDER [OUTPUT]; FOLDER holds instruments.csv and contracts.parquet.

Taken: every instrument of the core set that has contracts, and the small contracts that hedges need. Ticks come from
the exchanges' contract specifications; margins are round figures by asset class.
"""

from __future__ import annotations

import csv
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet

EXTRAS = frozenset(
    {"EUR_micro", "GBP_micro", "AUD_micro", "JPY_mini", "SP500_micro", "NASDAQ_micro", "CRUDE_W_micro", "AEX_mini"}
)

# Smallest price step in the units of the data. Contracts that are not here have steps too, of a size not verified.
TICKS: dict[str, str] = {
    **dict.fromkeys(("SP500", "SP500_micro", "NASDAQ", "NASDAQ_micro"), "0.25"),
    **dict.fromkeys(("DOW", "EUROSTX", "DAX", "IBEX", "HANG", "FTSECHINAA", "SMI"), "1"),
    **dict.fromkeys(("SP400", "RUSSELL", "EURO600", "EUROSTX-SMALL", "DJSTX-SMALL", "EU-MID", "MSCIEAFA"), "0.1"),
    **dict.fromkeys(("EU-AUTO", "EU-BASIC", "EU-HEALTH", "EU-MEDIA", "EU-OIL", "EU-REALESTATE", "EU-TECH"), "0.1"),
    **dict.fromkeys(("EU-TRAVEL", "EU-UTILS", "EU-DJ-OIL", "EU-DJ-TECH", "EU-DJ-TELECOM", "EU-DJ-UTIL"), "0.1"),
    **dict.fromkeys(("EU-BANKS", "MSCISING", "VIX", "V2X", "US-FINANCE", "KOSPI", "COFFEE", "GICS", "IRON"), "0.05"),
    **dict.fromkeys(("EU-DIV30", "FTSE100", "JP-REALESTATE"), "0.5"),
    **dict.fromkeys(("NIKKEI", "NIKKEI400", "BITCOIN"), "5"),
    **dict.fromkeys(("CAC", "PALLAD"), "0.5"),
    **dict.fromkeys(("AEX_mini",), "0.05"),
    **dict.fromkeys(("TOPIX",), "0.25"),
    **dict.fromkeys(("MUMMY", "COCOA", "COCOA_LDN", "ROBUSTA"), "1"),
    **dict.fromkeys(("US2",), "0.00390625"),
    **dict.fromkeys(("US5",), "0.0078125"),
    **dict.fromkeys(("US10",), "0.015625"),
    **dict.fromkeys(("US20", "US30"), "0.03125"),
    **dict.fromkeys(("BUND", "BOBL", "OAT", "BTP", "BTP3", "BONO", "CH10", "GILT", "JGB", "CAD10"), "0.01"),
    **dict.fromkeys(("SHATZ", "EURIBOR", "SOFR", "RICE"), "0.005"),
    **dict.fromkeys(("BUXL",), "0.02"),
    **dict.fromkeys(("EUR", "AUD", "NZD", "CHF", "EURCHF", "GBPEUR"), "0.00005"),
    **dict.fromkeys(("EUR_micro", "GBP", "GBP_micro", "AUD_micro", "CNH"), "0.0001"),
    **dict.fromkeys(("JPY",), "0.0000005"),
    **dict.fromkeys(("JPY_mini",), "0.000001"),
    **dict.fromkeys(("MXP", "SEK", "NOK"), "0.00001"),
    **dict.fromkeys(("ZAR",), "0.000025"),
    **dict.fromkeys(("CZK",), "0.000002"),
    **dict.fromkeys(("YENEUR", "CRUDE_W", "CRUDE_W_micro", "BRENT_W", "SOYOIL", "SUGAR11", "COTTON2", "MILK"), "0.01"),
    **dict.fromkeys(("HEATOIL",), "0.0001"),
    **dict.fromkeys(("GAS_US", "CHEESE"), "0.001"),
    **dict.fromkeys(("GOLD", "PLAT", "SOYMEAL", "CANOLA"), "0.1"),
    **dict.fromkeys(("COPPER",), "0.0005"),
    **dict.fromkeys(("CORN", "WHEAT", "REDWHEAT", "SOYBEAN", "OATIES", "MILLWHEAT"), "0.25"),
    **dict.fromkeys(("LIVECOW", "LEANHOG", "FEEDCOW"), "0.025"),
}  # fmt: skip

# Share of notional that a clearing house asks, to the nearest round figure; a venue's own figure wins over it.
MARGINS = {
    "equity": "0.08",
    "eu_sector": "0.09",
    "us_sector": "0.09",
    "vol": "0.40",
    "bond": "0.03",
    "stir": "0.005",
    "fx": "0.04",
    "energy": "0.12",
    "metal": "0.08",
    "ags": "0.08",
    "crypto": "0.40",
    "other": "0.10",
}

CALENDAR_OF_EXCHANGE = {
    "EUREX": "EUREX", "CFE": "CFE", "ICEEU": "LSE", "ICEEUSOFT": "ICE_EUROPE", "IPE": "ICE_EUROPE", "NYBOT": "ICE_US",
    "NYSELIFFE": "ICE_US", "SGX": "SGX", "HKFE": "HKEX", "OSE.JPN": "JPX", "KSE": "KRX", "CDE": "TSX", "MEFFRV": "XMAD",
    "MONEP": "XPAR", "MATIF": "XPAR", "FTA": "XAMS", "IDEM": "XMIL", "COMEX": "CME_METALS",
}  # fmt: skip

# What one unit of a currency future buys; its price is in the instrument's currency.
BUYS = {
    **{name: name for name in ("AUD", "CHF", "EUR", "GBP", "JPY", "NZD", "NOK", "SEK", "ZAR", "CZK", "CLP", "INR")},
    "EUR_micro": "EUR",
    "GBP_micro": "GBP",
    "AUD_micro": "AUD",
    "JPY_mini": "JPY",
    "MXP": "MXN",
    "CNH": "USD",
    "EURCHF": "EUR",
    "GBPEUR": "EUR",
    "YENEUR": "EUR",
}

CALENDAR_OF_GROUP = {
    "bond": "CME_RATES",
    "stir": "CME_RATES",
    "fx": "CME_FX",
    "energy": "CME_ENERGY",
    "metal": "CME_METALS",
    "crypto": "CME_CRYPTO",
}

HEADER = """\
# Futures of the replay, written by scripts/make_futures_instruments.py: change that, not this.
#
# price data: pysystemtrade (R. Carver), GPL-3.0
#
# multiplier is money for 1.0 of the price as the data quotes it: grains are in cents a bushel, so CORN is 50, and
# price_magnifier is 1. Ticks are the exchanges'; recorded closes are not always on them, and the simulated exchange
# then rounds the fill against us. Products without a tick trade in steps not verified here: 1e-9 is used.
# half_spread and commission are one figure, not a history. initial_margin_share is a round figure by asset class.
instruments:
"""


def main(arguments: list[str]) -> None:
    """Write the file and say how many instruments it has."""
    folder = Path(arguments[0])
    output = Path(arguments[1] if len(arguments) > 1 else "config/instruments/futures.yaml")
    with (folder / "instruments.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    named = pyarrow.parquet.read_table(folder / "contracts.parquet", columns=["instrument"]).column("instrument")
    recorded = set(named.unique().to_pylist())
    chosen = [row for row in rows if row["instrument"] in recorded and wanted(row)]
    output.write_text(HEADER + "".join(entry(row) for row in chosen), encoding="utf-8")
    print(f"{len(chosen)} instruments in {output}, {sum(row['instrument'] in TICKS for row in chosen)} with a tick")


def wanted(row: dict[str, str]) -> bool:
    return row["core"] == "True" or row["instrument"] in EXTRAS


def entry(row: dict[str, str]) -> str:
    """One instrument as four lines."""
    name = row["instrument"]
    more = f" tick: {TICKS[name]}," if name in TICKS else ""
    more += f" underlying: {BUYS[name]}," if name in BUYS else ""
    charges = {
        "per_unit": number(row["commission_per_contract"]),
        "notional_share": number(row["commission_pct"]),
        "per_order": number(row["commission_per_trade"]),
    }
    commission = ", ".join(f"{key}: {value}" for key, value in charges.items() if value != "0") or "per_unit: 0"
    lines = (
        f"- {{id: {name}, kind: future, venue: {row['ib_exchange']}, symbol: {row['ib_symbol']}, "
        f"currency: {row['currency']}, calendar: {calendar(row)},",
        f'   name: "{row["description"]}", asset_class: {row["group"]}, multiplier: {number(row["point_size"])},{more}',
        f"   half_spread: {number(row['half_spread'])}, initial_margin_share: {MARGINS[row['group']]}, "
        f"commission: {{{commission}}},",
        f"   roll: {{hold_cycle: {row['hold_cycle']}, offset_days: {row['roll_offset_days']}, "
        f"expiry_offset_days: {row['expiry_offset_days']}}}}}",
    )
    return "".join(f"  {line}\n" for line in lines)


def calendar(row: dict[str, str]) -> str:
    """The sessions of the exchange, and on the Chicago exchanges of the product."""
    exchange, group = row["ib_exchange"], row["group"]
    if exchange == "EUREX" and group in ("bond", "stir"):
        return "EUREX_BOND"
    if exchange in CALENDAR_OF_EXCHANGE:
        return CALENDAR_OF_EXCHANGE[exchange]
    if row["instrument"] in ("LIVECOW", "FEEDCOW", "LEANHOG"):
        return "CME_LIVESTOCK"
    if group == "ags" and exchange == "CBOT":
        return "CME_GRAINS"
    return CALENDAR_OF_GROUP.get(group, "CME_EQUITY")


def number(text: str) -> str:
    """A figure as the source means it, in ten digits: 0.00022999999999 is 0.00023. Never in exponents."""
    value = Decimal(f"{float(text):.10g}")
    return f"{value.normalize():f}"


if __name__ == "__main__":
    main(sys.argv[1:])
