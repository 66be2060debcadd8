"""The simulated exchange, in virtual time, and its fault plans."""
