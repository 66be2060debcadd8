"""What survives a crash: transition tables, the journal and the ledgers."""
