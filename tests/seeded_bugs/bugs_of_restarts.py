"""Bugs of what outlives a process: snapshots, the tail of the journal, modes, decisions."""

from __future__ import annotations

from tests.seeded_bugs.bug import Bug

RESTARTS = (
    Bug(
        "snapshot_without_its_tail",
        "An actor that has a snapshot starts from it alone; the rows after it are not read.",
        "a redeploy loses state: Lean#7048, #6722, vnpy#1118",
        "engine.recovery",
        "        folders.append(_Folder(actor, seq))",
        "        folders.append(_Folder(actor, seq if snapshot is None else 1 << 62))",
    ),
    Bug(
        "only_own_rows_are_folded",
        "A rebuilt actor reads its own rows and none of those that it had only heard of.",
        "a redeploy loses state: Lean#6722",
        "engine.recovery",
        "        self.whose = {actor.name, *actor.folds_rows_of}",
        "        self.whose = {actor.name}",
    ),
    Bug(
        "old_backup_is_restored",
        "What is read at the start is an older copy of the journal; the venue has gone on.",
        "orders of an earlier session cannot be managed: nautilus_trader#5057, #1190",
        "state.journal.memory",
        "        durable = self.rows[: self.committed]\n        first",
        "        durable = self.rows[: self.committed // 40 * 40]\n        first",
    ),
    Bug(
        "halt_is_forgotten_on_restart",
        "A restart after HALT trades again without a person's word: the rows of modes are not read for it.",
        "halts that do not survive: richkuo/go-trader#1448, freqtrade#3210",
        "actors.system",
        "        self.mode = row.mode\n        if row.mode in TELLING:\n            self.ended_in = row.mode",
        "        self.mode = row.mode",
    ),
    Bug(
        "halt_is_forgotten_in_the_snapshot",
        "The snapshot brings the mode back and not how the last run ended.",
        "halts that do not survive: Drakkar-Software/OctoBot-Trading#327",
        "actors.system",
        "        self.mode, self.ended_in, self.locked = snapshot.mode, snapshot.ended_in, dict(snapshot.locked)",
        "        self.mode, self.locked = snapshot.mode, dict(snapshot.locked)",
    ),
    Bug(
        "hysteresis_is_lost_on_restart",
        "The regime of the last sessions is not read back: the same session is decided anew, from nothing.",
        "a redeploy loses strategy state: Lean#7048, vnpy#257",
        "actors.regime",
        "        self.reader.fold(decided)",
        "        return None",
    ),
    Bug(
        "a_sleeves_answer_is_forgotten",
        "A sleeve that is asked again for a run answers anew.",
        "a redeploy loses strategy state: Lean#6722",
        "actors.sleeve",
        "        if self._last is not None and self._last.run_id == run:\n"
        "            return (Tell(self.basket, self._last),)\n",
        "",
    ),
    Bug(
        "a_run_is_planned_again",
        "A run that has left is planned once more when the cycle is asked again after a restart.",
        "restart invents duplicate orders: nautilus_trader#3176",
        "actors.basket",
        "        if known is not None:\n            return self._again(known)\n",
        "        if known is not None and known.approved:\n            return self._again(known)\n",
    ),
    Bug(
        "approval_is_not_written",
        "What risk approved is told to the executor and not to the journal.",
        "why did it trade: freqtrade#384, #5058",
        "actors.risk",
        "        if not known:\n            effects.insert(0, Journal(answer))\n",
        "",
    ),
    Bug(
        "migration_without_a_transaction",
        "A newer program changes the journal's tables step by step; a death between two leaves neither shape.",
        "upgrades that leave a database half changed: freqtrade#6353, vnpy#3453",
        "state.journal.migrations",
        '    db.execute("BEGIN IMMEDIATE")\n    try:\n        for statement in step.statements:\n'
        "            db.execute(statement)\n",
        "    try:\n        for statement in step.statements:\n            db.execute(statement)\n"
        '        db.execute("BEGIN IMMEDIATE")\n',
    ),
    Bug(
        "migration_says_it_is_done_too_early",
        "The version number of a step is written before the step.",
        "upgrades that leave a database half changed: freqtrade#6353",
        "state.journal.migrations",
        '    db.execute("BEGIN IMMEDIATE")\n    try:',
        '    db.execute(f"PRAGMA user_version = {step.number}")\n    db.execute("BEGIN IMMEDIATE")\n    try:',
    ),
)
