"""How the world of the protocol calls what Hedgerow trades, as tables.

Exchanges are named as since 2022 (CME, CBOT, EUREX). Trading classes are the exchanges' own product codes; a product
that is not in CLASSES has its symbol for a class, which holds for most and is verified for none. Local symbols of
Eurex and the markets of BY_WORD are written `FESX DEC 26`, all others `ESZ6`.
"""

from __future__ import annotations

MONTH_LETTERS = "FGHJKMNQUVXZ"
MONTH_WORDS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

SMART = "SMART"

AMERICAN = ("ARCA", "NASDAQ", "NYSE", "BATS", "IEX")

ROUTES: dict[str, tuple[str, ...]] = {
    "ARCA": (SMART, *AMERICAN),
    "NASDAQ": (SMART, *AMERICAN),
    "NYSE": (SMART, *AMERICAN),
    "BATS": (SMART, *AMERICAN),
    "LSE": (SMART, "LSE"),
    "LSEETF": (SMART, "LSEETF"),
    "IBIS": (SMART, "IBIS"),
    "SBF": (SMART, "SBF"),
    "IDEALPRO": ("IDEALPRO",),
}
"""Primary exchange -> where an order may be sent. A stock line elsewhere has SMART and its own exchange."""

CLASSES: dict[tuple[str, str], str] = {
    ("CFE", "VIX"): "VX",
    ("CME", "AUD"): "6A",
    ("CME", "CAD"): "6C",
    ("CME", "CHF"): "6S",
    ("CME", "EUR"): "6E",
    ("CME", "GBP"): "6B",
    ("CME", "JPY"): "6J",
    ("CME", "MXP"): "6M",
    ("CME", "NZD"): "6N",
    ("CME", "ZAR"): "6Z",
    ("CME", "GSCI"): "GD",
    ("CME", "SOFR3"): "SR3",
    ("CBOT", "AIGCI"): "AW",
    ("EUREX", "BTP"): "FBTP",
    ("EUREX", "BTS"): "FBTS",
    ("EUREX", "DAX"): "FDAX",
    ("EUREX", "DJ200"): "FMCP",
    ("EUREX", "DJ200S"): "FSCP",
    ("EUREX", "DJ600"): "FXXP",
    ("EUREX", "DJESS"): "FSCE",
    ("EUREX", "DJSD"): "FEDV",
    ("EUREX", "ESE"): "FESE",
    ("EUREX", "ESTX50"): "FESX",
    ("EUREX", "ESU"): "FESU",
    ("EUREX", "EU3"): "FEU3",
    ("EUREX", "GBL"): "FGBL",
    ("EUREX", "GBM"): "FGBM",
    ("EUREX", "GBS"): "FGBS",
    ("EUREX", "GBX"): "FGBX",
    ("EUREX", "OAT"): "FOAT",
    ("EUREX", "SMI"): "FSMI",
    ("EUREX", "SMIM"): "FSMM",
    ("EUREX", "SX6P"): "FSTU",
    ("EUREX", "SX7E"): "FESB",
    ("EUREX", "SX86P"): "FSTL",
    ("EUREX", "SX8E"): "FESY",
    ("EUREX", "SX8P"): "FSTY",
    ("EUREX", "SXAP"): "FSTA",
    ("EUREX", "SXDP"): "FSTH",
    ("EUREX", "SXEP"): "FSTE",
    ("EUREX", "SXKE"): "FEST",
    ("EUREX", "SXMP"): "FSTM",
    ("EUREX", "SXPP"): "FSTS",
    ("EUREX", "SXTP"): "FSTV",
    ("EUREX", "V2TX"): "FVS",
    ("MONEP", "CAC40"): "FCE",
}
"""(exchange, symbol) of a future -> trading class."""

CLASSES_BY_MULTIPLIER: dict[tuple[str, str, str], str] = {
    ("EUREX", "DAX", "5"): "FDXM",
    ("EUREX", "DAX", "1"): "FDXS",
    ("CFE", "VIX", "100"): "VXM",
}
"""Sisters that share a symbol and differ by multiplier."""

BY_WORD = ("EUREX",)

