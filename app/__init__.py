"""The composition root: the command line, the wiring, start and stop."""
