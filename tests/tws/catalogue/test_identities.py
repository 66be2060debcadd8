"""Contract ids: the same for ever, different for everything."""

from __future__ import annotations

import hashlib

import pytest

from model.instruments import Instrument
from simulation.tws.catalogue import Catalogue, identity
from tests.tws.catalogue.kit import CatalogueAt, at, refusal


def digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[16:24], "big")


def test_the_id_of_a_stock_is_the_digest_of_its_name(catalogue: Catalogue) -> None:
    assert catalogue.con_id_of("CSPX") == (digest("etf:CSPX") % (2**18 - 1) + 1) * 4096


def test_the_id_of_a_future_counts_months_from_1900(catalogue: Catalogue) -> None:
    december_2019 = (2019 - 1900) * 12 + 12
    slot = digest("future:SP500") % (2**18 - 1) + 1
    assert catalogue.con_id_of("SP500@201912") == slot * 4096 + december_2019


def test_every_product_and_month_has_an_id_of_its_own_that_clients_can_hold(catalogue: Catalogue) -> None:
    seen = [one for product in catalogue.shelf.products for one in catalogue.shelf.contracts(product)]
    assert len(seen) > 10_000
    assert len(set(seen)) == len(seen)
    assert min(seen) > 0
    assert max(seen) < 2**30


def test_no_shipped_product_had_to_step_aside(catalogue: Catalogue) -> None:
    assert catalogue.shelf.slots.moved == []


def test_ids_depend_on_neither_the_time_nor_the_other_products(
    catalogue: Catalogue, catalogue_at: CatalogueAt, instruments: dict[str, Instrument]
) -> None:
    few = {name: instruments[name] for name in ("CSPX", "SP500", "EURUSD")}
    alone = Catalogue(few, None, catalogue.sessions, lambda: at("2019-06-12T12:00"))
    later = catalogue_at("2021-03-01T12:00")
    for name in ("CSPX", "SP500@202012", "EURUSD"):
        assert alone.con_id_of(name) == later.con_id_of(name) == catalogue.con_id_of(name)


def test_an_id_leads_back_to_the_instrument(catalogue: Catalogue) -> None:
    for name in ("CSPX", "SMEA", "SP500@201909", "CORN@201912", "EURUSD", "USDJPY", "SPX_INDEX"):
        assert catalogue.instrument(catalogue.con_id_of(name)).id == name


def test_names_that_meet_take_the_next_free_numbers_in_the_order_of_their_names() -> None:
    slots = identity.Slots(["a", "b", "c"], 3)
    assert sorted(slots.of.values()) == [0, 1, 2]
    first = digest("a") % 3
    assert slots.of["a"] == first
    assert slots.names[first] == "a"
    assert identity.Slots(["c", "a", "b"], 3).of == slots.of


def test_more_names_than_numbers_is_said() -> None:
    with pytest.raises(ValueError, match="more than 2 names"):
        identity.Slots(["a", "b", "c"], 2)


@pytest.mark.parametrize("month", [201913, 201900, 1, 224201])
def test_a_month_that_does_not_exist_has_no_id(month: int) -> None:
    with pytest.raises(ValueError, match="is not a contract month"):
        identity.con_id(7, month)


def test_the_parts_of_an_id_come_back() -> None:
    for month in (0, 190001, 201912, 202001, 224012):
        assert identity.taken_apart(identity.con_id(4711, month)) == (4711, month)


@pytest.mark.parametrize("name", ["NOBODY", "SP500", "SP500@203912", "CSPX@201912", "SP500@2019XX", ""])
def test_an_instrument_that_is_not_listed_has_no_id(catalogue: Catalogue, name: str) -> None:
    assert refusal(lambda: catalogue.con_id_of(name))[0] == 200


def test_an_id_that_nobody_has_is_known_by_no_door(catalogue: Catalogue) -> None:
    for nobody in (0, 1, 4095, 2**30 - 1, 2**30 + 5, 2**31 - 1, -5):
        assert catalogue.details(nobody) is None
        with pytest.raises(LookupError):
            catalogue.instrument(nobody)
