"""The schema of every setting, and the YAML that fills it."""
