"""One file per strategy: a pure decision from what is known to what is wanted."""
