"""Levels built from returns: what a unit of money in a market would have become, free of rolls."""

from __future__ import annotations

import msgspec


class ReturnLevel(msgspec.Struct):
    """Compounded returns of one market. Prices and stitched levels share a scale; which one does not matter."""

    session: int = 0
    price: float = 0.0
    adjusted: float = 0.0
    level: float = 1.0

    def update(self, session: int, price: float, adjusted: float) -> None:
        """Take one close: the change of the stitched level over the price of the contract held before."""
        if session <= self.session:
            return
        if self.session and self.price:
            self.level *= 1.0 + (adjusted - self.adjusted) / abs(self.price)
        self.session, self.price, self.adjusted = session, price, adjusted


class PairedLevels(msgspec.Struct):
    """Levels of two markets on the days on which both have a close, oldest first, the last `keep` of them."""

    keep: int
    first: ReturnLevel = msgspec.field(default_factory=ReturnLevel)
    second: ReturnLevel = msgspec.field(default_factory=ReturnLevel)
    firsts: list[float] = msgspec.field(default_factory=list)
    seconds: list[float] = msgspec.field(default_factory=list)
    session: int = 0

    def update(self, is_first: bool, session: int, price: float, adjusted: float) -> None:
        """Take a close of one of the two; a day joins the series when the other has it as well."""
        one, other = (self.first, self.second) if is_first else (self.second, self.first)
        one.update(session, price, adjusted)
        if one.session == other.session > self.session:
            self.session = one.session
            self.firsts.append(self.first.level)
            self.seconds.append(self.second.level)
            if len(self.firsts) > self.keep:
                del self.firsts[0]
                del self.seconds[0]
