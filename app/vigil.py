"""Whether an engine lives, judged from outside by its heartbeat alone. Pure: no clock, no file."""

from __future__ import annotations

import msgspec

from ports.guardian.heartbeat import Heartbeat


class Lapse(msgspec.Struct, frozen=True):
    """An engine that must be ended: its last heartbeat and why."""

    beat: Heartbeat
    why: str


class Vigil:
    """Watches heartbeats; times are the watcher's own, so that no two clocks are compared.

    An engine lives while new beats come, the watchdog actor speaks, and whatever has work waiting moves on. A loop that
    beats while its turns or its journal stand still is not alive.
    """

    def __init__(self, lapse_s: float) -> None:
        self._lapse_s = lapse_s
        self._moved_s: dict[str, tuple[object, float]] = {}

    def look(self, beat: Heartbeat | None, now_s: float) -> Lapse | None:
        """What has lapsed by now, if anything. None before the first beat and after an orderly end."""
        if beat is None or beat.ended:
            self._moved_s.clear()
            return None
        pulse = beat.pulse
        stands = {
            "beats": self._still_s("beats", (beat.process, beat.beat), now_s),
            "words": self._still_s("words", (beat.process, beat.words), now_s),
            "turns": self._still_s("turns", (beat.process, pulse.turns, pulse.unread == 0), now_s),
            "journal": self._still_s("journal", (beat.process, pulse.seq, pulse.undurable == 0), now_s),
        }
        if pulse.unread == 0:
            stands["turns"] = 0.0
        if pulse.undurable == 0:
            stands["journal"] = 0.0
        texts = {
            "beats": "no heartbeat",
            "words": "no word from the watchdog actor",
            "turns": f"{pulse.unread} messages wait and none was handled",
            "journal": f"{pulse.undurable} rows wait and none became durable after row {pulse.seq}",
        }
        late = [f"{texts[what]} for {still_s:.0f} s" for what, still_s in stands.items() if still_s > self._lapse_s]
        return Lapse(beat, "; ".join(late)) if late else None

    def _still_s(self, what: str, value: object, now_s: float) -> float:
        """How long a value has been what it is."""
        known = self._moved_s.get(what)
        if known is None or known[0] != value:
            self._moved_s[what] = (value, now_s)
            return 0.0
        return now_s - known[1]
