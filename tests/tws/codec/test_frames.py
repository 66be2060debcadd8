"""Streams cut into frames, and the handshake."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.tws.codec import (
    LONGEST,
    CodecError,
    Framer,
    FramingError,
    Hello,
    Welcome,
    agreed,
    decode_hello,
    decode_welcome,
    encode_hello,
    encode_welcome,
    fields_of,
    framed,
)

PAYLOADS = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PAYLOADS, st.lists(st.integers(1, 30), min_size=1, max_size=50), st.booleans())
def test_frames_come_out_whole_however_the_bytes_arrive(payloads: list[bytes], steps: list[int], opened: bool) -> None:
    stream = (b"API\0" if opened else b"") + b"".join(map(framed, payloads))
    framer, found, at = Framer(opened=opened), [], 0
    for step in [*steps, len(stream)]:
        found += framer.feed(stream[at : at + step])
        at += step
    assert found == payloads
    assert framer.waiting == 0


def test_a_frame_that_has_not_ended_waits() -> None:
    framer = Framer()
    assert framer.feed(framed(b"61\x001\x00")[:-1]) == []
    assert framer.waiting == 8
    assert framer.feed(b"\0") == [b"61\x001\x00"]


@pytest.mark.parametrize("length", [0, LONGEST + 1, 2**31, 2**32 - 1, struct.unpack(">I", b"GET ")[0]])
def test_an_absurd_length_breaks_the_stream_for_good(length: int) -> None:
    framer = Framer()
    for data in (struct.pack(">I", length) + b"abc", framed(b"61\x001\x00")):
        with pytest.raises(FramingError, match=f"a frame of {length} bytes was announced; frames have 1 to 16777216"):
            framer.feed(data)


def test_the_longest_frame_is_taken() -> None:
    longest = b"x" * LONGEST
    assert Framer().feed(framed(longest)) == [longest]
    for wrong in (b"", longest + b"x"):
        with pytest.raises(FramingError):
            framed(wrong)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x00\x00\x00\x05", b"APX"])
def test_a_stream_that_does_not_open_as_a_client_does_is_refused(data: bytes) -> None:
    with pytest.raises(FramingError, match=r"a client of this protocol begins with b'API\\x00', not with"):
        Framer(opened=True).feed(data)


def test_text_that_is_not_utf_8_becomes_escapes() -> None:
    assert fields_of(b"a\xff\0b\xc3\xa9\0") == ["a\\xff", "b\u00e9"]
    assert fields_of(b"") == []
    assert fields_of(b"a\0\0") == ["a", ""]


def test_a_handshake_agrees_on_the_highest_version_that_both_speak() -> None:
    """The ranges that four client libraries offer."""
    for lowest, highest, version in ((157, 178, 178), (157, 176, 176), (100, 157, 157), (100, 225, 178)):
        hello = Hello(lowest, highest)
        (payload,) = Framer(opened=True).feed(encode_hello(hello))
        assert decode_hello(payload) == hello
        assert agreed(hello) == version
    assert agreed(Hello(157, 178), newest=164) == 164


@pytest.mark.parametrize("offered", [Hello(201, 225), Hello(100, 156), Hello(170, 160)])
def test_ranges_that_do_not_meet_are_refused(offered: Hello) -> None:
    with pytest.raises(CodecError, match=rf"a range that meets 157..178, not {offered.lowest}..{offered.highest}"):
        agreed(offered)


def test_a_hello_carries_options_and_may_offer_one_version() -> None:
    assert encode_hello(Hello(157, 178, "+PACEAPI")) == b"API\0\0\0\0\x12v157..178 +PACEAPI"
    assert decode_hello(b"v157..178 +PACEAPI") == Hello(157, 178, "+PACEAPI")
    assert decode_hello(b"v176") == Hello(176, 176)


@pytest.mark.parametrize(
    "payload", [b"", b"157..178", b"v..178", b"v157..178\0x\0", b"v1570000000000..1", b"71\0002\0"]
)
def test_what_is_no_hello_is_refused(payload: bytes) -> None:
    with pytest.raises(CodecError, match=r"expected a range as v157\.\.178, not"):
        decode_hello(payload)


def test_a_welcome_has_exactly_two_fields() -> None:
    welcome = Welcome(178, "20261120 10:00:00 EST")
    assert encode_welcome(welcome) == b"178\x0020261120 10:00:00 EST\0"
    assert decode_welcome(encode_welcome(welcome)) == welcome
    for wrong in (b"178\0", b"178\0a\0b\0", b"x\0a\0", b""):
        with pytest.raises(CodecError, match="expected a version and a time"):
            decode_welcome(wrong)
