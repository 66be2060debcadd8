"""All seeded bugs, by the part of the engine that they make sick."""

from __future__ import annotations

from collections.abc import Mapping

from tests.seeded_bugs.bug import Bug
from tests.seeded_bugs.bugs_of_fills import FILLS
from tests.seeded_bugs.bugs_of_orders import ORDERS
from tests.seeded_bugs.bugs_of_restarts import RESTARTS
from tests.seeded_bugs.bugs_of_risk import RISK
from tests.seeded_bugs.bugs_of_runtime import RUNTIME

PARTS: Mapping[str, tuple[Bug, ...]] = {
    "The life of an order": ORDERS,
    "Executions, money and comparisons": FILLS,
    "What outlives a process": RESTARTS,
    "Prices, limits and modes": RISK,
    "The runtime": RUNTIME,
}
BUGS: tuple[Bug, ...] = tuple(bug for part in PARTS.values() for bug in part)


def by_name(name: str) -> Bug:
    """Raises LookupError for a name that no bug has."""
    for bug in BUGS:
        if bug.name == name:
            return bug
    raise LookupError(f"there is no seeded bug {name!r}; one of {', '.join(bug.name for bug in BUGS)} is")
