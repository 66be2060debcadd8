"""Backtests on the stage, statistics, reports, sweeps."""
