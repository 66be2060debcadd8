"""Behaviour of the simulated gateway's catalogue, history and market, from outside."""
