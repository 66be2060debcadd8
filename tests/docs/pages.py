"""The pages people meet first, their code blocks and their links."""

from __future__ import annotations

import re
from pathlib import Path

from tests.project.house import ROOT

PAGES = ("README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")))
FENCED = re.compile(r"^```[a-z]*\n.*?^```$", re.DOTALL | re.MULTILINE)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code_blocks(text: str, language: str) -> list[str]:
    """The content of every fenced block of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def links(page: str) -> list[tuple[str, Path]]:
    """Relative links and images of a page outside its code blocks: as written, and the path that each stands for."""
    found = re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", read(page)))
    return [
        (link, ((ROOT / page).parent / link.partition("#")[0]).resolve())
        for link in found
        if "://" not in link and not link.startswith("#")
    ]
