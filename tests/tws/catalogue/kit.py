"""Catalogues at a moment, and the raw files they are held to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulation.tws.catalogue import Catalogue, Refused
from simulation.tws.terms import Contract, ContractDetails

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
SECOND = 10**9
DAY = 86_400 * SECOND

CatalogueAt = Callable[[str], Catalogue]
"""A catalogue of the shipped instruments at an ISO moment in UTC."""


def at(text: str) -> int:
    """Nanoseconds of an ISO moment in UTC: `2019-06-12T12:00`."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * SECOND


def wanted(**fields: Any) -> Contract:
    return Contract(**fields)


def only(catalogue: Catalogue, **fields: Any) -> ContractDetails:
    """The one answer to a description."""
    (found,) = catalogue.qualify(Contract(**fields))
    return found


def details(catalogue: Catalogue, instrument: str) -> ContractDetails:
    found = catalogue.details(catalogue.con_id_of(instrument))
    assert found is not None
    return found


def refusal(ask: Callable[[], object]) -> tuple[int, str]:
    """Code and text with which a question is refused."""
    try:
        found = ask()
    except Refused as error:
        return error.code, error.text
    raise AssertionError(f"it was answered with {found}")


def code(catalogue: Catalogue, **fields: Any) -> int:
    """The code with which a description is refused."""
    return refusal(lambda: catalogue.qualify(Contract(**fields)))[0]
