"""One fault of one day, as chance drew it: all that is needed to let it happen again."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import msgspec

from model.units import NS_PER_SECOND
from simulation.prove.scene import Scene


class Drawn(NamedTuple):
    """What chance says of a fault besides its name and time; see Fault."""

    what: str = ""
    much: int = 0
    lasts_ns: int = 0


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A name of the catalogue and its particulars.

    at_ns: since the day's beginning.  lasts_ns: 0 for what happens and is over.  what: whom it befalls, or in which
    way.  much: how much of it, in the fault's own measure.
    """

    name: str
    at_ns: int
    lasts_ns: int = 0
    what: str = ""
    much: int = 0

    def __str__(self) -> str:
        seconds, rest = divmod(self.at_ns, NS_PER_SECOND)
        clock = f"+{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest // 10**6:03}"
        what = f": {self.what}" if self.what else ""
        much = f" ({self.much})" if self.much else ""
        lasts = f" for {self.lasts_ns / NS_PER_SECOND:g} s" if self.lasts_ns else ""
        return f"{clock} {self.name}{what}{much}{lasts}"


class Entry(NamedTuple):
    """One kind of fault. share: how often it is drawn, beside the others.  end: of one that lasts."""

    share: int
    draw: Callable[[Random], Drawn]
    begin: Callable[[Scene, Fault], None]
    end: Callable[[Scene, Fault], None] | None = None
