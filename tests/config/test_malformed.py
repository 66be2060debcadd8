"""Every way of getting a file, a setting or an override wrong that we know: refused, with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import Code
from tests.config.malformed import Case, P, S, assert_refused, edit, make_a_folder, override, setenv, write
from tests.config.room import Room

FILES = [
    Case("settings missing", lambda r: r.path(S).unlink(),
         Code.FILE_MISSING, S, 0, "", "does not exist", "path"),
    Case("program missing", lambda r: r.path(P).unlink(),
         Code.FILE_MISSING, P, 0, "", "does not exist", "path"),
    Case("settings is a folder", make_a_folder(S),
         Code.FILE_UNREADABLE, S, 0, "", "cannot be read", "rights"),
    Case("settings empty", write(S, ""),
         Code.EMPTY, S, 1, "", "says nothing", "at least one key"),
    Case("program only comments", write(P, "# later\n\n"),
         Code.EMPTY, P, 1, "", "says nothing", "at least one key"),
    Case("not UTF-8", write(S, b"mode: paper\nlogging:\n  file: caf\xe9\n"),
         Code.NOT_UTF8, S, 3, "", "0xe9", "Save the file as UTF-8"),
    Case("tab", edit(S, "  ttl_s: 120", "\tttl_s: 120"),
         Code.SYNTAX, S, 7, "", "tab", "spaces"),
    Case("bracket left open", edit(P, "[SP500, EURO600]", "[SP500, EURO600"),
         Code.SYNTAX, P, 16, "", "YAML", "line"),
    Case("a list at the top", write(P, "- id: tiny\n"),
         Code.WRONG_TYPE, P, 1, "", "not a mapping", "key: value"),
    Case("two documents", edit(S, "execution:", "---\nexecution:"),
         Code.SYNTAX, S, 6, "", "second document", "one document"),
    Case("anchor", edit(S, "risk:", "risk: &limits"),
         Code.SYNTAX, S, 3, "risk", "anchor", "Write the value out"),
    Case("python tag", edit(S, "mode: paper", "mode: !!python/name:os.system paper"),
         Code.SYNTAX, S, 1, "mode", "tag", "plain values"),
    Case("merge key", edit(S, "  ttl_s: 120", "  <<: {ttl_s: 120}"),
         Code.SYNTAX, S, 7, "execution.<<", "merge", "keys out"),
    Case("duplicate key", edit(S, "  vol_target_annual: 0.12", "  max_order_share: 0.5\n  vol_target_annual: 0.12"),
         Code.DUPLICATE_KEY, S, 5, "risk.max_order_share", "first on line 4", "Keep one"),
    Case("leading zero", edit(S, "ttl_s: 120", "ttl_s: 030"),
         Code.SYNTAX, S, 7, "execution.ttl_s", "begins with a zero", "quote"),
]  # fmt: skip

VALUES = [
    Case("unknown key", edit(S, "max_order_share", "max_ordr_share"),
         Code.UNKNOWN_KEY, S, 4, "risk.max_ordr_share", "no key max_ordr_share", "max_order_share"),
    Case("unknown section", edit(S, "risk:", "rsk:"),
         Code.UNKNOWN_KEY, S, 3, "rsk", "no key rsk", "risk"),
    Case("minutes for seconds", edit(S, "ttl_s: 120", "ttl_minutes: 2"),
         Code.WRONG_UNIT, S, 7, "execution.ttl_minutes", "no key", "Write ttl_s and give seconds"),
    Case("percent key for a share", edit(S, "max_order_share: 0.10", "max_order_pct: 10"),
         Code.WRONG_UNIT, S, 4, "risk.max_order_pct", "no key", "0.12 for 12 %"),
    Case("percent for a share of volatility", edit(S, "vol_target_annual: 0.12", "vol_target_annual: 12"),
         Code.WRONG_UNIT, S, 5, "risk.vol_target_annual", "12", "12 % is written 0.12"),
    Case("percent for a share of capital", edit(P, "fx_hedge\n    capital_share: 0", "fx_hedge\n    capital_share: 5"),
         Code.WRONG_UNIT, P, 18, "sleeves[2].capital_share", "5", "5 % is written 0.05"),
    Case("text for a number", edit(S, "ttl_s: 120", 'ttl_s: "120"'),
         Code.WRONG_TYPE, S, 7, "execution.ttl_s", "is a text", "without quotes"),
    Case("yes for true", edit(S, "ttl_s: 120", "allow_market_orders: yes"),
         Code.WRONG_TYPE, S, 7, "execution.allow_market_orders", "'yes' is a text", "true or false"),
    Case("nothing for a number", edit(S, "ttl_s: 120", "ttl_s:"),
         Code.WRONG_TYPE, S, 7, "execution.ttl_s", "empty", "number"),
    Case("a list for a section", edit(S, "  ttl_s: 120", "  - ttl_s"),
         Code.WRONG_TYPE, S, 6, "execution", "a list", "mapping"),
    Case("a number for a text", edit(P, "base_currency: USD", "base_currency: 840"),
         Code.WRONG_TYPE, P, 2, "base_currency", "840 is a number", "capital letters"),
    Case("a fraction for a count", edit(S, "ttl_s: 120", "max_replaces: 2.5"),
         Code.WRONG_TYPE, S, 7, "execution.max_replaces", "a number", "whole number"),
    Case("not a number", edit(S, "0.10", ".nan"),
         Code.NOT_FINITE, S, 4, "risk.max_order_share", "not a finite", "number"),
    Case("infinite", edit(S, "0.10", ".inf"),
         Code.NOT_FINITE, S, 4, "risk.max_order_share", "not a finite", "number"),
    Case("nan as a word", edit(S, "0.10", "nan"),
         Code.NOT_FINITE, S, 4, "risk.max_order_share", "not a finite", "number"),
    Case("overflow", edit(S, "0.10", "1e999"),
         Code.NOT_FINITE, S, 4, "risk.max_order_share", "not a finite", "number"),
    Case("negative time", edit(S, "ttl_s: 120", "ttl_s: -1"),
         Code.OUT_OF_BOUNDS, S, 7, "execution.ttl_s", "-1", "between 0.001"),
    Case("unknown mode", edit(S, "mode: paper", "mode: papr"),
         Code.WRONG_TYPE, S, 1, "mode", "'papr'", "did you mean paper"),
    Case("time of day as a number", edit(S, "mode: paper", "mode: paper\nengine: {cycle_time_utc: 2130}"),
         Code.WRONG_TYPE, S, 2, "engine.cycle_time_utc", "a number", "21:30"),
    Case("unknown venue", edit(S, "mode: paper", "mode: paper\nvenue: {kind: simulatd}"),
         Code.BROKEN_REFERENCE, S, 2, "venue.kind", "'simulatd'", "did you mean simulated"),
    Case("live on a simulated venue", edit(S, "mode: paper", "mode: live"),
         Code.CONTRADICTION, S, 1, "mode", "real venue", "Write mode: paper"),
    Case("levels in disorder", edit(S, "risk:", "regime: {vix_exit_elevated: 30}\nrisk:"),
         Code.CONTRADICTION, S, 3, "regime", "vix_exit_elevated", "order"),
    Case("net above gross", edit(S, "  max_order_share: 0.10", "  max_net_leverage: 3"),
         Code.CONTRADICTION, S, 4, "risk.max_net_leverage", "gross", "Lower it"),
]  # fmt: skip

LAYERS = [
    Case("environment: unknown key", setenv("HEDGEROW__risk__max_order_shre", "0.05"),
         Code.UNKNOWN_KEY, "environment", 0, "HEDGEROW__risk__max_order_shre", "no key", "max_order_share"),
    Case("environment: wrong type", setenv("HEDGEROW__execution__ttl_s", "soon"),
         Code.WRONG_TYPE, "environment", 0, "HEDGEROW__execution__ttl_s", "'soon' is a text", "number"),
    Case("environment: below a value", setenv("HEDGEROW__mode__fast", "1"),
         Code.BAD_OVERRIDE, "environment", 0, "HEDGEROW__mode__fast", "nothing below it", "as a whole"),
    Case("environment: not finite", setenv("HEDGEROW__risk__max_order_share", "NaN"),
         Code.NOT_FINITE, "environment", 0, "HEDGEROW__risk__max_order_share", "not a finite", "number"),
    Case("command line: no equals sign", override("risk.max_order_share"),
         Code.BAD_OVERRIDE, "command line", 0, "risk.max_order_share", "not KEY=VALUE", "risk.max_order_share=0.05"),
    Case("command line: percent", override("risk.max_drawdown_share=15"),
         Code.WRONG_UNIT, "command line", 0, "risk.max_drawdown_share", "15", "15 % is written 0.15"),
    Case("command line: program", override("program.capital=lots"),
         Code.WRONG_TYPE, "command line", 0, "program.capital", "a text", "whole number"),
]  # fmt: skip

CASES = FILES + VALUES + LAYERS


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_refused_with_its_place_and_what_to_do(case: Case, tmp_path: Path) -> None:
    assert_refused(case, tmp_path)


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    room.edit("settings", "max_order_share", "max_ordr_share")
    room.edit("settings", "ttl_s: 120", "ttl_minutes: 2")
    room.edit("program", "1_000_000", "0")
    room.edit("instruments", "currency: GBP", "currency: GBX")
    room.environment["HEDGEROW__mode__fast"] = "1"

    codes = [problem.code for problem in room.refusal().problems]

    assert sorted(code.value for code in codes) == sorted(
        [
            Code.BAD_OVERRIDE.value,
            Code.UNKNOWN_KEY.value,
            Code.WRONG_UNIT.value,
            Code.OUT_OF_BOUNDS.value,
            Code.CONTRADICTION.value,
        ]
    )


def test_a_valid_configuration_loads_and_a_refused_one_leaves_nothing_behind(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    before = room.load()
    room.environment["HEDGEROW__risk__max_order_share"] = "0.01"
    room.edit("program", "capital: 1_000_000", "capital: 0")
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    room.refusal()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files

    room.environment.clear()
    room.edit("program", "capital: 0", "capital: 1_000_000")
    assert room.load().settings == before.settings
    assert room.load().program == before.program
    assert room.load().instruments == before.instruments


def test_a_secret_written_in_the_open_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    room.edit("settings", "mode: paper", "mode: paper\nvenue: {kind: simulated, account: [hunter2]}\napi_key: hunter2")
    room.overrides.append("metrics.token=hunter2")

    assert "hunter2" not in str(room.refusal())
