"""`python -m imconv` is the command line."""

from .cli import main

main()
