"""The page about the laws says what the tables say."""

from __future__ import annotations

from pathlib import Path

from state import diagram
from state.order_law import PLANNED, TABLE, TERMINAL, OrderEvent

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_in_the_repository_is_current() -> None:
    assert (DOCS / diagram.PAGE).read_text(encoding="utf-8") == diagram.page(), "run: python -m state.diagram docs"


def test_writing_the_page_gives_that_page(tmp_path: Path) -> None:
    assert diagram.write(tmp_path).read_text(encoding="utf-8") == diagram.page()


def test_the_diagram_shows_how_an_order_is_lost_and_sent_again() -> None:
    drawn = diagram.mermaid(TABLE, PLANNED, TERMINAL)
    assert "UNKNOWN --> LOST: NOT_SENT, PROVEN_ABSENT" in drawn
    assert "LOST --> SENT: RESENT" in drawn
    assert drawn.count("[*]") == 1 + len(TERMINAL)


def test_the_table_has_a_row_for_every_event_and_explains_every_reason() -> None:
    rows = diagram.markdown(TABLE).splitlines()
    assert [row.split(" | ")[0][2:] for row in rows[2 : 2 + len(OrderEvent)]] == [event.value for event in OrderEvent]
    explained = [row.split(" ")[1] for row in rows[2 + len(OrderEvent) :] if row.startswith("| ")][1:]
    assert explained == sorted({outcome.note.name for outcome in TABLE.values()} - {"AS_PLANNED"})
