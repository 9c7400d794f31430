"""The command line, for `python -m fabloop`."""

from fabloop.cli import main

main()
