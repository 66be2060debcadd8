"""Write the tables of docs/architecture.md, when-it-halts.md and reliability.md from the code that they describe.

Usage: python scripts/make_architecture.py [--check]; with --check only say, by status 1, whether a page is stale.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from actors.assembly import Assembly  # noqa: E402  # the checkout has to be found first
from actors.denials import DENIAL_CODES  # noqa: E402
from actors.order_desk import LOCKING  # noqa: E402
from actors.reconciler import ReconcilePolicy  # noqa: E402
from actors.watchdog import HealthLimits  # noqa: E402
from app.facts import events  # noqa: E402
from app.own_sleeves import own_sleeve  # noqa: E402
from config.loader import load  # noqa: E402
from config.risk import RiskLimits  # noqa: E402
from engine.actor import Actor  # noqa: E402
from engine.message import Event, Message  # noqa: E402
from engine.supervise import Branch, Child, OnExhausted, Strategy  # noqa: E402
from engine.tables import MEANING, mailbox_table  # noqa: E402
from model.decisions import Mode  # noqa: E402
from model.leases import CancelAfter, WatchdogWord  # noqa: E402
from model.margin import AskMargin  # noqa: E402
from model.orders import CancelAtVenue, ModifyOrder, RequestSnapshot, SubmitOrder  # noqa: E402
from model.rolls import RollSchedule  # noqa: E402
from simulation.prove.catalogue import CATALOGUE  # noqa: E402
from simulation.prove.crashes import ALL  # noqa: E402
from simulation.prove.fates import Fate  # noqa: E402
from simulation.prove.oracles import ALWAYS, WHEN_QUIET  # noqa: E402
from simulation.prove.sometimes import SOMETIMES  # noqa: E402
from state import order_law, run_law, system_law  # noqa: E402
from state.law import Answer, Note  # noqa: E402

DOCS = ROOT / "docs"
PROGRAM = "spine"
TO_THE_VENUE = (SubmitOrder, ModifyOrder, CancelAtVenue, CancelAfter, RequestSnapshot, AskMargin)
CARRIED = {
    "BooksCompared": "reconciler, as the answer in `Replied`",
    "OrdersKnown": "reconciler, as the answer in `Replied`",
    "FxSnapshot": "inside `CycleFx`",
}
"""Messages that travel in another one."""

HEALTH_TEXT = {
    "loop_lag_ns": "the event loop came back later than this",
    "journal_age_ns": "rows have waited this long for their commit",
    "waiting_ns": "a message has waited this long in an actor's mailbox",
    "silence_ns": "nobody has told the watchdog any figures for this long",
    "feed_down_ns": "a feed has been down for this long",
}


def main(arguments: list[str]) -> int:
    """The exit status: 1 when asked to check and a page is stale."""
    stale = 0
    for name, tables in PAGES.items():
        page = (DOCS / name).read_text(encoding="utf-8")
        fresh = renewed(page, tables)
        stale += fresh != page
        if "--check" not in arguments:
            (DOCS / name).write_text(fresh, encoding="utf-8")
    return int(stale > 0 and "--check" in arguments)


def renewed(page: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The page with its tables as the code has them. Raises ValueError for a page without a table's marks."""
    for mark, table in tables.items():
        begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
        if begin not in page or end not in page:
            raise ValueError(f"the page has no marks {begin} and {end}")
        page = f"{page.split(begin, maxsplit=1)[0]}{begin}\n\n{table()}\n\n{end}{page.split(end)[1]}"
    return page


def rows(*lines: tuple[str, ...]) -> str:
    head, *rest = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, tuple("---" for _ in head), *rest))


# -- the house


