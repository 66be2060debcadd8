"""Reading YAML: what is written is what is read, and nothing that can be typed does anything but answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.convert import convert
from config.errors import Code, Problem
from config.program import Program
from config.settings import Settings
from config.yaml_source import Tree, read_text, read_value

TEXTS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
KEYS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)


def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)


TREES = st.recursive(LEAVES, deeper, max_leaves=12)


def read(text: str) -> tuple[Tree | None, list[Problem]]:
    problems: list[Problem] = []
    return read_text(text, "test.yaml", problems), problems


@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_json_is_yaml_and_comes_back_as_it_was(value: dict[str, Any]) -> None:
    tree, problems = read(json.dumps(value))
    assert not problems
    assert tree is not None
    assert tree.value == value


@given(st.text(alphabet=st.sampled_from("ab:-[]{}#&*!|>'\"%@`,?\n\t 0123456789.e~<yn\x00\x7f\u2028é"), max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    tree, problems = read(text)
    assert (tree is None) <= bool(problems)
    assert all(1 <= problem.line <= text.count("\n") + 2 for problem in problems)


@given(TREES.filter(lambda tree: isinstance(tree, dict)))
@settings(max_examples=300, deadline=None)
def test_any_tree_is_converted_or_refused(value: dict[str, Any]) -> None:
    for kind in (Settings, Program):
        problems: list[Problem] = []
        made = convert(Tree(value, {}), kind, problems)
        assert (made is None) == bool(problems)


@given(key=st.sampled_from(["risk", "execution", "engine", "regime", "logging"]), value=TREES)
@settings(max_examples=300, deadline=None)
def test_any_section_is_converted_or_refused(key: str, value: Any) -> None:
    problems: list[Problem] = []
    made = convert(Tree({key: value}, {}), Settings, problems)
    assert (made is None) == bool(problems)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1_000_000", 1_000_000), ("a: 0", 0), ("a: -3", -3), ("a: 1e3", 1000.0), ("a: .5", 0.5), ("a: 1.", 1.0),
        ("a: yes", "yes"), ("a: 22:30", "22:30"), ("a: 2020-01-01", "2020-01-01"), ("a: '1'", "1"), ("a: ~", None),
        ("a: true", True), ("a: True", "True"), ("a: 1__0", "1__0"), ("a: 0x10", "0x10"),
        ("a: |\n  x\n  y\n", "x\ny\n"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_the_core_schema_says(text: str, value: object) -> None:
    tree, problems = read(text)
    assert not problems
    assert tree is not None
    assert tree.value["a"] == value
    assert type(tree.value["a"]) is type(value)


def test_every_key_knows_its_line() -> None:
    tree, _ = read("# a comment\nrisk:\n  a: 1\n\n  b: [1,\n      2]\n")
    assert tree is not None
    lines = {key: source.line for key, source in tree.sources.items()}
    assert lines == {("risk",): 2, ("risk", "a"): 3, ("risk", "b"): 5, ("risk", "b", 0): 5, ("risk", "b", 1): 6}


def test_all_duplicate_keys_are_told_not_only_the_first() -> None:
    _, problems = read("a: 1\na: 2\nb: {c: 1, c: 2}\nb: 3\n")
    assert [(problem.code, problem.key, problem.line) for problem in problems] == [
        (Code.DUPLICATE_KEY, "a", 2),
        (Code.DUPLICATE_KEY, "b.c", 3),
        (Code.DUPLICATE_KEY, "b", 4),
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_harmless() -> None:
    tree, problems = read("a: 1\r\nb: x\r\n")
    assert not problems
    assert tree is not None
    assert tree.value == {"a": 1, "b": "x"}


def test_a_bottomless_file_is_refused() -> None:
    _, problems = read("a: " + "[" * 5_000)
    assert [problem.code for problem in problems] == [Code.SYNTAX]


def test_an_endless_number_is_refused() -> None:
    _, problems = read("a: " + "9" * 5_000)
    assert [problem.code for problem in problems] == [Code.OUT_OF_BOUNDS]


def test_half_a_character_is_refused() -> None:
    _, problems = read('a: "\\ud800"')
    assert [problem.code for problem in problems] == [Code.SYNTAX]


def test_a_value_of_the_environment_is_read_by_the_same_rules() -> None:
    problems: list[Problem] = []
    assert read_value("[1, two, 3.5]", "environment", problems) == [1, "two", 3.5]
    assert read_value("", "environment", problems) is None
    assert not problems
    read_value("[1", "environment", problems)
    assert [problem.code for problem in problems] == [Code.SYNTAX]
