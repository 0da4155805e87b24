"""`python -m nova.cli`: the same as `nova`."""

from nova.cli.main import nova

nova(prog_name="nova")
