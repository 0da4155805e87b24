"""Settings about alarms: their help."""

from __future__ import annotations

from collections.abc import Mapping

ALARM_HELP: Mapping[str, str] = {
    "alarm_rules": "Folder of your alarm rules; changes take effect while NOVA runs.",
    "notifications": "File that says who is notified of which alarms, and when; nobody if absent.",
}
