"""Determinism is a law: what decides reads no clock, draws no chance and walks no set; the checker is shown to bite."""

from pathlib import Path

import pytest

from tests.project.determinism import violations
from tests.project.house import ROOT, modules

DECIDING = [*modules("actors", "sleeves", "quant")]
TABLES = [path for path in modules("state") if path.name.endswith("_law.py") or path.name.startswith("tables")]
WITHOUT_FILES = ("actors", "sleeves")

CLOCKS_AND_CHANCE = [
    "import time",
    "import time as t\nnow = t.monotonic_ns()",
    "from time import perf_counter",
    "import random",
    "from random import Random",
    "import secrets",
    "from uuid import uuid4",
    "import uuid",
    "import asyncio",
    "from asyncio import sleep",
    "import asyncio.queues",
    "from os import urandom",
    "import os\nsalt = os.urandom(8)",
    "import numpy.random",
    "from numpy import random",
    "from numpy.random import default_rng",
    "import numpy as np\ndraw = np.random.default_rng(7).normal()",
    "import datetime\nnow = datetime.datetime.now(datetime.UTC)",
    "import datetime as dt\ntoday = dt.date.today()",
    "from datetime import datetime\nnow = datetime.now()",
    "from datetime import datetime as moment\nnow = moment.utcnow()",
    "from datetime import datetime\nread_clock = datetime.today",
    "import pandas as pd\nnow = pd.Timestamp.now()",
    "def lazily():\n    import time",
    "def lazily():\n    import datetime\n    return datetime.datetime.now()",
]
ADDRESSES = [
    "key = id(object())",
    "key = hash('EURUSD')",
    "keys = sorted(orders, key=id)",
    "def key(self):\n    return hash(self.name)",
]
SETS = [
    "for leg in {1, 2}: print(leg)",
    "for leg in set(legs): print(leg)",
    "for leg in frozenset(legs): print(leg)",
    "for leg in {x for x in legs}: print(leg)",
    "doubled = [2 * x for x in set(legs)]",
    "doubled = {x: 2 for x in {1, 2}}",
    "doubled = sum(2 * x for x in set(legs))",
    "flat = [y for x in legs for y in set(x)]",
    "order = list(set(legs))",
    "order = tuple({1, 2})",
    "first = next(iter(set(legs)))",
    "total = sum({0.1, 0.2})",
    "pairs = list(zip(names, set(legs)))",
    "text = ','.join(set(names))",
    "book = dict.fromkeys(set(names))",
    "array = np.array(set(legs))",
    "print(*set(legs))",
    "order = [*set(legs)]",
    "a, b = set(legs)",
    "def walk(legs):\n    yield from set(legs)",
    "any_one = set(legs).pop()",
    "for leg in set(a) | b: print(leg)",
    "for leg in a - {1}: print(leg)",
    "for name in old.keys() - new.keys(): print(name)",
    "for leg in set(a).union(b): print(leg)",
    "for leg in (set(a) if a else set()): print(leg)",
    "seen = set()\nfor leg in seen: print(leg)",
    "def walk(legs: set[int]):\n    for leg in legs: print(leg)",
    "def walk(legs: frozenset[int] | None):\n    return list(legs)",
    "def walk(legs: 'set[int]'):\n    return list(legs)",
    "from collections.abc import Set\ndef walk(legs: Set[int]):\n    return list(legs)",
    "class Book:\n    def __init__(self):\n        self.live = set()\n    def a(self):\n        return list(self.live)",
    "class Book:\n    live: set[str]\n    def walk(self):\n        return [x for x in self.live]",
    "def walk(a):\n    if (both := set(a)):\n        return list(both)",
]
FILES = [
    "with open('x') as file: print(file)",
    "import io",
    "import os",
    "from os import path",
    "from pathlib import Path",
    "import pathlib\nroot = pathlib.Path('.')",
    "import sqlite3",
    "import socket",
    "import subprocess",
    "import tempfile",
    "def load(path):\n    return path.read_text()",
    "def save(path):\n    path.write_bytes(b'')",
]
INNOCENT = [
    "from datetime import datetime, timedelta, timezone",
    "from datetime import datetime\ndef at(text):\n    return datetime.fromisoformat(text)",
    "import numpy as np\nvol = np.sqrt(np.var(returns))",
    "def since(time):\n    return time.ns",
    "class Order:\n    id: str\n    hash: str\n    def key(self):\n        return self.id + self.hash",
    "def find(id):\n    return book[id]",
    "for leg in sorted(set(legs)): print(leg)",
    "known = 3 in {1, 2}",
    "size = len(set(legs))",
    "both = set(a) & set(b)",
    "top = max(set(legs))",
    "full = all(set(legs))",
    "def walk(seen: dict[str, int]):\n    return list(seen)",
    "def one(legs: set[int]):\n    return len(legs)\ndef other(legs: list[int]):\n    return list(legs)",
    "for name in book.keys(): print(name)",
    "stack = [1]\nlast = stack.pop()",
    "def list(x):\n    return x\nkept = list({1})",
    "from pathlib import PurePath",
    "class Door:\n    open: bool\n    def closed(self):\n        return not self.open",
]


@pytest.mark.parametrize("path", DECIDING + TABLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_deciding_module_depends_on_its_inputs_alone(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    found = violations(path.read_text(), bans_files=room in WITHOUT_FILES)
    assert not found, "\n".join(f"{path.relative_to(ROOT)}:{each.line}: {each.what}" for each in found)


@pytest.mark.parametrize("source", CLOCKS_AND_CHANCE + ADDRESSES + SETS)
def test_the_checker_catches(source: str) -> None:
    assert violations(source)


@pytest.mark.parametrize("source", FILES)
def test_the_checker_catches_files_where_they_are_banned(source: str) -> None:
    assert violations(source, bans_files=True)
    assert not violations(source)


@pytest.mark.parametrize("source", INNOCENT)
def test_the_checker_lets_pass(source: str) -> None:
    assert not violations(source, bans_files=True)


def test_a_violation_names_its_line() -> None:
    assert [each.line for each in violations("x = 1\n\nimport random\n")] == [3]
