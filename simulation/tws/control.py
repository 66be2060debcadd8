"""The hand on a running gateway: what a test, or a person at a terminal, makes happen."""

from __future__ import annotations

from simulation.tws.gateway import Gateway


class Control:
    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
