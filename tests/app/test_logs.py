"""The log as a machine reads it: one JSON object a line, at every level, without a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.logs import Forwarder, configure, row_logger
from config.secrets import Secrets
from engine.message import Event
from tests.app.made_status import (
    ALARM,
    APPROVED,
    DECIDED,
    ENTERED,
    EVERY,
    LOCKED,
    RELEASED,
    RUN,
    filled,
    moved,
    planned,
    row,
)

LEVELS = ("debug", "info", "warning", "error")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, Forwarder)]


def lines(level: str, *events: Event) -> list[dict[str, Any]]:
    stream = io.StringIO()
    configure(level, stream, lambda text: text)
    log = row_logger(level)
    for seq, event in enumerate(events, 1):
        log(row(seq, event))
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("event", EVERY, ids=lambda event: type(event).__name__)
def test_every_kind_of_row_is_one_object_or_none(event: Event, level: str) -> None:
    said = lines(level, event)
    assert len(said) <= 1
    for line in said:
        assert line["seq"] == 1
        assert line["event"] == line["event"].strip() != ""
        assert {"cause", "actor", "engine_ns", "level", "timestamp"} <= set(line)


def test_what_needs_a_person_is_a_warning_and_the_rest_is_not() -> None:
    need = [ENTERED, LOCKED, RELEASED, ALARM]
    assert len(lines("warning", *EVERY)) == len(need)
    assert {line["level"] for line in lines("info", *need)} == {"warning"}
    assert {line["level"] for line in lines("info", DECIDED, APPROVED, planned())} == {"info"}
    assert lines("error", *EVERY) == []


def test_an_alarm_says_its_code_and_what_it_is_about() -> None:
    said = lines("warning", ALARM)[0]
    assert (said["code"], said["subject"], said["text"]) == ("STALLED", "the loop", "the loop is 6000 ms late")


def test_a_run_can_be_followed_from_regime_to_fill_by_its_id() -> None:
    said = lines("info", DECIDED, APPROVED, planned(), filled("e1", "5"))
    assert {line["run_id"] for line in said} == {RUN}
    assert [line["cause"] for line in said] == [0, 1, 2, 3]


def test_an_order_can_be_followed_by_its_id() -> None:
    said = lines("info", planned(), moved("hr-000000000001", "SENT", "UNKNOWN"), filled("e1", "5"))
    assert {line["order_id"] for line in said} == {"hr-000000000001"}
    assert said[1]["state"] == "UNKNOWN"
    assert (said[2]["exec_id"], said[2]["quantity"], said[2]["price"], said[2]["fee"]) == ("e1", 5.0, 1200.5, 2.5)


def test_a_line_break_in_a_reason_does_not_break_the_line() -> None:
    broken = type(LOCKED)("GOLD@200812", 'two\nlines "and" a quote', 0)
    assert lines("warning", broken)[0]["reason"] == 'two\nlines "and" a quote'


@pytest.mark.parametrize("level", LEVELS)
def test_other_lines_obey_the_level(level: str) -> None:
    stream = io.StringIO()
    configure(level, stream, lambda text: text)
    log = structlog.get_logger("engine")
    for name in LEVELS:
        getattr(log, name)("words", key="value")
    said = [json.loads(line)["level"] for line in stream.getvalue().splitlines()]
    assert said == list(LEVELS[LEVELS.index(level) :])


def test_what_a_library_says_is_a_line_like_all_others() -> None:
    """`ib_async` complains on the standard error, which is no JSON."""
    stream = io.StringIO()
    for _ in range(2):
        configure("warning", stream, lambda text: text)  # twice: each line still comes once
    log = logging.getLogger("somebody.else")
    log.error("cannot reach %s", "there")
    log.info("hello")
    try:
        raise ValueError("deep down")
    except ValueError:
        log.exception("it failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["level"], first["library"], first["text"]) == ("error", "somebody.else", "cannot reach there")
    assert "ValueError: deep down" in second["exception"]


# -- secrets

KEY = "s3cr3t/key+with=signs"


@pytest.fixture
def scrubbed() -> io.StringIO:
    stream = io.StringIO()
    secrets = Secrets({"BROKER_KEY": KEY, "ODD_KEY": 'quote"back\\slash', "FOREIGN_KEY": "päßwörd"})
    secrets.resolve("secret://env/BROKER_KEY")
    secrets.resolve("secret://env/ODD_KEY")
    secrets.resolve("secret://env/FOREIGN_KEY")
    configure("info", stream, secrets.scrub)
    return stream


def one(stream: io.StringIO) -> dict[str, Any]:
    assert "s3cr3t" not in stream.getvalue()
    found: dict[str, Any] = json.loads(stream.getvalue())
    return found


def test_a_secret_is_scrubbed_from_words_keys_and_values(scrubbed: io.StringIO) -> None:
    structlog.get_logger().info(f"login with {KEY}", header={"Authorization": f"Bearer {KEY}"}, tried=[KEY])
    assert one(scrubbed)["header"] == {"Authorization": "Bearer ***"}


def test_a_secret_is_scrubbed_from_a_row(scrubbed: io.StringIO) -> None:
    row_logger("info")(row(1, type(LOCKED)("GOLD", f"the venue said: bad key {KEY}", 0)))
    assert one(scrubbed)["reason"] == "the venue said: bad key ***"


def test_a_secret_is_scrubbed_from_an_exception_and_its_cause(scrubbed: io.StringIO) -> None:
    try:
        try:
            raise ConnectionError(f"https://venue/?key={KEY}")
        except ConnectionError as error:
            raise RuntimeError(f"no login with {KEY}") from error
    except RuntimeError:
        structlog.get_logger().exception("login failed")
    said = one(scrubbed)
    assert "RuntimeError: no login with ***" in said["exception"]
    assert "key=***" in said["exception"]


def test_a_secret_with_characters_that_json_escapes_is_scrubbed_and_the_line_stays_an_object(
    scrubbed: io.StringIO,
) -> None:
    structlog.get_logger().info("login", key='quote"back\\slash', shown=[repr('quote"back\\slash')])
    assert one(scrubbed)["key"] == "***"
    assert "back" not in scrubbed.getvalue()


def test_a_secret_in_letters_that_json_escapes_is_scrubbed(scrubbed: io.StringIO) -> None:
    structlog.get_logger().info("login", key="päßwörd")
    assert one(scrubbed)["key"] == "***"