MAGNIFIED: dict[tuple[str, str], int] = {
    ("ICEEU", "Z"): 100,
    ("CME", "SIR"): 10_000,
    ("SGX", "KU"): 1_000,
    ("CBOT", "ZC"): 100,
    ("CBOT", "ZW"): 100,
    ("CBOT", "KE"): 100,
    ("CBOT", "ZS"): 100,
    ("CBOT", "ZL"): 100,
    ("CBOT", "ZO"): 100,
    ("NYBOT", "KC"): 100,
    ("NYBOT", "SB"): 100,
    ("NYBOT", "CT"): 100,
    ("CME", "HE"): 100,
    ("CME", "LE"): 100,
    ("CME", "GF"): 100,
}
"""Futures quoted in hundredths (or smaller parts) of the currency. The house keeps the quoted price and divides the
multiplier; the protocol keeps the multiplier and names this divisor: value = price x multiplier / magnifier."""

INDICES: dict[str, tuple[str, str]] = {
    "SPX_INDEX": ("SPX", "CBOE"),
    "VIX_INDEX": ("VIX", "CBOE"),
    "VIX3M_INDEX": ("VIX3M", "CBOE"),
    "VVIX_INDEX": ("VVIX", "CBOE"),
    "SX5E_INDEX": ("ESTX50", "EUREX"),
    "SX7E_INDEX": ("SX7E", "EUREX"),
    "SXXP_INDEX": ("DJ600", "EUREX"),
    "V2TX_INDEX": ("V2TX", "EUREX"),
    "DAX_INDEX": ("DAX", "EUREX"),
}
"""Instrument id -> (symbol, exchange). Another index keeps its id and venue."""

ZONES: dict[str, str] = {
    "NYSE": "US/Eastern",
    "NASDAQ": "US/Eastern",
    "24x5": "US/Eastern",
    "ICE_US": "US/Eastern",
    "TSX": "US/Eastern",
    "CFE": "US/Central",
    "CME_EQUITY": "US/Central",
    "CME_RATES": "US/Central",
    "CME_FX": "US/Central",
    "CME_ENERGY": "US/Eastern",
    "CME_METALS": "US/Eastern",
    "CME_GRAINS": "US/Central",
    "CME_LIVESTOCK": "US/Central",
    "CME_CRYPTO": "US/Central",
    "ICE_EUROPE": "GB-Eire",
    "LSE": "GB-Eire",
    "XETR": "MET",
    "EUREX": "MET",
    "EUREX_BOND": "MET",
    "XPAR": "MET",
    "XAMS": "MET",
    "XMAD": "MET",
    "XMIL": "MET",
    "XSWX": "MET",
    "HKEX": "Hongkong",
    "JPX": "Japan",
    "SGX": "Singapore",
    "KRX": "Asia/Seoul",
}
"""Calendar -> the zone in which hours are told; UTC for the rest."""

LIQUID: dict[str, tuple[str, str]] = {
    "CME_EQUITY": ("08:30", "16:00"),
    "CME_GRAINS": ("08:30", "13:20"),
}
"""Calendar -> the local hours told as liquid, where they are shorter than the session."""

_COMMON = "LMT,MKT,STP,STPLMT,TRAIL,DAY,GTC,GTD,IOC,FOK,OCA,WHATIF"
ORDER_TYPES: dict[str, str] = {
    "AMERICAN": f"ALGO,LOC,MOC,MTL,OPG,{_COMMON}",
    "EUROPEAN": f"ALGO,AUC,MTL,OPG,{_COMMON}",
    "FUT": f"ALGO,MTL,{_COMMON}",
    "CASH": _COMMON,
    "OPT": "LMT,MKT,STP,STPLMT,TRAIL,DAY,GTC,GTD,IOC,OCA,WHATIF",
    "FOP": "LMT,MKT,STP,STPLMT,TRAIL,DAY,GTC,GTD,IOC,OCA,WHATIF",
    "IND": "",
    "CONTFUT": "",
}
"""Which orders a contract takes. AMERICAN and EUROPEAN: stocks and funds by where they are listed."""


def trading_class(exchange: str, symbol: str, multiplier: str) -> str:
    """The class of a future."""
    by_multiplier = CLASSES_BY_MULTIPLIER.get((exchange, symbol, multiplier))
    return by_multiplier or CLASSES.get((exchange, symbol), symbol)


def local_symbol(exchange: str, code: str, month: int) -> str:
    """`ESZ6`, or `FESX DEC 26` where the market writes words. month: yyyymm."""
    year, number = divmod(month, 100)
    if exchange in BY_WORD:
        return f"{code} {MONTH_WORDS[number - 1]} {year % 100:02d}"
    return f"{code}{MONTH_LETTERS[number - 1]}{year % 10}"