def floors() -> str:
    """The import contracts of pyproject.toml: the layers as floors, the others as sentences."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    table = [("floor", "rooms", "what they are")]
    for floor, layer in enumerate(reversed(layers), 1):
        names = [name.strip() for name in layer.split("|")]
        promises = (f"{name}: {promise(name)}" for name in names)
        table.append((str(floor), ", ".join(f"`{name}`" for name in names), "; ".join(promises)))
    said = "\n".join(f"- {one['name']}." for one in contracts if one["type"] != "layers")
    return f"{rows(*table)}\n\nBesides, held by the same tool:\n\n{said}"


def promise(room: str) -> str:
    """The first sentence of a room's docstring."""
    source = (ROOT / room / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'"""(.*?)(?:\.\s|\.?""")', source, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def tree() -> str:
    """The supervision tree of one shipped program, as `actors/assembly.py` builds it."""
    assembly = Assembly(
        load(PROGRAM, environment={}), rolls=RollSchedule({}), calendars={}, auto_trade=True,
        reconcile=ReconcilePolicy(), own=own_sleeve, watched=True,
    )  # fmt: skip
    return "\n".join(["```", *_branch(assembly.tree(), "", ""), "```"])


def _branch(branch: Branch, lead: str, below: str) -> Iterator[str]:
    budget = (
        f"{branch.intensity.restarts} restart{'s' * (branch.intensity.restarts > 1)} in {branch.intensity.window_s:g} s"
    )
    facts = [branch.strategy.value] if branch.strategy is not Strategy.ONE_FOR_ONE else []
    spent = (
        "" if branch.on_exhausted is OnExhausted.ESCALATE else f", then {branch.on_exhausted.value.replace('_', ' ')}"
    )
    yield f"{lead}{branch.name}   {', '.join([*facts, budget])}{spent}"
    for place, child in enumerate(branch.children):
        last = place == len(branch.children) - 1
        here, deeper = below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")
        if isinstance(child, Child):
            first = child.before_restart
            yield here + child.name + (f"   {type(first[1]).__name__} to {first[0]} first" if first else "")
        else:
            yield from _branch(child, here, deeper)


def modes() -> str:
    """Each mode, what may leave the process in it, and which events lead where."""
    table = [("mode", "may leave the process", "goes to")]
    for mode in Mode:
        acts = ", ".join(act.value.lower() for act in system_law.Act if system_law.allows(mode, act)) or "nothing"
        moves: dict[str, list[str]] = {}
        for event in system_law.SystemEvent:
            outcome = system_law.next_state(mode, event)
            if outcome.answer is Answer.MOVE:
                moves.setdefault(outcome.state.value, []).append(event.value)
        table.append((mode.value, acts, "; ".join(f"{to} on {', '.join(on)}" for to, on in moves.items()) or "nowhere"))
    return rows(*table)


# -- messages


def subclasses(kind: type) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def vocabulary() -> list[type[Message]]:
    """Every message that rooms tell each other, those of the actors' own timers and snapshots left out."""
    events()
    found = {one for one in subclasses(Message) if one.__module__.startswith("model.")}
    return sorted(
        (one for one in found if not any(other is not one and issubclass(other, one) for other in found)),
        key=lambda one: (one.__module__, one.__name__),
    )


def hearers() -> dict[type[Message], list[str]]:
    """Who handles each message type: actors by their class's module, the venue's port by its contract."""
    heard: dict[type[Message], set[str]] = {kind: {"port venue"} for kind in TO_THE_VENUE}
    heard[WatchdogWord] = {"port heartbeat"}
    events()
    for actor in subclasses(Actor):
        if actor.__module__.startswith("actors."):
            for kind in actor.handlers:
                heard.setdefault(kind, set()).add(actor.__module__.removeprefix("actors."))
    return {kind: sorted(names) for kind, names in heard.items()}


def messages() -> str:
    """One table for each module of the vocabulary."""
    heard, parts = hearers(), []
    for module in sorted({kind.__module__ for kind in vocabulary()}):
        table = [("message", "what it says", "lane", "bound", "when full", "who hears it")]
        for kind in vocabulary():
            if kind.__module__ == module:
                to = ", ".join(heard.get(kind, [])) or CARRIED.get(kind.__name__, "the journal alone")
                full = MEANING[kind.when_full.name]
                bound = f"{kind.bound:,}"
                if kind.slot_field is not None:
                    bound, full = "1", f"latest wins, one for each `{kind.slot_field}`"
                row = f"`{kind.__name__}`{' (journalled)' if issubclass(kind, Event) else ''}"
                table.append((row, sentence(kind), kind.lane.name.lower(), bound, full, to))
        source = module.replace(".", "/") + ".py"
        parts.append(f"**[`{source}`](../{source})**\n\n{rows(*table)}")
    return "\n\n".join(parts)


def sentence(kind: type) -> str:
    """The first sentence of a docstring of one's own."""
    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    return re.split(r"(?<=[.?!]) ", text, maxsplit=1)[0].rstrip(".").replace("|", "\\|")


# -- when it halts


def denials() -> str:
    lines = [(f"`{code}`", row.meaning, row.next) for code, row in DENIAL_CODES.items()]
    return rows(("code", "meaning", "what to do"), *lines)


def law_alarms() -> str:
    """Every reason in the laws that wakes a person, with the table that it stands in."""
    table = [("alarm", "law", "meaning", "locks")]
    for law, outcomes in (("orders", order_law.TABLE), ("runs", run_law.TABLE), ("system", system_law.TABLE)):
        notes: set[Note] = {outcome.note for outcome in outcomes.values() if outcome.note.alarm}  # type: ignore[attr-defined]
        prefix = "MODE_" if law == "system" else ""
        for note in sorted(notes):
            locks = "the instrument" if law == "orders" and note.name in LOCKING else ""
            table.append((f"`{prefix}{note.name}`", law, note.text, locks))
    return rows(*table)


def health() -> str:
    limits = HealthLimits()
    table = [("what is watched", "limit", "what happens")]
    for name, text in HEALTH_TEXT.items():
        action = "REDUCE_ONLY, alarm `FEED_DOWN`" if name == "feed_down_ns" else "HALTED, alarm `STALLED`"
        table.append((text, f"{getattr(limits, name) / 1e9:g} s", action))
    return rows(*table)


def bands() -> str:
    limits, policy = RiskLimits(), ReconcilePolicy()
    halt, reduce = limits.reconcile_emergency_share, limits.reconcile_halt_share
    return rows(
        ("difference", "what happens", "setting"),
        ("a position, of any size", "the instrument is locked, alarm `BREAK_POSITION`", "none"),
        (f"cash above {halt:.2%} of net asset value", "HALTED, alarm `BREAK_CASH`", "`risk.reconcile_emergency_share`"),
        (f"cash above {reduce:.2%}", "REDUCE_ONLY, alarm `BREAK_CASH`", "`risk.reconcile_halt_share`"),
        ("cash, less than that", "noted in the row `Reconciled`", "none"),
        (
            "an order of ours that the venue neither shows nor disproves",
            "stays UNKNOWN, alarm `BREAK_UNKNOWN_ORDER`; asked again when a look can tell",
            "none",
        ),
        (
            "the same when it should be there, at a venue that enforces no ids or tells nothing of the day it left",
            "stays UNKNOWN, its instrument is locked, alarm `BREAK_ORDER_IN_DOUBT`; nothing is sent again",
            "none",
        ),
        ("a snapshot that is not complete", f"proves nothing; asked again after {policy.retry_ns / 1e9:g} s", "none"),
    )


def judges() -> str:
    """Every promise that is judged, in the words of its oracle."""
    found = {**ALWAYS, **WHEN_QUIET}
    return rows(("judge", "promise"), *((f"`{name}`", first_sentence(judge)) for name, judge in found.items()))


def faults() -> str:
    """The catalogue of a day's faults, and how often each is drawn."""
    whole = sum(entry.share for entry in CATALOGUE.values())
    lines = ((name, f"{entry.share / whole:.0%}", first_sentence(entry.begin)) for name, entry in CATALOGUE.items())
    return rows(("fault", "of those drawn", ""), *lines)


def scenarios() -> str:
    lines = ((f"`{name}`", first_sentence(scenario.play)) for name, scenario in ALL.items())
    return rows(("scenario", "what happens in it"), *lines)


def fates() -> str:
    """Each fate with the comment behind it in the code."""
    source = inspect.getsource(Fate)
    said = dict(re.findall(r'^    [A-Z]+ = "(\w+)"  # (.*)$', source, re.MULTILINE))
    return rows(("fate", "of what was in flight"), *((f"`{fate.value}`", said[fate.value]) for fate in Fate))


def states() -> str:
    """All names in one paragraph, and how many they are."""
    lines = textwrap.wrap(" · ".join(SOMETIMES), 120, break_long_words=False, break_on_hyphens=False)
    return "\n".join([f"{len(SOMETIMES)} states:", *lines])


def first_sentence(described: object) -> str:
    return (inspect.getdoc(described) or "").partition("\n\n")[0].replace("\n", " ")


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "architecture.md": {
        "floors": floors, "tree": tree, "mailboxes": mailbox_table, "modes": modes, "messages": messages,
    },
    "when-it-halts.md": {"denials": denials, "laws": law_alarms, "health": health, "bands": bands},
    "reliability.md": {
        "scenarios": scenarios, "fates": fates, "faults": faults, "judges": judges, "states": states,
    },
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
