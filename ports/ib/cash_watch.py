"""How far an account's cash is behind its executions: the gateway computes it anew every few minutes only."""

from __future__ import annotations

import asyncio

from model.units import Cash


class CashWatch:
    """Cash by currency as it was last said, and since when it lacks an execution.

    patience_s: after so long without a change, by the loop's clock, the figure is believed as it is.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._said: dict[str, Cash] = {}
        self._behind: dict[str, tuple[int, float]] = {}

    def executed(self, currency: str, now_ns: int) -> None:
        """Cash of this currency will change; until it does, what is said of it is from before now."""
        self._behind.setdefault(currency, (now_ns, asyncio.get_running_loop().time()))

    def said(self, currency: str, amount: Cash) -> None:
        if self._said.get(currency) != amount:
            self._said[currency] = amount
            self._behind.pop(currency, None)

    def as_of(self, now_ns: int) -> int:
        """The moment for which all cash that was said is true."""
        patient_s = asyncio.get_running_loop().time() - self._patience_s
        self._behind = {each: since for each, since in self._behind.items() if since[1] > patient_s}
        return min((since_ns - 1 for since_ns, _ in self._behind.values()), default=now_ns)
