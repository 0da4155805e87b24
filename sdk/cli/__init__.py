"""The command `nova`: every subcommand is a plug-in of the group `nova.commands`."""
