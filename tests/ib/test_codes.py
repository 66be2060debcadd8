"""The table of error codes."""

from __future__ import annotations

import pytest

from ports.ib.codes import UNKNOWN, Action, Severity, rule_of

TABLE = """
1100 2110 1101 1102 1300 2103 2105 2157 2104 2106 2158 2107 2108 2119 326 501 502 503 504 505 507 100 101 10190 309 162
366 300 420 10187 10189 354 10089 10090 10168 10186 10167 10197 10182 10225 200 203 460 10345 201 202 103 106 107 105
104 135 136 10147 10148 161 109 110 2161 10311 111 113 321 320 322 382 10268 10269 10349 399 404 434 165 317 2100 2101
2102 2109 2137 492 10052 10289 10293
"""
"""Every code of the table that the port was specified by."""


@pytest.mark.parametrize("code", [int(each) for each in TABLE.split()])
def test_every_specified_code_has_a_rule(code: int) -> None:
    assert rule_of(code) is not UNKNOWN


@pytest.mark.parametrize("code", [0, 7, 999, 12345])
def test_an_unknown_code_asks_and_never_rejects(code: int) -> None:
    assert (rule_of(code).action, rule_of(code).severity) == (Action.ASK, Severity.ALARM)


def test_a_warning_about_an_order_neither_rejects_nor_ends_it() -> None:
    assert {rule_of(code).action for code in (399, 404, 434, 2137, 2161, 10349)} == {Action.NOTE}


def test_a_used_id_and_a_late_change_are_looked_up_and_not_believed() -> None:
    assert {rule_of(code).action for code in (103, 104, 105, 106, 107, 2102)} == {Action.ASK}
