"""The simulated gateway: its codec, catalogue, broker and sessions."""
