"""Secrets are fetched when used, refused when others may read them, and never shown."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from config.errors import SecretError
from config.secrets import Secrets

CANARY = "s3cret+canary/42"


def held(folder: Path, mode: int = 0o600, text: str = CANARY + "\n") -> Path:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    secrets = Secrets({"HR_KEY": CANARY})
    assert secrets.resolve("secret://env/HR_KEY").reveal() == CANARY
    assert secrets.resolve(f"secret://file/{held(tmp_path)}").reveal() == CANARY
    assert Secrets({}, tmp_path).resolve("secret://file/key").reveal() == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SecretError) as refused:
        Secrets({}).resolve(f"secret://file/{held(tmp_path, mode)}")
    assert f"{mode:04o}" in str(refused.value)
    assert "chmod 600" in refused.value.next
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    "reference", ["hunter2", "secret://env/", "secret://vault/x", "secret://env/NOT_SET", "secret://file/none"]
)
def test_what_cannot_be_resolved_is_one_sentence_with_what_to_do(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SecretError) as refused:
        Secrets({}, tmp_path).resolve(reference)
    assert refused.value.code == "CONFIG_SECRET"
    assert refused.value.next
    assert "hunter2" not in str(refused.value)


def test_an_empty_file_holds_no_secret(tmp_path: Path) -> None:
    held(tmp_path, text="\n")
    with pytest.raises(SecretError, match="empty"):
        Secrets({}, tmp_path).resolve("secret://file/key")


def test_a_secret_never_prints(tmp_path: Path) -> None:
    secret = Secrets({"K": CANARY}).resolve("secret://env/K")
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>40}",
        str([secret]),
        str({1: secret}),
    ):
        assert CANARY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)


def test_every_resolved_value_is_scrubbed_from_texts_and_urls() -> None:
    secrets = Secrets({"A": CANARY, "B": "another-one", "C": "another-one-longer"})
    assert secrets.scrub(f"before {CANARY}") == f"before {CANARY}"
    for name in "ABC":
        secrets.resolve(f"secret://env/{name}")
    text = f"key={CANARY} url=https://x/?k=s3cret%2Bcanary%2F42&b=another-one-longer!another-one"
    assert secrets.scrub(text) == "key=*** url=https://x/?k=***&b=***!***"


def test_a_value_too_short_to_be_a_secret_does_not_blot_out_the_log() -> None:
    secrets = Secrets({"PIN": "1"})
    secrets.resolve("secret://env/PIN")
    assert secrets.scrub("11 orders") == "11 orders"
