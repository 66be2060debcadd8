"""The gateway's own connection upstream, and the farms that its data come from: up, lost, or restored with a loss."""

from __future__ import annotations

from collections.abc import Callable

from simulation.tws.replies import ErrorMessage

FARMS: dict[str, tuple[int, int]] = {
    "usfarm": (2103, 2104),
    "ushmds": (2105, 2106),
    "secdefil": (2157, 2158),
}
"""Farm -> codes of its outage and of its return. They carry market data, history and contract details."""

TEXTS: dict[int, str] = {
    1100: "Connectivity between the broker and the gateway has been lost.",
    1101: "Connectivity between the broker and the gateway has been restored - data lost.",
    1102: "Connectivity between the broker and the gateway has been restored - data maintained.",
    2110: "Connectivity between the gateway and its server is broken. It will be restored automatically.",
    2103: "Market data farm connection is broken:{farm}",
    2104: "Market data farm connection is OK:{farm}",
    2105: "HMDS data farm connection is broken:{farm}",
    2106: "HMDS data farm connection is OK:{farm}",
    2157: "Sec-def data farm connection is broken:{farm}",
    2158: "Sec-def data farm connection is OK:{farm}",
}
MARKET_DATA, HISTORY, DEFINITIONS = FARMS


class Link:
    """What is up. Whoever changes it is told by `said` what every client then hears.

    While the link is lost the broker goes on, nobody hears of it, and orders of clients wait in the gateway.
    """

    def __init__(self) -> None:
        self.up = True
        self.broken: set[str] = set()
        self.competing = False
        self.said: Callable[[ErrorMessage], None] = lambda message: None

    @property
    def flows(self) -> bool:
        """Whether prices reach clients."""
        return self.up and not self.competing and MARKET_DATA not in self.broken

    def lose(self, code: int = 1100) -> None:
        """code: 1100, or 2110 when it is the gateway's own server that cannot be reached."""
        self.up = False
        self.say(code)

    def restore(self, *, data_lost: bool) -> None:
        self.up = True
        self.say(1101 if data_lost else 1102)

    def break_farm(self, farm: str) -> None:
        """Raises LookupError for a farm that is not there."""
        self._known(farm)
        self.broken.add(farm)
        self.say(FARMS[farm][0], farm)

    def mend_farm(self, farm: str) -> None:
        """Raises LookupError for a farm that is not there."""
        self._known(farm)
        self.broken.discard(farm)
        self.say(FARMS[farm][1], farm)

    def greeting(self) -> list[ErrorMessage]:
        """The state of every farm, as a client hears it when it comes."""
        codes = {farm: FARMS[farm][0 if farm in self.broken else 1] for farm in FARMS}
        said = [notice(code, farm) for farm, code in codes.items()]
        return said if self.up else [*said, notice(1100)]

    def say(self, code: int, farm: str = "") -> None:
        self.said(notice(code, farm))

    def _known(self, farm: str) -> None:
        if farm not in FARMS:
            raise LookupError(f"there is no farm {farm!r}; there are {', '.join(FARMS)}")


def notice(code: int, farm: str = "") -> ErrorMessage:
    """A message about no request."""
    return ErrorMessage(code=code, text=TEXTS[code].format(farm=farm))
