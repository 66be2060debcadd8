"""Which account may be traded."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.orders import VenueDown
from ports.ib.account_guard import CONFIRMATION, check_accounts, check_settings, sentence
from ports.ib.errors import WrongAccount
from ports.ib.settings import AccountMode, IBSettings
from state.lake import Lake
from tests.ib.kit import stand


def settings(folder: Path, account: str, mode: AccountMode) -> IBSettings:
    return IBSettings(account=account, state_dir=str(folder), mode=mode)


def test_a_paper_account_in_paper_mode_may_be_traded(tmp_path: Path) -> None:
    made = settings(tmp_path, "DU123", AccountMode.PAPER)
    check_settings(made)
    check_accounts(made, ["DU123", "DU999"])


@pytest.mark.parametrize(
    ("account", "mode"),
    [("U123", AccountMode.PAPER), ("DU123", AccountMode.LIVE), ("", AccountMode.PAPER), ("U123", AccountMode.LIVE)],
)
def test_account_and_mode_that_disagree_are_refused(tmp_path: Path, account: str, mode: AccountMode) -> None:
    with pytest.raises(WrongAccount):
        check_settings(settings(tmp_path, account, mode))


@pytest.mark.parametrize("typed", ["", "yes", "Trade account U124 with real money"])
def test_anything_but_the_sentence_is_no_confirmation(tmp_path: Path, typed: str) -> None:
    (tmp_path / CONFIRMATION).write_text(typed)
    with pytest.raises(WrongAccount, match="nobody has confirmed"):
        check_settings(settings(tmp_path, "U123", AccountMode.LIVE))


def test_the_typed_sentence_allows_the_live_account_and_no_other(tmp_path: Path) -> None:
    (tmp_path / CONFIRMATION).write_text(sentence("U123") + "\n")
    check_settings(settings(tmp_path, "U123", AccountMode.LIVE))
    with pytest.raises(WrongAccount):
        check_settings(settings(tmp_path, "U124", AccountMode.LIVE))


async def test_a_gateway_with_another_account_is_never_traded(lake: Lake, tmp_path: Path) -> None:
    async with stand(lake, tmp_path) as here:
        here.start(account="DU7654321")
        down = await here.heard_of(VenueDown)
        assert "DU7654321" in down.reason
        assert not here.port.link.ready
