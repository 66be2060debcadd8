"""A million damaged frames through the codec of the TWS protocol: nothing but its two errors may come out.

    python -m benchmarks.tws_fuzz [--frames 1000000] [--seed 7] [--atheris FOLDER]

Whole messages of every kind are made from the types of their fields, written at a version that changes something,
damaged, framed, now and then damaged again, and read in both directions in pieces of any size. What can be read is said
again and must read the same. `--atheris` lets that fuzzer choose the bytes, where it is installed; it begins with the
inputs in the folder, which are whole messages when it is empty.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import types
import typing
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from simulation.tws import replies, requests
from simulation.tws.codec import (
    CodecError,
    Framer,
    FramingError,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    fields_of,
    framed,
)

GATES = (157, 158, 160, 162, 163, 164, 166, 169, 170, 176, 177, 178)
TEXTS = ("", "SMART", "BAG", "PEG BENCH", "PEG BEST", "IBKRATS", "20261218-08:30:00-US/Central", "None", "?", "\u0141")
NASTY = (
    "", "-1", "0", "1", "nan", "inf", "1e999", "9" * 30, "250001", "2147483647", "1.7976931348623157E308", "\\u12",
    "\\ud83d\\ude00", "\\udc00", "BAG", "PEG BENCH", "Infinite", "0x1", "1_0", " 1", "-", ".", "\u0663",
)  # fmt: skip
MESSAGES = 40
"""Of every kind, before they are damaged."""


def value(of: Any, rng: random.Random) -> Any:
    """Something that a type annotation allows."""
    origin, inner = typing.get_origin(of), typing.get_args(of)
    if origin is types.UnionType:
        return value(rng.choice(inner), rng)
    if origin is tuple and inner[-1] is Ellipsis:
        return tuple(value(inner[0], rng) for _ in range(rng.randrange(3)))
    if origin is tuple:
        return tuple(value(each, rng) for each in inner)
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        return struct(of, rng)
    made = {
        int: rng.randrange(-5, 10**6), float: rng.randrange(-400, 4000) / 8, str: rng.choice(TEXTS),
        bool: rng.random() < 0.5,
    }  # fmt: skip
    return made.get(of)


def struct(kind: type, rng: random.Random) -> Any:
    """A struct of a kind, about half of its optional fields as they are."""
    hints = typing.get_type_hints(kind)
    raw = ("conditions", "benchmark", "delta_neutral_rest", "scale_rest")
    wanted = {
        field.name: value(hints[field.name], rng)
        for field in msgspec.structs.fields(kind)
        if field.default is msgspec.NODEFAULT or (field.name not in raw and rng.random() < 0.5)
    }
    if "quantity" in hints and kind.__name__ == "Order":
        wanted["conditions"] = rng.choice([(), (("1", "a", "1", "10", "9", "SMART", "0"),), (("3", "o", "0", "x"),)])
    return kind(**wanted)


def corpus(rng: random.Random) -> list[list[str]]:
    """The fields of whole messages, every kind in both directions."""
    found = []
    for module, write in ((requests, encode_request), (replies, encode_reply)):
        base = (requests.ClientMessage, replies.ServerMessage)
        kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, base)]
        for kind in kinds:
            if kind not in base:
                messages = (struct(kind, rng) for _ in range(MESSAGES))
                found += [fields_of(write(message, rng.choice(GATES))) for message in messages]
    return found


def damaged(fields: list[str], other: list[str], rng: random.Random) -> list[str]:
    """The fields of a message after one to four mishaps."""
    hurt = fields.copy()
    for _ in range(rng.randrange(1, 5)):
        at, how = rng.randrange(len(hurt) + 1), rng.randrange(6)
        if how == 0:
            del hurt[at : at + 1]
        elif how == 1:
            hurt[at:at] = hurt[at : at + rng.randrange(1, 9)]
        elif how == 2:
            hurt[at : at + 1] = [rng.choice(NASTY)]
        elif how == 3:
            hurt[at : at + 2] = reversed(hurt[at : at + 2])
        elif how == 4:
            del hurt[at + 1 :]
        else:
            hurt[at:] = other[rng.randrange(len(other) + 1) :]
    return hurt


def flipped(frame: bytes, rng: random.Random) -> bytes:
    """A frame with some bytes changed, or without its end."""
    data = bytearray(frame)
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    return bytes(data if rng.random() < 0.7 else data[: rng.randrange(1, len(data) + 1)])


class Target:
    """What is fuzzed. counts: outcomes by name; anything but these raises."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def stream(self, data: bytes, version: int, step: int) -> None:
        """The bytes of a connection as they arrive from its socket."""
        framer = Framer()
        try:
            for at in range(0, len(data), step):
                for payload in framer.feed(data[at : at + step]):
                    self.payload(payload, version)
        except FramingError:
            self.counts["streams refused"] += 1
        if framer.waiting:
            self.counts["streams cut short"] += 1

    def payload(self, payload: bytes, version: int) -> None:
        """One frame, read in both directions and said again."""
        fields = fields_of(payload)
        self.counts["frames read"] += 1
        try:
            request = decode_request(fields, version)
            self.counts["requests understood"] += 1
            if decode_request(fields_of(encode_request(request, version)), version) != request:
                raise AssertionError(f"said again it is another: {request}")
        except CodecError:
            self.counts["requests refused"] += 1
        try:
            reply = decode_reply(fields, version)
            self.counts["replies understood"] += 1
            if decode_reply(fields_of(encode_reply(reply, version)), version) != reply:
                raise AssertionError(f"said again it is another: {reply}")
        except CodecError:
            self.counts["replies refused"] += 1


def by_chance(frames: int, seed: int) -> Target:
    """Damage at random, the same for the same seed."""
    rng, target = random.Random(seed), Target()
    whole = corpus(rng)
    for _ in range(frames):
        fields = damaged(rng.choice(whole), rng.choice(whole), rng)
        payload = "\0".join([*fields, ""]).encode("utf-8", "surrogatepass") or b"\0"
        frame = framed(payload)
        if rng.random() < 0.3:
            frame = flipped(frame, rng)
        target.stream(frame, rng.choice(GATES), rng.choice((7, 64, 1 << 16)))
    return target


def by_atheris(frames: int, seed: int, folder: Path) -> None:
    """Let atheris choose a version and a payload; it ends the process itself."""
    import atheris

    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        for place, fields in enumerate(corpus(random.Random(seed))):
            (folder / f"whole-{place}").write_bytes(b"\x0b" + "\0".join([*fields, ""]).encode())
    target = Target()
    atheris.instrument_all()

    def one_input(data: bytes) -> None:
        if len(data) > 1:
            version = GATES[data[0] % len(GATES)]
            target.payload(data[1:], version)
            target.stream(data[1:], version, 64)

    atheris.Setup([sys.argv[0], f"-runs={frames}", f"-seed={seed}", "-max_len=4096", str(folder)], one_input)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--atheris", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if options.atheris is not None:
        by_atheris(options.frames, options.seed, options.atheris)
        return
    began = time.perf_counter()
    target = by_chance(options.frames, options.seed)
    took = time.perf_counter() - began
    print(f"{options.frames} damaged frames, seed {options.seed}: {took:.1f} s, {options.frames / took:,.0f} frames/s")
    for name, count in sorted(target.counts.items()):
        print(f"  {name:20} {count:>10,}")


if __name__ == "__main__":
    main()
