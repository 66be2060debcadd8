"""Contract ids (conIds): made from what a contract is, so that every run and every machine gives the same.

Positive and below 2**31, as clients expect.

* A product has a slot of 18 bits, the digest of `kind:instrument id` modulo 2**18 - 1, plus 1.
* Everything but an option is  slot * 4096 + month, where month counts from January 1900 for a future (`ES` of December
  2026: 1524) and is 0 for all else.
* An option is  2**30 + root * 2**24 + the digest of `expiry right strike` modulo 2**24; `root` is its class's number in
  the table of roots, 0 to 63.

The digest is the third eight bytes of SHA-256 as a big-endian number.

Two names that meet are parted by the next free number in the order of their names; `Slots.moved` says which, and tests
hold that no shipped product is among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

MONTHS = 4096
SLOTS = 2**18 - 1
OPTIONS = 2**30
STRIKES = 2**24


class Slots:
    """A number for each name, the same whatever else there is unless two meet. moved: names that had to step aside.

    Raises ValueError when there are more names than slots.
    """

    def __init__(self, names: Iterable[str], size: int) -> None:
        self.of: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.moved: list[str] = []
        for name in sorted(set(names)):
            if len(self.of) >= size:
                raise ValueError(f"there are more than {size} names to number; use fewer contracts")
            at = wanted = _digest(name) % size
            while at in self.names:
                at = (at + 1) % size
            if at != wanted:
                self.moved.append(name)
            self.of[name], self.names[at] = at, name


def product_ids(names: Iterable[str]) -> Slots:
    """Slots of products, by `kind:instrument id`."""
    return Slots(names, SLOTS)


def con_id(slot: int, month: int = 0) -> int:
    """The id of a contract. month: yyyymm of a future, 0 for all else. Raises ValueError for a month it cannot hold."""
    place = 0
    if month:
        year, number = divmod(month, 100)
        place = (year - 1900) * 12 + number
        if not (1 <= number <= 12 and 0 < place < MONTHS):
            raise ValueError(f"{month} is not a contract month; give yyyymm after 1900")
    return (slot + 1) * MONTHS + place


def taken_apart(number: int) -> tuple[int, int]:
    """Slot and month (yyyymm or 0) of an id that is not an option's."""
    slot, place = divmod(number, MONTHS)
    return slot - 1, (1900 + (place - 1) // 12) * 100 + (place - 1) % 12 + 1 if place else 0


def option_ids(root: int, names: Iterable[str]) -> dict[str, int]:
    """Ids of the options of one root by `expiry right strike`."""
    base = OPTIONS + root * STRIKES
    return {name: base + at for name, at in Slots(names, STRIKES).of.items()}


def root_of(number: int) -> int | None:
    """The root's number of an option's id, None for another contract's."""
    return (number - OPTIONS) // STRIKES if number >= OPTIONS else None


def numbered(texts: Iterable[str], size: int) -> Mapping[str, int]:
    """A number from 1 to `size` for each text: market rules."""
    return {name: at + 1 for name, at in Slots(texts, size).of.items()}


def _digest(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[16:24], "big")
