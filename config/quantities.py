"""The scalar types of the schema: every number is finite and bounded, and knows its unit."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

UNIT_HINTS = {
    "share": "a share is written 0.12 for 12 %",
    "share_annual": "a share a year is written 0.12 for 12 %",
    "bps": "basis points: 10 is 0.1 %",
    "s": "seconds",
    "days": "days",
    "sessions": "trading sessions",
    "base": "whole units of the program's base currency",
    "ratio": "a plain factor: 1 changes nothing",
    "level": "index points, as quoted",
    "rows": "rows",
    "count": "a count",
    "port": "a TCP port",
    "mib": "mebibytes",
    "session": "a date as yyyymmdd",
    "sigma": "standard deviations",
}


def _meta(unit: str, *, ge: float, le: float) -> Meta:
    return Meta(ge=ge, le=le, extra={"unit": unit})


Share = Annotated[float, _meta("share", ge=0, le=1)]
SignedShare = Annotated[float, _meta("share", ge=-1, le=1)]
AnnualShare = Annotated[float, _meta("share_annual", ge=0.001, le=2)]
Bps = Annotated[float, _meta("bps", ge=0, le=2_000)]
Seconds = Annotated[float, _meta("s", ge=0, le=31 * 86_400)]
PositiveSeconds = Annotated[float, _meta("s", ge=0.001, le=31 * 86_400)]
Window = Annotated[int, _meta("sessions", ge=1, le=10_000)]
SessionCount = Annotated[int, _meta("sessions", ge=0, le=10_000)]
Factor = Annotated[float, _meta("ratio", ge=0, le=20)]
SignedFactor = Annotated[float, _meta("ratio", ge=-20, le=20)]
UnitJump = Annotated[int, _meta("ratio", ge=2, le=1_000)]
Level = Annotated[float, _meta("level", ge=0, le=500)]
Sigma = Annotated[float, _meta("sigma", ge=1, le=100)]
Count = Annotated[int, _meta("count", ge=0, le=1_000_000)]
Rows = Annotated[int, _meta("rows", ge=1, le=100_000_000)]
Amount = Annotated[int, _meta("base", ge=0, le=10**12)]
Capital = Annotated[int, _meta("base", ge=1, le=10**12)]
TcpPort = Annotated[int, _meta("port", ge=0, le=65_535)]
Mebibytes = Annotated[int, _meta("mib", ge=1, le=1_000_000)]
SessionDate = Annotated[int, _meta("session", ge=1970_01_01, le=2100_12_31)]

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,47}$", extra={"form": "letters, digits, - _ or ."})]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", extra={"form": "three capital letters, such as EUR"})]
UtcTime = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", extra={"form": 'a quoted UTC time of day, such as "21:30"'})
]
Name = Annotated[str, Meta(min_length=1, max_length=200, extra={"form": "a text that is not empty"})]
PathText = Annotated[str, Meta(min_length=1, max_length=1_000, extra={"form": "a path"})]
SecretRef = Annotated[
    str,
    Meta(
        pattern=r"^secret://(env/[A-Za-z_][A-Za-z0-9_]*|file/.+)$",
        extra={"form": "secret://env/NAME or secret://file/PATH"},
    ),
]
