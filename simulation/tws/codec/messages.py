"""Messages to fields and back, for any version from 157 to 178."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from simulation.tws.codec.errors import CodecError, MismatchError, shown
from simulation.tws.codec.handshake import NEWEST, OLDEST
from simulation.tws.codec.kinds import INT, Cursor
from simulation.tws.codec.layout import Record
from simulation.tws.codec.replies import REPLIES, TICK_BY_TICK
from simulation.tws.codec.requests import REQUESTS
from simulation.tws.codec.ticks import QUICK
from simulation.tws.replies import ServerMessage, TickByTickLast
from simulation.tws.requests import ClientMessage, UnknownRequest

By = TypeVar("By")


@cache
def _by_kind(version: int) -> dict[type, Record]:
    """The layout of every struct in a version."""
    layouts = (*REQUESTS, *REPLIES, *TICK_BY_TICK.values())
    return {layout.kind: layout.at(version) for layout in layouts}


@cache
def _asked(version: int) -> dict[int, Record]:
    return {layout.kind.ident: _by_kind(version)[layout.kind] for layout in REQUESTS}  # type: ignore[attr-defined]


@cache
def _told(version: int) -> dict[int, Record]:
    return {layout.kind.ident: _by_kind(version)[layout.kind] for layout in REPLIES}  # type: ignore[attr-defined]


def decode_request(fields: Sequence[str], version: int) -> ClientMessage:
    """What a client said. A message id that is not known gives UnknownRequest; fields behind the last one that the
    layout has are passed over, as gateways do.

    fields: of one frame, see `fields_of`.  Raises CodecError.
    """
    number = _number(fields, version)
    layout = _asked(version).get(number)
    if layout is None:
        return UnknownRequest(number=number, fields=tuple(fields[1:]))
    request: ClientMessage = _read(layout, fields, number)
    return request


def decode_reply(fields: Sequence[str], version: int) -> ServerMessage:
    """What a gateway said. Raises CodecError, for message ids that are not known too."""
    number = _number(fields, version)
    if number == TickByTickLast.ident:
        layout = _tick_by_tick(fields, version)
    else:
        found = _told(version).get(number)
        if found is None:
            raise CodecError(number, "unknown", 0, "message id", "the id of a message that gateways say")
        layout = found
    reply: ServerMessage = _read(layout, fields, number)
    return reply


def encode_request(message: ClientMessage, version: int) -> bytes:
    """The payload of a frame, without its length. Raises CodecError for what the protocol cannot say."""
    if isinstance(message, UnknownRequest):
        return _kept(message)
    return _written(message, message.ident, version)


def encode_reply(message: ServerMessage, version: int) -> bytes:
    """The payload of a frame, without its length. Raises CodecError for what the protocol cannot say."""
    try:
        return QUICK[type(message)](message)
    except (KeyError, MismatchError):
        return _written(message, message.ident, version)


def _spoken(version: int) -> int:
    if not OLDEST <= version <= NEWEST:
        raise CodecError(None, "", 0, "version", f"one from {OLDEST} to {NEWEST}, not {version}")
    return version


def _number(fields: Sequence[str], version: int) -> int:
    _spoken(version)
    try:
        number: int = INT.from_text(fields[0] if fields and fields[0] else "none")
    except MismatchError:
        said = shown(fields[0]) if fields else "an empty frame"
        raise CodecError(None, "", 0, "message id", f"a whole number, not {said}") from None
    return number


def _tick_by_tick(fields: Sequence[str], version: int) -> Record:
    kind = fields[2] if len(fields) > 2 else ""
    layout = TICK_BY_TICK.get(kind)
    if layout is None:
        expected = f"one of {', '.join(TICK_BY_TICK)}, not {shown(kind)}"
        raise CodecError(TickByTickLast.ident, "TickByTick", 2, "kind", expected)
    return _by_kind(version)[layout.kind]


def _read(layout: Record, fields: Sequence[str], number: int) -> Any:
    cursor = Cursor(fields, 1)
    try:
        return layout.read(cursor)
    except MismatchError as mismatch:
        place = cursor.at - 1
        raise CodecError(number, layout.kind.__name__, place, cursor.name, str(mismatch)) from None


def _written(message: ClientMessage | ServerMessage, number: int, version: int) -> bytes:
    kind = type(message)
    layout = _by_kind(_spoken(version)).get(kind)
    if layout is None:
        raise CodecError(number, kind.__name__, 0, "message", "a message that has a layout")
    out, title = [str(number)], ""
    try:
        for part in layout.parts:
            title = part.title
            part.write(message, out)
    except MismatchError as mismatch:
        raise CodecError(number, kind.__name__, len(out), title, str(mismatch)) from None
    return _payload(out)


def _kept(message: UnknownRequest) -> bytes:
    """A request that no layout tells, as it came."""
    fields = [str(message.number), *message.fields, ""]
    for place, field in enumerate(fields):
        if "\0" in field:
            raise CodecError(message.number, "UnknownRequest", place, "fields", "a text without NUL")
    return "\0".join(fields).encode("utf-8", "backslashreplace")


def _payload(fields: list[str]) -> bytes:
    fields.append("")
    return "\0".join(fields).encode("ascii")
