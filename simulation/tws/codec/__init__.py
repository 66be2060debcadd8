"""Bytes to messages and back: the TWS socket protocol of server versions 157 to 178, both directions, without I/O.

framer = Framer(opened=True)
hello = decode_hello(framer.feed(data)[0])
version = agreed(hello)
for payload in framer.feed(more):
    message = decode_request(fields_of(payload), version)
socket.write(framed(encode_reply(NextValidId(order_id=1), version)))
"""

from simulation.tws.codec.errors import CodecError, FramingError
from simulation.tws.codec.framing import LONGEST, Framer, fields_of, framed
from simulation.tws.codec.handshake import (
    NEWEST,
    OLDEST,
    Hello,
    Welcome,
    agreed,
    decode_hello,
    decode_welcome,
    encode_hello,
    encode_welcome,
)
from simulation.tws.codec.messages import decode_reply, decode_request, encode_reply, encode_request

__all__ = [
    "LONGEST",
    "NEWEST",
    "OLDEST",
    "CodecError",
    "Framer",
    "FramingError",
    "Hello",
    "Welcome",
    "agreed",
    "decode_hello",
    "decode_reply",
    "decode_request",
    "decode_welcome",
    "encode_hello",
    "encode_reply",
    "encode_request",
    "encode_welcome",
    "fields_of",
    "framed",
]
