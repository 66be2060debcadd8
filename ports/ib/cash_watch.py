"""How far an account's cash is behind its executions: the gateway computes it anew every few minutes only."""

from __future__ import annotations

from model.units import NS_PER_SECOND, Cash


class CashWatch:
    """Cash by currency as it was last said, and since when it lacks an execution.

    patience_s: after so long without a change the figure is believed as it is.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_ns = int(patience_s * NS_PER_SECOND)
        self._said: dict[str, Cash] = {}
        self._behind: dict[str, int] = {}

    def executed(self, currency: str, now_ns: int) -> None:
        """Cash of this currency will change; until it does, what is said of it is from before now."""
        self._behind.setdefault(currency, now_ns)

    def said(self, currency: str, amount: Cash) -> None:
        if self._said.get(currency) != amount:
            self._said[currency] = amount
            self._behind.pop(currency, None)

    def as_of(self, now_ns: int) -> int:
        """The moment for which all cash that was said is true."""
        self._behind = {each: since for each, since in self._behind.items() if now_ns - since < self._patience_ns}
        return min((since - 1 for since in self._behind.values()), default=now_ns)
