"""Backtests on the stage, statistics, reports and sweeps."""
