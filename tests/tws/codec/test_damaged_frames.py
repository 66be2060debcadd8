"""Whatever arrives, the codec answers with a message or with one of its two errors, and soon."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.tws.codec import (
    CodecError,
    Framer,
    FramingError,
    decode_hello,
    decode_reply,
    decode_request,
    decode_welcome,
    encode_reply,
    encode_request,
    fields_of,
    framed,
)
from simulation.tws.replies import ServerMessage
from simulation.tws.requests import ClientMessage

from .kit import GATES, PLAIN, REPLIES, REQUESTS, structs

WIDE = list(HealthCheck)
NASTY = st.sampled_from(
    ["", "-1", "0", "nan", "inf", "1e999", "9" * 30, "2147483647", "-2147483648", "1.7976931348623157E308", "\\u12",
     "\\ud800", "None", "?", "BAG", "PEG BENCH", "v157..178", "\n", "\u00e9", "1" * 5000]
)  # fmt: skip
ANY_REQUEST = st.one_of(*(structs(kind, PLAIN) for kind in REQUESTS))
ANY_REPLY = st.one_of(*(structs(kind, PLAIN) for kind in REPLIES))


def read_everything(fields: list[str], version: int) -> None:
    """Read a message in both directions; what can be read can be said again."""
    with contextlib.suppress(CodecError):
        request = decode_request(fields, version)
        assert isinstance(request, ClientMessage)
        assert decode_request(fields_of(encode_request(request, version)), version) == request
    with contextlib.suppress(CodecError):
        reply = decode_reply(fields, version)
        assert isinstance(reply, ServerMessage)
        assert decode_reply(fields_of(encode_reply(reply, version)), version) == reply


@st.composite
def damaged_fields(draw: st.DrawFn) -> list[str]:
    """The fields of a message, with some dropped, doubled, replaced, swapped, or those of another spliced in."""
    version = draw(st.sampled_from(GATES))
    of_request, of_reply = encode_request(draw(ANY_REQUEST), version), encode_reply(draw(ANY_REPLY), version)
    first, second = map(fields_of, draw(st.permutations([of_request, of_reply])))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(first) - 1)))
        how = draw(st.sampled_from(["drop", "double", "replace", "swap", "cut", "splice"]))
        if how == "drop":
            del first[at : at + 1]
        elif how == "double":
            first[at:at] = first[at : at + draw(st.integers(1, 9))]
        elif how == "replace":
            first[at : at + 1] = [draw(NASTY)]
        elif how == "swap":
            first[at : at + 2] = reversed(first[at : at + 2])
        elif how == "cut":
            del first[at + 1 :]
        else:
            first[at:] = second[draw(st.integers(0, len(second))) :]
    return first


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(damaged_fields(), st.sampled_from(GATES))
def test_damaged_fields_are_read_or_refused(fields: list[str], version: int) -> None:
    read_everything(fields, version)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(
    st.lists(st.one_of(NASTY, st.integers(0, 110).map(str), st.text(max_size=5)), max_size=60), st.sampled_from(GATES)
)
def test_any_fields_at_all_are_read_or_refused(fields: list[str], version: int) -> None:
    read_everything(fields, version)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(st.data())
def test_streams_with_flipped_and_lost_bytes_are_cut_or_refused(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(GATES))
    messages = data.draw(st.lists(ANY_REPLY, min_size=1, max_size=3))
    stream = bytearray(b"".join(framed(encode_reply(message, version)) for message in messages))
    for at in data.draw(st.lists(st.integers(0, len(stream) - 1), min_size=1, max_size=6)):
        if data.draw(st.booleans()):
            stream[at % len(stream)] ^= data.draw(st.integers(1, 255))
        elif len(stream) > 1:
            del stream[at % len(stream)]
    framer, step = Framer(), data.draw(st.integers(1, 64))
    with contextlib.suppress(FramingError):
        for at in range(0, len(stream), step):
            for payload in framer.feed(bytes(stream[at : at + step])):
                read_everything(fields_of(payload), version)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=64), st.booleans())
def test_any_bytes_are_cut_or_refused(data: bytes, opened: bool) -> None:
    framer = Framer(opened=opened)
    with contextlib.suppress(FramingError):
        for payload in framer.feed(data):
            read_everything(fields_of(payload), 178)
    for reader in (decode_hello, decode_welcome):
        with contextlib.suppress(CodecError):
            reader(data)


def test_the_longest_frame_that_promises_the_most_is_refused() -> None:
    """As many fields as fit, and a count of all of them."""
    (payload,) = Framer().feed(framed(b"93\x001\x0016000000\0" + b"\0" * (16 * 1024 * 1024 - 64)))
    with pytest.raises(CodecError, match="expected a count of at most 250000, not 16000000"):
        decode_reply(fields_of(payload), 178)


def test_a_number_of_nine_million_digits_is_refused() -> None:
    (payload,) = Framer().feed(framed(b"8\x001\x00" + b"9" * 9_000_000 + b"\0"))
    with pytest.raises(CodecError, match=r"expected a whole number, not '9{40}\.\.\.'"):
        decode_request(fields_of(payload), 178)
