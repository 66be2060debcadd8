"""The lock names the public index and nothing else, wherever it was made."""

import re
import tomllib
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.project.house import PYPROJECT, ROOT

LOCK_TEXT = (ROOT / "uv.lock").read_text()
PACKAGES: list[dict[str, Any]] = tomllib.loads(LOCK_TEXT)["package"]
OTHERS = [package for package in PACKAGES if package["name"] != "hedgerow"]
HEDGEROW = next(package for package in PACKAGES if package["name"] == "hedgerow")


def archives(package: dict[str, Any]) -> list[dict[str, Any]]:
    return [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=;\[ ]", requirement)[0].replace(".", "-") for requirement in requirements}


def test_every_address_is_the_public_index_or_its_file_host() -> None:
    hosts = {urlsplit(url).netloc for url in re.findall(r'"([a-z+]+:[^"]*)"', LOCK_TEXT) if "//" in url}
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
    assert "file:" not in LOCK_TEXT


def test_every_package_comes_from_the_public_index() -> None:
    assert {package["source"]["registry"] for package in OTHERS} == {"https://pypi.org/simple"}
    assert HEDGEROW["source"] == {"editable": "."}


def test_every_archive_has_a_hash() -> None:
    for package in OTHERS:
        assert archives(package), package["name"]
        for archive in archives(package):
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", archive["hash"]), archive


def test_no_package_needs_a_compiler_on_a_usual_machine() -> None:
    for package in OTHERS:
        wheels = [wheel["url"] for wheel in package.get("wheels", [])]
        assert any("none-any" in url or re.search(r"manylinux.*x86_64", url) for url in wheels), package["name"]


def test_the_lock_was_made_from_this_pyproject() -> None:
    metadata = HEDGEROW["metadata"]
    assert {entry["name"] for entry in metadata["requires-dist"]} == names(PYPROJECT["project"]["dependencies"])
    for group, requirements in PYPROJECT["dependency-groups"].items():
        assert {entry["name"] for entry in metadata["requires-dev"][group]} == names(requirements)


@pytest.mark.parametrize(("package", "below"), [("numpy", (2, 5)), ("uvloop", (0, 23)), ("pandas", (4,))])
def test_a_pin_that_keeps_golden_numbers_or_later_packages_installable_holds(
    package: str, below: tuple[int, ...]
) -> None:
    versions = [
        tuple(int(part) for part in entry["version"].split(".")) for entry in OTHERS if entry["name"] == package
    ]
    assert len(versions) == 1
    assert versions[0] < below
