"""Real processes, real files, and disks that lose, fail and fill up."""
