"""An operator's answer for an order in doubt, through the control port's own socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.message import Message, Told
from model.execution import DeclareAbsent
from tests.app.kit import hedgerow, obeyed

DOUBTED, WORKING = "hr-00000000000000000000000a", "hr-00000000000000000000000b"


class Engine:
    """Stands for the order manager: it has orders, and gives up the one that it is told is not there."""

    def __init__(self) -> None:
        self.orders = {DOUBTED: "UNKNOWN", WORKING: "WORKING"}
        self.told: list[tuple[str, Message]] = []

    def tell(self, to: str, message: Message) -> Told:
        self.told.append((to, message))
        if isinstance(message, DeclareAbsent):
            self.orders.pop(message.client_id, None)
        return Told.OK

    def status(self) -> dict[str, Any]:
        return {"working": [{"id": name, "state": state} for name, state in self.orders.items()]}


async def test_an_order_in_doubt_is_given_up_on_a_persons_word(tmp_path: Path) -> None:
    engine = Engine()
    said = await obeyed(engine, tmp_path, "absent", DOUBTED, "--reason", "the desk has nothing", "--yes")
    assert (said.status, said.out) == (0, f"{DOUBTED} is given up\n")
    [(to, word)] = engine.told
    assert isinstance(word, DeclareAbsent)
    assert (to, word.client_id, word.reason) == ("orders", DOUBTED, "the desk has nothing")
    assert word.by
    assert list(engine.orders) == [WORKING]


async def test_an_order_of_which_something_is_known_is_not_answered_for(tmp_path: Path) -> None:
    engine = Engine()
    said = await obeyed(engine, tmp_path, "absent", WORKING, "--reason", "a slip", "--yes")
    assert said.status != 0
    assert f"{WORKING} is not in doubt; in doubt are: {DOUBTED}" in said.err
    assert engine.told == []


async def test_an_answer_without_a_reason_is_refused(tmp_path: Path) -> None:
    assert (await obeyed(Engine(), tmp_path, "absent", DOUBTED, "--yes")).status == 2


def test_without_an_engine_there_is_nobody_to_answer(tmp_path: Path) -> None:
    assert hedgerow("absent", DOUBTED, "--reason", "x", "--yes", "--state", str(tmp_path)).status == 3
