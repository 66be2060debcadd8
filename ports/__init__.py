"""One folder per outside thing: they act and never decide."""
