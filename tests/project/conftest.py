"""`run` has no ending that import knows, so the tests of this folder load it here."""

import importlib.machinery
import importlib.util
from types import ModuleType

import pytest

from tests.project.house import ROOT


@pytest.fixture(scope="session")
def run_module() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("run_file", str(ROOT / "run"))
    spec = importlib.util.spec_from_loader("run_file", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
