"""The catalogue of faults of a simulated day: what each is called, how chance draws one, how it begins and ends.

Everything in it can befall a real engine: on the wire, at the venue, in the data, on the disk, in the process, by
other hands. Left out is what cannot be said here: prices are integers and know no NaN, and the engine's clock never
goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from simulation.prove import faults_inside as inside
from simulation.prove import faults_of_data as data
from simulation.prove import faults_of_venue as venue
from simulation.prove.fault import Entry, Fault

CATALOGUE: Mapping[str, Entry] = {
    "the next message": Entry(24, venue.draw_harm, venue.harm),
    "messages lost": Entry(4, venue.draw_losses, venue.lose),
    "link down": Entry(8, venue.draw_outage, venue.fall, venue.rise),
    "link flaps": Entry(3, venue.draw_flapping, venue.flap),
    "an ambush": Entry(10, venue.draw_ambush, venue.ambush, venue.end_ambush),
    "execution busted": Entry(3, venue.draw_execution, venue.bust),
    "execution corrected": Entry(3, venue.draw_execution, venue.correct),
    "open orders refused late": Entry(4, venue.draw_nothing, venue.refuse_late),
    "orders refused": Entry(3, venue.draw_refusals, venue.refuse),
    "a name used again": Entry(2, venue.draw_nothing, venue.name_again),
    "an order named twice": Entry(1, venue.draw_nothing, venue.name_twice),
    "thin market": Entry(8, venue.draw_thin, venue.thin, venue.thick),
    "prices jump": Entry(3, venue.draw_jump, venue.jump),
    "cash moves": Entry(2, venue.draw_cash, venue.pay),
    "another hand trades": Entry(1, venue.draw_hand, venue.trade_by_hand),
    "another hand's order rests": Entry(1, venue.draw_hand, venue.rest_by_hand),
    "an order of ours that nobody planned": Entry(1, venue.draw_hand, venue.rest_under_our_name),
    "a position transferred": Entry(1, venue.draw_hand, venue.transfer),
    "quotes spoiled": Entry(8, data.draw_quotes, data.spoil_quotes, data.heal_quotes),
    "bars spoiled": Entry(4, data.draw_bars, data.spoil_bars, data.heal_bars),
    "feed down": Entry(3, data.draw_outage, data.feed_down, data.feed_up),
    "a flood of prices": Entry(2, data.draw_flood, data.flood),
    "the process stands still": Entry(4, inside.draw_freeze, inside.freeze),
    "slow disk": Entry(3, inside.draw_slow_disk, inside.slow_disk, inside.heal_disk),
    "full disk": Entry(2, inside.draw_full_disk, inside.full_disk, inside.heal_disk),
    "a commit fails": Entry(4, inside.draw_failing_commit, inside.failing_commit),
    "a flood of commands": Entry(2, inside.draw_commands, inside.commands),
    "a flood of reports": Entry(2, inside.draw_reports, inside.reports),
    "an actor raises": Entry(8, inside.draw_curse, inside.curse),
    "killed": Entry(5, inside.draw_nothing, inside.kill),
    "killed between two effects": Entry(8, inside.draw_fuse, inside.light),
    "killed at a boundary": Entry(8, inside.draw_boundary, inside.light_at),
    "killed on the way up": Entry(3, inside.draw_kill_on_the_way_up, inside.kill_on_the_way_up),
    "killed in another mode": Entry(3, inside.draw_kill_in_mode, inside.kill_in_mode),
    "stopped and started": Entry(2, inside.draw_nothing, inside.stop),
}
"""By name. Whoever adds one changes what every seed means."""

_NAMES = tuple(CATALOGUE)
_SHARES = tuple(entry.share for entry in CATALOGUE.values())


def draw(chance: Random, at_ns: int) -> Fault:
    """One fault at a moment of the day."""
    name = chance.choices(_NAMES, _SHARES)[0]
    what, much, lasts_ns = CATALOGUE[name].draw(chance)
    return Fault(name=name, at_ns=at_ns, lasts_ns=lasts_ns, what=what, much=much)
