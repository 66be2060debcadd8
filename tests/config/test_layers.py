"""Defaults, files, environment, command line: the later wins, and everyone can see who said what."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from config.loader import load, load_settings
from config.schema import RiskLimits, Settings
from config.show import check, effective, json_schema
from tests.config.room import Room


def test_without_a_word_the_defaults_are_those_of_the_specification() -> None:
    risk = RiskLimits()
    assert (risk.vol_target_annual, risk.vol_floor_annual) == (0.12, 0.08)
    assert (risk.vol_span_sessions, risk.vol_blend_ewma_share, risk.burn_in_sessions) == (20, 0.7, 60)
    assert (risk.state_scale.normal, risk.state_scale.elevated, risk.state_scale.crisis) == (1.0, 0.7, 0.3)
    assert (risk.max_gross_leverage, risk.max_net_leverage) == (2.0, 1.0)
    assert (risk.max_order_share, risk.max_daily_turnover_share) == (0.10, 0.50)
    assert (risk.reconcile_halt_share, risk.reconcile_emergency_share) == (0.005, 0.01)
    settings = Settings()
    rules, orders = settings.regime, settings.execution
    assert (rules.vix_enter_elevated, rules.vix_exit_elevated) == (25, 20)
    assert (rules.vix_enter_crisis, rules.vix_exit_crisis, rules.persistence_sessions) == (40, 35, 3)
    assert (orders.ttl_s, orders.replace_interval_s, orders.max_replaces) == (120, 15, 6)
    assert (orders.min_notional_base, orders.pair.max_legging_s, orders.pair.trigger_fill_share) == (2_500, 60, 0.3)


def test_the_shipped_settings_are_paper_and_wait_for_an_operator() -> None:
    settings = load_settings()
    assert settings.mode == "paper"
    assert settings.venue.account == "PAPER"
    assert settings.engine.auto_trade is False


def test_each_layer_wins_over_the_one_below(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    assert room.load().settings.risk.max_order_share == 0.10
    room.environment["HEDGEROW__risk__max_order_share"] = "0.07"
    assert room.load().settings.risk.max_order_share == 0.07
    room.overrides.append("risk.max_order_share=0.03")
    assert room.load().settings.risk.max_order_share == 0.03


def test_a_later_settings_file_lies_over_an_earlier_one(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    local = tmp_path / "local.yaml"
    local.write_text("risk: {max_order_share: 0.02}\n")
    settings = load_settings([room.path("settings"), local])
    assert settings.risk.max_order_share == 0.02
    assert settings.execution.ttl_s == 120
    assert settings.instruments == (f"{tmp_path}/instruments.yaml",)


def test_a_program_begins_from_the_settings_and_wins_over_them(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    room.edit("program", "sleeves:", "risk: {vol_target_annual: 0.10}\nsleeves:")
    program = room.load().program
    assert program.risk.vol_target_annual == 0.10
    assert program.risk.max_order_share == 0.10
    room.edit("settings", "max_order_share: 0.10", "max_order_share: 0.04")
    assert room.load().program.risk.max_order_share == 0.04
    assert room.load().settings.risk.vol_target_annual == 0.12


def test_the_command_line_can_change_a_program(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    room.overrides += ["program.capital=2_000_000", "program.execution.policy=close_auction"]
    program = room.load().program
    assert (program.capital, program.execution.policy.value) == (2_000_000, "close_auction")


def test_lists_and_flags_can_come_from_the_environment(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    room.environment["HEDGEROW__instruments"] = f"[{tmp_path}/instruments.yaml, {tmp_path}/more.yaml]"
    room.environment["HEDGEROW__engine__auto_trade"] = "true"
    room.environment["HEDGEROW_STATE"] = "not a setting"
    room.write("more", "instruments: [{id: X, kind: stock, venue: V, currency: EUR, calendar: LSE}]\n")
    settings = room.load().settings
    assert settings.instruments[1] == f"{tmp_path}/more.yaml"
    assert settings.engine.auto_trade


def test_only_the_products_a_program_needs_are_loaded(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    assert set(room.load().instruments) == {"SP500", "EURO600", "EUR_micro"}
    room.edit("program", "sleeves:", "universe: [SMEA]\nregime: {volatility_index: VIX_INDEX}\nsleeves:")
    assert set(room.load().instruments) == {"SP500", "EURO600", "EUR_micro", "SMEA", "VIX_INDEX"}


def test_the_effective_configuration_names_who_said_each_value(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    shown = effective(
        room.path("program"),
        settings=room.path("settings"),
        environment={"HEDGEROW__risk__vol_target_annual": "0.11"},
        overrides=["program.capital=5"],
    )
    assert shown.sources["settings.risk.max_order_share"] == f"{room.path('settings')}:4"
    assert shown.sources["settings.risk.vol_target_annual"] == "HEDGEROW__risk__vol_target_annual"
    assert shown.sources["program.risk.vol_target_annual"] == "HEDGEROW__risk__vol_target_annual"
    assert shown.sources["program.capital"] == "program.capital"
    assert shown.sources["program.sleeves[0].params.long"] == f"{room.path('program')}:9"
    assert shown.sources["settings.execution.max_replaces"] == "default"
    assert shown.values["program"]["sleeves"][1]["params"]["forecast_cap"] == 20


def test_the_hash_changes_with_a_value_and_not_with_a_comment(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    first = effective(room.path("program"), settings=room.path("settings"))
    room.write("program", "# a word\n" + room.path("program").read_text())
    assert effective(room.path("program"), settings=room.path("settings")).sha256 == first.sha256
    room.edit("program", "1_000_000", "1_000_001")
    assert effective(room.path("program"), settings=room.path("settings")).sha256 != first.sha256
    assert first.sha256 == hashlib.sha256(msgspec.json.encode(first.values, order="deterministic")).hexdigest()


def test_check_tells_settings_programs_and_instrument_files_apart(tmp_path: Path) -> None:
    room = Room.furnish(tmp_path)
    assert check(room.path("settings")) == []
    assert check(room.path("instruments")) == []
    assert check(room.path("settings"), program=room.path("program")) == []
    room.edit("instruments", "currency: GBP", "currency: GBX")
    assert [problem.line for problem in check(room.path("instruments"))] == [30]
    assert {problem.key for problem in check(room.path("program"))} == set()


def test_the_schema_is_json_schema_with_bounds_and_no_room_for_unknown_keys() -> None:
    schema = json_schema("settings")
    limits = schema["$defs"]["RiskLimits"]
    assert limits["additionalProperties"] is False
    assert limits["properties"]["max_drawdown_share"]["maximum"] == 1
    assert json_schema("program")["title"] == "Hedgerow program"


def test_every_number_of_the_schema_is_bounded() -> None:
    for kind in ("settings", "program"):
        for name, part in json_schema(kind)["$defs"].items():
            for key, field in part.get("properties", {}).items():
                for one in (
                    field,
                    *field.get("anyOf", []),
                    field.get("items", {}),
                    field.get("additionalProperties", {}),
                ):
                    if isinstance(one, dict) and one.get("type") in ("number", "integer"):
                        assert {"minimum", "maximum"} <= set(one), f"{name}.{key}"


def test_the_shipped_programs_load() -> None:
    for name in ("spine", "demo", "paper"):
        assert load(name).program.id == name
