"""The commands that ship with NOVA: where each is defined and what it does, in one line.

`nova --help` prints those of which all packages are installed, and imports no command. Commands of
other packages come from the entry points of the group `nova.commands`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import NamedTuple

from nova.sdk.install_command import install_command


class CommandEntry(NamedTuple):
    """One command: `module:attribute` of its click command, its line in the list, and the packages
    whose processes it starts.
    """

    target: str
    summary: str
    starts: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """The top packages that it needs: the one that defines it, and those that it starts."""
        return (".".join(self.target.split(".")[:2]), *self.starts)

    @property
    def install(self) -> str:
        """The shell command that installs what it needs."""
        if self.packages == ("nova.cli",):
            return install_command("nova-sdk", "cli")
        return install_command("nova-truth")


_SERVERS = ("nova.core", "nova.edge")


COMMANDS = {
    "alarms": CommandEntry("nova.cli.alarms_command:alarms", "List alarms and their transitions."),
    "backup": CommandEntry(
        "nova.core.backup.backup_command:backup", "Back up an archive, also while NOVA runs."
    ),
    "chat": CommandEntry("nova.cli.chat:chat", "Send a chat message to everyone in a scope."),
    "columns": CommandEntry(
        "nova.cli.columns_command:columns", "Read fields of a series as columns, into a file."
    ),
    "command": CommandEntry("nova.cli.command:command", "Send a command and follow its progress."),
    "core": CommandEntry("nova.core.cli:core", "Run one process of the Core by hand."),
    "demo": CommandEntry(
        "nova.cli.demo:demo", "Run NOVA with a simulated satellite, live.", starts=_SERVERS
    ),
    "derive": CommandEntry(
        "nova.core.derivation.derive_command:derive", "Derive telemetry over history."
    ),
    "displays": CommandEntry(
        "nova.edge.displays_command:displays", "List, export and import displays of the screen."
    ),
    "edge": CommandEntry("nova.edge.cli:edge", "Serve the web page and the client protocol."),
    "eventid": CommandEntry("nova.cli.eventid:eventid", "Print the eventId of each envelope."),
    "export": CommandEntry("nova.cli.export:export", "Export a range to a zip of files."),
    "files": CommandEntry("nova.core.files.files_command:files", "Inspect or rebuild daily files."),
    "find": CommandEntry("nova.cli.find:find", "Print where a field meets a condition."),
    "foxglove": CommandEntry(
        "nova.cli.foxglove_command:foxglove", "Show NOVA in Foxglove and Lichtblick."
    ),
    "hardware": CommandEntry("nova.cli.hardware:hardware", "Run devices: telemetry and commands."),
    "import": CommandEntry("nova.cli.import_command:import_", "Publish the events of an export."),
    "lake": CommandEntry(
        "nova.core.lake.lake_command:lake", "Write days as Parquet, for DuckDB and pandas."
    ),
    "manifests": CommandEntry("nova.cli.manifests:manifests", "List and check card manifests."),
    "mcp": CommandEntry("nova.cli.mcp_command:mcp", "Serve tools that read NOVA to an agent."),
    "migrate": CommandEntry(
        "nova.core.migrate_command:migrate_command",
        "Bring an archive of an earlier version up to date.",
    ),
    "notifications": CommandEntry(
        "nova.core.notifications.notifications_command:notifications",
        "Check a notification file and test its targets.",
    ),
    "openmct": CommandEntry(
        "nova.cli.openmct_command:openmct", "Serve Open MCT, with the telemetry of an edge."
    ),
    "play": CommandEntry("nova.cli.play:play", "Print past events at the pace they happened."),
    "produce": CommandEntry("nova.cli.produce:produce", "Publish a recording as events."),
    "proof": CommandEntry(
        "nova.core.proof.proof_command:proof", "Prove that an event is in its day's seal."
    ),
    "query": CommandEntry("nova.cli.query:query", "Print the events of a time range, in order."),
    "rebuild": CommandEntry("nova.core.derived.rebuild:rebuild", "Rebuild derived data."),
    "recordings": CommandEntry(
        "nova.cli.recordings_command:recordings", "List recordings: telemetry between silences."
    ),
    "rejects": CommandEntry("nova.cli.rejects:rejects", "List refused records and the reasons."),
    "replay": CommandEntry("nova.cli.replay:replay", "Replay a range as fast as disks allow."),
    "restore": CommandEntry(
        "nova.core.backup.restore_command:restore", "Restore a backup into an empty folder."
    ),
    "rules": CommandEntry("nova.cli.rules_command:rules", "Check alarm rules."),
    "status": CommandEntry("nova.cli.status:status", "Show counts and links of an instance."),
    "retention": CommandEntry(
        "nova.core.retention_command:retention", "Delete days that are older than rules keep them."
    ),
    "streams": CommandEntry(
        "nova.edge.streams_command:streams", "Manage TCP streams, read by nc, Yamcs or COSMOS."
    ),
    "tail": CommandEntry("nova.cli.tail:tail", "Print events as they are committed."),
    "up": CommandEntry("nova.cli.up:up", "Run NOVA on an archive.", starts=_SERVERS),
    "users": CommandEntry("nova.edge.users_command:users", "Manage the users of an archive."),
    "verify": CommandEntry("nova.core.proof.verify_command:verify", "Check a whole archive."),
}


def installed() -> dict[str, CommandEntry]:
    """The commands whose packages are installed; `nova-sdk` has neither Core nor edge."""
    packages = {package for entry in COMMANDS.values() for package in entry.packages}
    here = {package for package in packages if find_spec(package) is not None}
    return {name: entry for name, entry in COMMANDS.items() if here.issuperset(entry.packages)}
