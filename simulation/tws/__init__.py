"""A simulated gateway that speaks the TWS socket protocol, so that unmodified client libraries trade against it."""
