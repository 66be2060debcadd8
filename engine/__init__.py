"""The actor runtime, which knows nothing of trading."""
