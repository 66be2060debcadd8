"""How an engine is told of an exchange in another process, and what it says when that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load_settings
from config.settings import ProcessVenue
from tests.app.kit import hedgerow

KIND = "venue.kind=exchange_process"


@pytest.mark.parametrize("address", ["/run/exchange.sock", "./x.sock", "127.0.0.1:7500", "localhost:7500"])
def test_an_exchange_is_a_socket_or_a_port_of_this_machine(address: str) -> None:
    settings = load_settings(environment={}, overrides=(KIND, f"venue.address={address}", "venue.settle_s=2"))
    assert settings.venue == ProcessVenue(address=address, settle_s=2.0)


@pytest.mark.parametrize("address", ["exchange.example:7500", "127.0.0.1:0", "127.0.0.1:99999", "here"])
def test_an_exchange_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="neither a socket's path nor a port of this machine"):
        load_settings(environment={}, overrides=(KIND, f"venue.address={address}"))


def test_an_exchange_process_is_not_for_live_money(tmp_path: Path) -> None:
    words = ["--set", KIND, "--set", "venue.address=/run/x.sock", "--set", "mode=live"]
    said = hedgerow("run", "--program", "demo", "--state", tmp_path / "state", *words)
    assert said.status == 2
    assert "live needs a real venue" in said.err
