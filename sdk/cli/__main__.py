"""`python -m sdk.cli`: the same as `nova`."""

from sdk.cli.main import nova

nova(prog_name="nova")
