"""The end of a replay."""

from __future__ import annotations

from collections.abc import Callable


class End:
    """A source that stops the host when the replay has come to its end."""

    def __init__(self, at_ns: int) -> None:
        self._at_ns: int | None = at_ns
        self.stop: Callable[[], None] = lambda: None

    def next_ns(self) -> int | None:
        return self._at_ns

    def fire(self, now_ns: int) -> None:
        self._at_ns = None
        self.stop()
