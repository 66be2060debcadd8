"""Every way of getting a program or an instrument wrong that we know: refused, with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import Code
from tests.config.malformed import Case, I, P, assert_refused, edit

PROGRAMS = [
    Case("no capital", edit(P, "capital: 1_000_000\n", ""),
         Code.MISSING_KEY, P, 1, "", "capital is missing", "Add capital"),
    Case("capital of nothing", edit(P, "1_000_000", "0"),
         Code.OUT_OF_BOUNDS, P, 3, "capital", "0", "between 1 and"),
    Case("unknown sleeve kind", edit(P, "kind: trend", "kind: trnd"),
         Code.BROKEN_REFERENCE, P, 12, "sleeves[1].kind", "'trnd'", "did you mean trend"),
    Case("no sleeve kind", edit(P, "    kind: trend\n", ""),
         Code.MISSING_KEY, P, 11, "sleeves[1]", "kind is missing", "Add kind"),
    Case("a parameter of another kind", edit(P, "      short: EURO600", "      short: EURO600\n      forecast_cap: 20"),
         Code.UNKNOWN_KEY, P, 11, "sleeves[0].params.forecast_cap", "no key", "Known here"),
    Case("two sleeves of one id", edit(P, "id: trend", "id: core"),
         Code.DUPLICATE_ID, P, 11, "sleeves[1].id", "two sleeves", "id of its own"),
    Case("unknown product", edit(P, "long: SP500", "long: SP5000"),
         Code.BROKEN_REFERENCE, P, 9, "sleeves[0].params.long", "SP5000 (did you mean SP500?)", "instrument file"),
    Case("unknown product in a list", edit(P, "[SP500, EURO600]", "[SP500, EURO601]"),
         Code.BROKEN_REFERENCE, P, 15, "sleeves[1].params.instruments[1]", "EURO600", "instrument file"),
    Case("a hedge on nothing", edit(P, "EUR: EUR_micro", "EUR: EUR_macro"),
         Code.BROKEN_REFERENCE, P, 21, "sleeves[2].params.hedges.EUR", "EUR_micro", "instrument file"),
    Case("a hedge of the base currency", edit(P, "EUR: EUR_micro", "USD: EUR_micro"),
         Code.CONTRADICTION, P, 21, "sleeves[2].params.hedges.USD", "base currency", "other currencies"),
    Case("a hedge priced abroad", edit(P, "EUR: EUR_micro", "EUR: EURO600"),
         Code.CONTRADICTION, P, 21, "sleeves[2].params.hedges.EUR", "against USD", "Name a future"),
    Case("an index as a leg", edit(P, "long: SP500", "long: VIX_INDEX"),
         Code.CONTRADICTION, P, 9, "sleeves[0].params.long", "cannot be traded", "Name a product"),
    Case("both legs alike", edit(P, "short: EURO600", "short: SP500"),
         Code.CONTRADICTION, P, 10, "sleeves[0].params.short", "same product", "two different"),
    Case("more than the whole",
         edit(P, "kind: core_index_rv\n    capital_share: 0.5", "kind: core_index_rv\n    capital_share: 0.6"),
         Code.CONTRADICTION, P, 4, "sleeves", "adds up to 1.1", "at most 1"),
    Case("speeds in disorder",
         edit(P, "      instruments: [SP500, EURO600]", "      instruments: [SP500]\n      pairs: [[64, 16]]"),
         Code.CONTRADICTION, P, 16, "sleeves[1].params.pairs", "[64, 16]", "[fast, slow]"),
    Case("a speed without a scalar",
         edit(P, "      instruments: [SP500, EURO600]", "      instruments: [SP500]\n      pairs: [[20, 80]]"),
         Code.CONTRADICTION, P, 16, "sleeves[1].params.pairs", "[20, 80]", "scalar_rule: sqrt"),
    Case("a regime on nothing", edit(P, "sleeves:", "regime: {volatility_index: VX}\nsleeves:"),
         Code.BROKEN_REFERENCE, P, 4, "regime.volatility_index", "no instrument VX", "instrument file"),
    Case("unknown calendar", edit(P, "sleeves:", "calendar: NYES\nsleeves:"),
         Code.BROKEN_REFERENCE, P, 4, "calendar", "did you mean NYSE", "Give one of"),
    Case("history backwards",
         edit(P, "sleeves:", "replay: {first_session: 20200101, last_session: 20190101}\nsleeves:"),
         Code.CONTRADICTION, P, 4, "replay.first_session", "after last_session", "Exchange"),
]  # fmt: skip

INSTRUMENTS = [
    Case("two products of one id", edit(I, "id: SMEA", "id: SP500"),
         Code.DUPLICATE_ID, I, 27, "instruments[3].id", "line 2", "own"),
    Case("unknown calendar of a product", edit(I, "calendar: LSE", "calendar: LSEE"),
         Code.BROKEN_REFERENCE, I, 31, "instruments[3].calendar", "did you mean LSE", "Give one of"),
    Case("pence as a currency", edit(I, "currency: GBP", "currency: GBX"),
         Code.CONTRADICTION, I, 30, "instruments[3].currency", "GBX", "price_magnifier: 100"),
    Case("a future that never rolls",
         edit(I, "    tick: 0.0001\n    roll: {hold_cycle: HMUZ, offset_days: -5}", "    tick: 0.0001"),
         Code.CONTRADICTION, I, 18, "instruments[2].roll", "without a roll rule", "Add roll"),
    Case("a roll in no month",
         edit(I, "    tick: 0.1\n    roll: {hold_cycle: HMUZ", "    tick: 0.1\n    roll: {hold_cycle: HMUA"),
         Code.OUT_OF_BOUNDS, I, 17, "instruments[1].roll.hold_cycle", "HMUA", "month letters"),
    Case("a tick of nothing", edit(I, "tick: 0.25", "tick: 0"),
         Code.CONTRADICTION, I, 8, "instruments[0].tick", "0", "number"),
    Case("a negative multiplier", edit(I, "12500", "-12500"),
         Code.CONTRADICTION, I, 23, "instruments[2].multiplier", "-12500", "number"),
    Case("an ISIN with a slip", edit(I, "    tick: 0.01\n", "    tick: 0.01\n    isin: IE00B4K48X81\n"),
         Code.CONTRADICTION, I, 34, "instruments[3].isin", "check digit", "again"),
    Case("an index that trades", edit(I, ", tradeable: false", ""),
         Code.CONTRADICTION, I, 34, "instruments[4].tradeable", "index", "tradeable: false"),
    Case("hundredths of a dollar", edit(I, "currency: GBP", "currency: USD"),
         Code.CONTRADICTION, I, 32, "instruments[3].price_magnifier", "USD", "Write 1"),
    Case("unknown kind", edit(I, "kind: etf", "kind: eft"),
         Code.WRONG_TYPE, I, 28, "instruments[3].kind", "'eft'", "did you mean etf"),
]  # fmt: skip

CASES = PROGRAMS + INSTRUMENTS


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_refused_with_its_place_and_what_to_do(case: Case, tmp_path: Path) -> None:
    assert_refused(case, tmp_path)
