"""Run `hedgerow` on a disk that fails: `python scripts/with_ill_disk.py write:400:full run --program drill.yaml ...`

The first word says what fails: the call (write or sync) of the journal's that is counted, which one of them is the
first to fail, how (full or broken), and, if the disk gets well by itself, how many fail: `sync:9:broken:1`. Nothing but
the journal's files is on that disk.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def concerns(path: str) -> bool:
    """The journal's files and what SQLite keeps beside them."""
    return os.path.basename(path).startswith("journal-")


def main() -> None:
    from app.cli import main as hedgerow
    from simulation.disk import FailingDisk, Illness, under

    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        illness = Illness.of(sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    sys.argv = ["hedgerow", *sys.argv[2:]]
    with under(FailingDisk(illness, concerns=concerns)):
        hedgerow()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
