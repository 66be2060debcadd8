"""What the simulated gateway does for one client, one module a kind of request; see `Client`."""
