"""What the routes of exports need of an edge."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from nova.edge.audit_queue import AuditQueue
from nova.edge.authorization import Authorizer
from nova.edge.client_address import ClientAddresses
from nova.edge.database_turn import DatabaseTurn
from nova.edge.edge_config import EdgeLimits
from nova.edge.request_limits import RequestLimits


class ExportServices(NamedTuple):
    folder: Path
    authorizer: Authorizer
    request_limits: RequestLimits
    limits: EdgeLimits
    addresses: ClientAddresses
    audit: AuditQueue
    turn: DatabaseTurn
