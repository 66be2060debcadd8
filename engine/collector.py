"""The cyclic collector, which has next to nothing to do here: messages make no cycles, and books grow for years."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = (100_000, 20, 100)
"""Its thresholds while an engine runs."""


@contextmanager
def seldom() -> Iterator[None]:
    """Let the collector look seldom; it is as it was afterwards. Can be nested."""
    usual = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def at_rest() -> Iterator[None]:
    """The same for good: what is there now is not looked at again until the end."""
    gc.collect()
    gc.freeze()
    try:
        with seldom():
            yield
    finally:
        gc.unfreeze()
