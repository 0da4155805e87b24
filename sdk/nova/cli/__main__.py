"""`python -m nova.cli`: the same as `nova`."""

from nova.cli.entry import main

main()
