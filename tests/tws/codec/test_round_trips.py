"""What is said is what was meant, for every message at every version that changes something."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.tws.codec import decode_reply, decode_request, encode_reply, encode_request, fields_of
from simulation.tws.requests import UnknownRequest

from .kit import GATES, REPLIES, REQUESTS, TEXTS, as_said, structs

WIDE = list(HealthCheck)


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(data=st.data())
def test_every_request_comes_back_as_it_was_said_at_every_gate(data: st.DataObject, kind: type) -> None:
    message = data.draw(structs(kind))
    for version in GATES:
        assert decode_request(fields_of(encode_request(message, version)), version) == as_said(message, version)


@pytest.mark.parametrize("kind", REPLIES, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=WIDE)
@given(data=st.data())
def test_every_reply_comes_back_as_it_was_said_at_every_gate(data: st.DataObject, kind: type) -> None:
    message = data.draw(structs(kind))
    for version in GATES:
        assert decode_reply(fields_of(encode_reply(message, version)), version) == as_said(message, version)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.sampled_from([10, 18, 52, 104, 250, -1]), st.lists(TEXTS, max_size=5))
def test_a_request_that_is_not_known_is_kept_with_its_fields(number: int, fields: list[str]) -> None:
    unknown = UnknownRequest(number=number, fields=tuple(fields))
    assert decode_request(fields_of(encode_request(unknown, 178)), 178) == unknown
