"""`python -m app` is `hedgerow`."""

from app.cli import main

main()
