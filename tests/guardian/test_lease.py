"""One engine for each account: tokens only rise, and what holds an old one may not speak."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ports.lease import HeldLease
from state.lease import NS, Holder, LeaseError, LeaseStore
from state.process_id import ProcessId, lives, this_process

TTL_S = 15.0
TTL_NS = 15 * NS


def process(pid: int, host: str = "here") -> ProcessId:
    return ProcessId(host, "boot", pid, 1)


def holder(name: str, pid: int) -> Holder:
    return Holder(f"var/{name}", process(pid))


A, B = holder("a", 1), holder("b", 2)


@dataclass
class Bench:
    """A store on a clock that a test sets, and a list of the dead."""

    folder: Path
    now_s: float = 1_000.0
    dead: set[ProcessId] = field(default_factory=set)

    def store(self) -> LeaseStore:
        return LeaseStore(self.folder, "simulated", "PAPER", living=lambda process: process not in self.dead)

    def held(self, who: Holder) -> HeldLease:
        return HeldLease(
            self.store(), who, TTL_S, seconds=lambda: self.now_s, wall_ns=lambda: int(self.now_s * NS)
        )  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "lease")


def test_a_second_engine_is_refused_and_told_who_holds_the_account(bench: Bench) -> None:
    bench.held(A)
    with pytest.raises(LeaseError, match=r"process 1 on here, state folder var/a; fencing token 1") as refused:
        bench.held(B)
    assert "hedgerow stop --state var/a" in refused.value.next
    assert "15 s" in refused.value.next


def test_what_was_given_back_is_free_at_once_under_a_higher_token(bench: Bench) -> None:
    first = bench.held(A)
    first.release()
    assert bench.held(B).token() == 2
    assert first.token() is None


def test_a_lease_that_nobody_renewed_is_taken_and_its_holder_is_fenced(bench: Bench) -> None:
    first = bench.held(A)
    bench.now_s += TTL_S
    second = bench.held(B)
    assert (first.token(), second.token()) == (None, 2)


def test_a_renewed_lease_lasts_a_whole_term_from_then(bench: Bench) -> None:
    first = bench.held(A)
    bench.now_s += 10
    first.renew()
    bench.now_s += 14
    assert first.token() == 1
    with pytest.raises(LeaseError, match="another engine trades"):
        bench.held(B)


def test_an_engine_that_slept_past_its_term_is_told_and_goes_on_only_when_nobody_came_in_between(bench: Bench) -> None:
    heard: list[str] = []
    first = bench.held(A)
    first.on_lost = heard.append
    bench.now_s += 30
    assert first.token() is None
    first.renew()
    assert first.token() == 1
    assert ["was not renewed in time" in each for each in heard] == [True]
    bench.now_s += 30
    bench.held(B)
    first.renew()
    assert first.token() is None
    assert "another engine or the guardian has taken the account" in first.lost
    assert heard[-1] == first.lost


def test_the_lease_of_a_process_that_died_on_this_machine_is_free_at_once(bench: Bench) -> None:
    bench.held(A)
    bench.dead.add(A.process)
    assert bench.held(B).token() == 2


def test_a_fence_ends_the_holder_and_its_reason_is_told_at_every_start_until_it_was_heard(bench: Bench) -> None:
    first = bench.held(A)
    assert bench.store().fence("no heartbeat").token == 2
    assert first.token() is None
    assert bench.held(B).standing.fenced == "no heartbeat"
    second = bench.held(B)
    assert second.standing.fenced == "no heartbeat"
    second.heard()
    second.release()
    assert bench.held(A).standing.fenced == ""


def test_without_the_store_nothing_is_sent_and_the_lease_lasts_no_longer_than_its_term(bench: Bench) -> None:
    first = bench.held(A)
    first.store.path.write_bytes(b"this is no database, and long enough to be looked at as one" * 20)
    assert first.token() is None
    assert first.lost == ""
    with pytest.raises(LeaseError, match="cannot be used"):
        first.renew()
    heard: list[str] = []
    first.on_lost = heard.append
    bench.now_s += TTL_S
    assert first.token() is None
    assert "was not renewed in time" in heard[0]


def test_a_store_that_was_deleted_fences_whoever_held_it(bench: Bench) -> None:
    bench.held(A).release()
    second = bench.held(A)
    second.store.path.unlink()
    assert bench.held(B).token() == 1
    assert second.token() is None


def test_a_folder_that_cannot_be_made_is_said_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LeaseError, match="cannot be used") as refused:
        LeaseStore(tmp_path / "file" / "lease", "simulated", "PAPER")
    assert "lease.dir" in refused.value.next


STEPS = st.lists(
    st.tuples(st.sampled_from(["take a", "take b", "renew", "release", "fence", "sleep"]), st.integers(1, 20)),
    max_size=25,
)


@settings(deadline=None, max_examples=40)
@given(steps=STEPS)
def test_tokens_only_rise_and_never_are_two_engines_let_through_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("lease"))
    leases: list[HeldLease] = []
    highest = 0
    for step, seconds in steps:
        match step.split():
            case ["take", who]:
                try:
                    leases.append(bench.held(A if who == "a" else B))
                except LeaseError:
                    assert any(each.token() is not None for each in leases)
            case ["renew"]:
                for each in leases:
                    each.renew()
            case ["release"] if leases:
                leases[-1].release()
            case ["fence"]:
                bench.store().fence("the guardian says so")
                assert all(each.token() is None for each in leases)
            case ["sleep"]:
                bench.now_s += seconds
        token = bench.store().token()
        assert token >= highest
        highest = token
        assert sum(each.token() is not None for each in leases) <= 1


def test_two_processes_that_race_for_one_account_get_one_lease(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from ports.lease import HeldLease; from state.lease import *; from state.process_id import this_process\n"
        "try: lease = HeldLease(LeaseStore(Path(sys.argv[1]), 'v', 'A'), Holder(sys.argv[2], this_process()), 60.0)\n"
        "except LeaseError: print('refused', flush=True)\n"
        "else: print('token', lease.token(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    racing = [
        subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for n in range(3)
    ]
    said = [each.stdout.readline().strip() for each in racing if each.stdout is not None]
    for each in racing:
        each.communicate("")
    assert sorted(said) == ["refused", "refused", "token 1"]


def test_a_process_is_known_by_its_start_so_that_its_number_given_again_is_another() -> None:
    here = this_process()
    assert lives(here) is True
    assert lives(ProcessId(here.host, here.boot, here.pid, here.started + 1)) is False
    assert lives(ProcessId(here.host, "another boot", here.pid, here.started)) is False
    assert lives(ProcessId("elsewhere", here.boot, here.pid, here.started)) is None
