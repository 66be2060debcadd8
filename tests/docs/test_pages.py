"""What the pages say exists: links, commands, tables, codes. And nothing tells where it was written."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import subprocess
from pathlib import Path
from types import ModuleType

import click
import pytest

from actors.watchdog import HealthLimits
from app.cli import COMMANDS, hedgerow
from tests.docs.pages import PAGES, links, read
from tests.project.house import ROOT, modules

CALL = re.compile(r"(?:\bhedgerow|python3 run|-m app)((?: +(?!…)[^\s`#|;]+)+)")
NOT_OURS = {"test", "help", "COMMAND", "PATH"}
WORDS = re.compile(r"[a-z][a-z-]*$")


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_architecture", ROOT / "scripts" / "make_architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- links


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    missing = [link for link, path in links(page) if not path.exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_every_link_into_a_page_finds_its_heading(page: str) -> None:
    lost = [
        link
        for link, path in links(page)
        if "#" in link and path.suffix == ".md" and link.partition("#")[2] not in headings(path)
    ]
    assert not lost


def headings(path: Path) -> set[str]:
    """The names by which a page's headings are linked to."""
    found = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


def test_the_index_names_every_page() -> None:
    named = {path for _, path in links("docs/index.md")}
    assert not [page for page in PAGES if page != "docs/index.md" and (ROOT / page).resolve() not in named]


# -- commands


def calls(page: str) -> list[list[str]]:
    """Every `hedgerow …` and `python3 run …` in code, as words."""
    text = read(page).replace("\\\n", " ")
    code = re.findall(r"^```(?:sh|console)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    found: list[list[str]] = []
    for line in "\n".join([*code, *inline]).splitlines():
        for call in CALL.findall(line):
            try:
                words = shlex.split(call)
            except ValueError:
                words = call.replace('"', "").split()
            if WORDS.match(words[0]) and words[0] not in NOT_OURS:
                found.append(words)
    return found


def wrong(words: list[str]) -> str:
    """What is wrong with a call: a command or option that does not exist, or nothing."""
    command: click.Command = hedgerow
    options: set[str] = set()
    alone = False  # a group that has been given an option does what it does without a command
    for word in words:
        context = click.Context(command)
        alone = alone or (word.startswith("--") and getattr(command, "invoke_without_command", False))
        if isinstance(command, click.Group) and not alone:
            below = command.get_command(context, word)
            if below is None:
                return f"there is no command {word}"
            command = below
            options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
        elif word.startswith("--") and word.partition("=")[0] not in options:
            return f"{command.name} has no option {word}"
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_every_command_on_the_page_exists_with_its_options(page: str) -> None:
    found = {" ".join(words): wrong(words) for words in calls(page)}
    assert not {call: why for call, why in found.items() if why}


def test_the_reader_of_commands_sees_them_and_their_mistakes() -> None:
    assert sum(len(calls(page)) for page in PAGES) > 80
    assert wrong(["replay", "--program", "demo", "--fresh"]) == ""
    assert wrong(["replay", "--programme", "demo"]) == "replay has no option --programme"
    assert wrong(["journal", "burn"]) == "there is no command burn"


def test_every_command_is_mentioned_somewhere() -> None:
    mentioned = {words[0] for page in PAGES for words in calls(page)}
    assert set(COMMANDS) <= mentioned


# -- what is generated


@pytest.mark.parametrize("page", ["architecture.md", "when-it-halts.md", "reliability.md"])
def test_generated_tables_are_current(page: str) -> None:
    text, made = read(f"docs/{page}"), maker()
    assert made.renewed(text, made.PAGES[page]) == text, "run python scripts/make_architecture.py"


def test_every_message_is_heard_or_journalled() -> None:
    made = maker()
    heard = made.hearers()
    from engine.message import Event

    deaf = [kind.__name__ for kind in made.vocabulary() if kind not in heard and not issubclass(kind, Event)]
    assert sorted(deaf) == sorted(made.CARRIED)


def test_every_message_says_what_it_is() -> None:
    made = maker()
    assert not [kind.__name__ for kind in made.vocabulary() if not made.sentence(kind)]


def test_every_health_limit_is_explained() -> None:
    assert list(maker().HEALTH_TEXT) == list(HealthLimits.__struct_fields__)


def alarm_codes() -> set[str]:
    """Every alarm and break that an actor names in its source, those of the laws left out."""
    codes: set[str] = set()
    for path in modules("actors"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                prefix = {"Alarm": "", "alarm": "", "Break": "BREAK_", "_broke": ""}.get(name)
                place = 1 if name == "_broke" else 0
                said = node.args[place] if len(node.args) > place else None
                if prefix is not None and isinstance(said, ast.Constant) and isinstance(said.value, str):
                    codes.add(f"{prefix}{said.value}")
    return codes


def test_the_runbook_explains_every_alarm() -> None:
    codes = alarm_codes()
    assert {"STALLED", "OVERFILL", "BREAK_CASH", "SETTLEMENT_DIFFERS"} <= codes
    page = read("docs/when-it-halts.md")
    assert not sorted(code for code in codes if f"`{code}`" not in page)


# -- nothing of the place where it was written


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = [ROOT / name for name in listed.split("\0") if name] if listed else [*ROOT.glob("*.*"), *modules(".")]
    return [path for path in found if path.is_file() and path.suffix not in {".png", ".lock"}]


PLACES = ["/".join(("", "work", name)) for name in ("main", "shared", "peers")]
PLACES += ["/".join(("", home, "")) for home in ("Users", "home", "root")]
TOOLS = [
    "".join(parts) for parts in (("clau", "de"), ("anthro", "pic"), ("open", "ai"), ("chat", "gpt"), ("co", "pilot"))
]


@pytest.mark.parametrize("words", [PLACES, TOOLS], ids=["places", "tools"])
def test_no_file_names_the_machine_or_the_tools_it_was_written_with(words: list[str]) -> None:
    found = {
        str(path.relative_to(ROOT)): word
        for path in tracked()
        for text in [path.read_text(encoding="utf-8", errors="replace")]
        for word in words
        if re.search(rf"(?<![a-z]){re.escape(word)}", text, re.IGNORECASE if words is TOOLS else 0)
    }
    assert not found
