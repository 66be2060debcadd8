"""A small valid configuration in a folder, to be spoiled one line at a time."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.errors import ConfigError
from config.loader import Configuration, load

SETTINGS = """\
mode: paper
instruments: [{folder}/instruments.yaml]
risk:
  max_order_share: 0.10
  vol_target_annual: 0.12
execution:
  ttl_s: 120
"""

PROGRAM = """\
id: tiny
base_currency: USD
capital: 1_000_000
sleeves:
  - id: core
    kind: core_index_rv
    capital_share: 0.5
    params:
      long: SP500
      short: EURO600
  - id: trend
    kind: trend
    capital_share: 0.5
    params:
      instruments: [SP500, EURO600]
  - id: hedge
    kind: fx_hedge
    capital_share: 0
    params:
      hedges:
        EUR: EUR_micro
"""

INSTRUMENTS = """\
instruments:
  - id: SP500
    kind: future
    venue: CME
    currency: USD
    calendar: CME_EQUITY
    multiplier: 50
    tick: 0.25
    roll: {hold_cycle: HMUZ, offset_days: -5}
  - id: EURO600
    kind: future
    venue: EUREX
    currency: EUR
    calendar: EUREX
    multiplier: 50
    tick: 0.1
    roll: {hold_cycle: HMUZ, offset_days: -5}
  - id: EUR_micro
    kind: future
    venue: CME
    currency: USD
    calendar: CME_FX
    multiplier: 12500
    underlying: EUR
    tick: 0.0001
    roll: {hold_cycle: HMUZ, offset_days: -5}
  - id: SMEA
    kind: etf
    venue: LSEETF
    currency: GBP
    calendar: LSE
    price_magnifier: 100
    tick: 0.01
  - {id: VIX_INDEX, kind: index, venue: CBOE, currency: USD, calendar: NYSE, tradeable: false}
"""


class Room(msgspec.Struct):
    """Three files in a folder, the environment and the command line."""

    folder: Path
    environment: dict[str, str] = {}
    overrides: list[str] = []

    @classmethod
    def furnish(cls, folder: Path) -> Room:
        room = cls(folder, {}, [])
        room.write("settings", SETTINGS.replace("{folder}", str(folder)))
        room.write("program", PROGRAM)
        room.write("instruments", INSTRUMENTS)
        return room

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.yaml"

    def write(self, name: str, text: str | bytes) -> None:
        self.path(name).write_bytes(text.encode() if isinstance(text, str) else text)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace one text in one file; it must be there once."""
        text = self.path(name).read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def load(self) -> Configuration:
        return load(
            self.path("program"),
            settings=self.path("settings"),
            environment=self.environment,
            overrides=self.overrides,
        )

    def refusal(self) -> ConfigError:
        """The error of a configuration that must not load."""
        try:
            self.load()
        except ConfigError as error:
            return error
        raise AssertionError("the configuration was accepted")
