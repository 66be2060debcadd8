"""Cases on virtual time: the same client, port and gateway, wires instead of sockets, and nobody waits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

from simulation.stage import VirtualLoop

Case = Callable[..., Coroutine[Any, Any, None]]


class Played(Protocol):
    """A test that pytest calls as any other; `__wrapped__` is the case, to be played under other seeds."""

    __wrapped__: Case

    def __call__(self, **given: Any) -> None: ...


def play(seed: int, case: Coroutine[Any, Any, Any]) -> VirtualLoop:
    """Run a case to its end under a seed; what asyncio would only have logged fails it."""
    loop = VirtualLoop(seed=seed)
    try:
        loop.run_until_complete(case)
    except BaseException as failed:
        failed.add_note(f"seed {seed}")
        raise
    assert loop.complaints == [], f"seed {seed}"
    return loop


def on_virtual_time(case: Case) -> Played:
    """Play a case whenever pytest calls it, under one seed."""

    @functools.wraps(case)
    def played(**given: Any) -> None:
        play(0, case(**given))

    return cast(Played, played)
