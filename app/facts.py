"""Every kind of fact that an engine journals: importing the rooms makes their events known."""

from __future__ import annotations

import importlib
import pkgutil

import actors
import model
from state.journal import Events


def events() -> Events:
    """The registry of all event classes of `model` and `actors`."""
    for room in (model, actors):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)
    return Events.discover()
