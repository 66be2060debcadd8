"""The composition root: command line, wiring, start and stop."""
