"""One file per actor: they decide and never touch the outside."""
