"""Prometheus metrics of the engine, moved by durable facts and by samples of the runtime."""

from ports.metrics.exporter import MetricsPort

__all__ = ["MetricsPort"]
