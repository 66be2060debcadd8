"""The simulated exchange, fault plans, and the stage that runs the whole engine on virtual time."""
