"""A plan of faults and events as a file: `hedgerow gateway --faults plan.yaml`."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from config.errors import Code, ConfigError, Problem
from config.yaml_source import Key, Tree, read_file, read_text
from model.units import NS_PER_SECOND
from simulation.tws.broker import BrokerRules, Permissions, Stories, Story, listed, seeded
from simulation.tws.control import VERBS, Control
from simulation.tws.faults import REPLIES, REQUESTS, Fault
from simulation.tws.service.house import GatewayRules

DAILY = "%H:%M"
ONCE = "%Y%m%d %H:%M:%S"
READ = "docs/gateway.md says what a plan may hold"


class Passed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The moment at which the nth message of a kind has been carried out or sent, of one client when that is said."""

    message: str
    nth: int = 1
    client: int | None = None

    def __post_init__(self) -> None:
        if self.message not in REQUESTS and self.message not in REPLIES:
            raise ValueError(f"message: there is no message {self.message!r}")
        if self.nth < 1:
            raise ValueError("nth: messages are counted from 1")


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that the control does by itself.

    do: what, by the name of the control's verb; args: its arguments.  When is one of: after: so many seconds from the
    beginning; on: when a message has passed; at: `23:45` every day or `20261120 23:45:00`, market time in the broker's
    zone.
    """

    do: str
    args: dict[str, Any] = {}
    after: float | None = None
    at: str = ""
    on: Passed | None = None

    def __post_init__(self) -> None:
        if self.do not in VERBS:
            raise ValueError(f"do: {self.do!r} cannot be done | Give one of {', '.join(VERBS)}")
        if sum((self.after is not None, bool(self.at), self.on is not None)) != 1:
            raise ValueError("on: an event needs one of after, at and on")
        if self.at and moment(self.at) is None:
            raise ValueError(f"at: {self.at!r} is no moment | Write 23:45 for every day, or 20261120 23:45:00")


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gateway does wrong, and how strict it is.

    faults: harm to single messages.  events: what happens besides.  stories: how the fills of the n-th order are told,
    by number; story_seed: of drawn ones, for all others.  gateway, broker, permissions: its limits and habits.
    """

    faults: tuple[Fault, ...] = ()
    events: tuple[Event, ...] = ()
    stories: dict[int, str] = {}
    story_seed: int | None = None
    gateway: GatewayRules = GatewayRules()
    broker: BrokerRules = msgspec.field(default_factory=BrokerRules)
    permissions: Permissions = Permissions()

    def __post_init__(self) -> None:
        known = [story.name.lower() for story in Story]
        for number, story in self.stories.items():
            if story not in known:
                raise ValueError(f"stories: {number} is told as {story!r} | Give one of {', '.join(known)}")
        named = [(fault.message, fault.client, fault.nth) for fault in self.faults]
        twice = [each for each, count in Counter(named).items() if count > 1]
        if twice:
            raise ValueError(f"faults: two of them name {twice[0][0]} number {twice[0][2]} | Give each message once")

    def told(self) -> Stories:
        """How the broker tells its fills."""
        rest = seeded(self.story_seed) if self.story_seed is not None else lambda number: Story.PLAIN
        numbered = listed({number: Story[story.upper()] for number, story in self.stories.items()})
        return lambda number: numbered(number) if number in self.stories else rest(number)


def read_plan(path: Path) -> Plan:
    """Raises ConfigError with the first thing that is wrong, and its line."""
    problems: list[Problem] = []
    tree = read_file(path, problems)
    if tree is None or problems:
        raise ConfigError(problems)
    return _plan(tree, path.name)


def plan_of(text: str) -> Plan:
    """The plan that a file's text makes. Raises ConfigError."""
    problems: list[Problem] = []
    tree = read_text(text or "{}", "plan", problems)
    if tree is None or problems:
        raise ConfigError(problems)
    return _plan(tree, "plan")


def _plan(tree: Tree, name: str) -> Plan:
    try:
        return msgspec.convert(tree.value, Plan, str_keys=True)
    except (msgspec.ValidationError, ZoneInfoNotFoundError) as error:
        what, _, place = str(error).strip("'").partition(" - at `$")
        source = tree.source(_key(place.rstrip("`")))
        what, _, advice = what.partition(" | ")
        raise ConfigError(
            [
                Problem(
                    code=Code.WRONG_TYPE,
                    file=source.name if source.layer == "file" else name,
                    line=source.line,
                    what=what,
                    next=advice or READ,
                )
            ]
        ) from None


def _key(place: str) -> Key:
    """`.faults[1].harm` as the key of a tree."""
    parts = re.findall(r"\.([A-Za-z_]+)|\[(\d+)\]", place)
    return tuple(name if name else int(number) for name, number in parts)


def moment(text: str) -> dt.datetime | None:
    """A time of day on the first day of all, or a moment; None for neither."""
    for form in (DAILY, ONCE):
        try:
            return dt.datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the broker's, known later
        except ValueError:
            continue
    return None


class Director:
    """Makes a plan's events happen."""

    def __init__(self, control: Control, events: tuple[Event, ...], zone: str) -> None:
        self._control, self._zone = control, ZoneInfo(zone)
        self._clock = control.gateway.clock
        self._waiting = [event for event in events if event.on is not None]
        self._seen: Counter[tuple[str, int | None]] = Counter()
        control.gateway.on_passed = self.on_passed
        for event in events:
            if event.after is not None:
                self._clock.later(event.after, lambda event=event: self._do(event))  # type: ignore[misc]
            elif event.at:
                self._at(event)

    def on_passed(self, message: str, client: int | None) -> None:
        """Count a message, and do what waits for it."""
        if not self._waiting:
            return
        whose = (None,) if client is None else (None, client)
        for each in whose:
            self._seen[message, each] += 1
        due = [
            event
            for event in self._waiting
            if event.on is not None
            and event.on.message == message
            and event.on.client in whose
            and event.on.nth == self._seen[message, event.on.client]
        ]
        self._waiting = [event for event in self._waiting if event not in due]
        for event in due:
            self._do(event)

    def _do(self, event: Event) -> None:
        with self._control.within():
            self._control.do(event.do, event.args)

    def _at(self, event: Event) -> None:
        said, now_ns = moment(event.at), self._clock.market_ns()
        assert said is not None
        now = dt.datetime.fromtimestamp(now_ns // NS_PER_SECOND, self._zone)
        daily = said.year == 1900
        due = said.replace(tzinfo=self._zone)
        if daily:
            due = now.replace(hour=said.hour, minute=said.minute, second=0)
            due = due if due > now else due + dt.timedelta(days=1)

        def ring() -> None:
            self._do(event)
            if daily:
                self._at(event)

        if due > now:
            self._clock.at_market(int(due.timestamp()) * NS_PER_SECOND, ring)
