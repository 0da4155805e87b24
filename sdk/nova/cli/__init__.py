"""The command `nova`: subcommands are plug-ins of the entry-point group `nova.commands`."""
