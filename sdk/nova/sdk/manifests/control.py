"""What a card offers besides values and commands: requests to the edge, with their forms, and
tables of other entities.

They are for entities that an edge lists itself, such as its TCP streams. Their data is what it says
of them: a key is a path into it, such as `definition.port`.
"""

from __future__ import annotations

import msgspec

from nova.sdk.field_types import Name
from nova.sdk.manifests.key_spec import ArgumentSpec, Key, ManifestPart, Title

Condition = dict[Key, list[str | bool]]
"""By key, the values that it may have."""


class Field(ArgumentSpec, kw_only=True):
    """A member of a request that people fill in.

    It begins with the value of the card's key `begins_with`, else with its default. Of `many`
    values, the type is that of each. It is shown, and sent, while the fields that `shown_if` names
    have one of these values; fields of one `section` stand together.
    """

    begins_with: Key | None = None
    many: bool = False
    section: Title | None = None
    hint: Title | None = None
    shown_if: Condition = msgspec.field(default_factory=dict)


class CardControl(ManifestPart, kw_only=True):
    """A request that the card offers: a button, or a form with `fields`.

    `members` of the request get the values of the card's keys; fields are named by the path of the
    member that they fill. It is offered while the card's keys have one of the values of `shown_if`.
    `question` is asked before it is sent.
    """

    request: Name
    title: Title
    members: dict[Key, Key] = msgspec.field(default_factory=dict)
    fields: dict[Key, Field] = msgspec.field(default_factory=dict)
    shown_if: Condition = msgspec.field(default_factory=dict)
    question: str | None = None


class EntityTable(ManifestPart, kw_only=True):
    """A table of the entities of a type: columns are keys of that type's card, `controls` the
    requests of its buttons that each row has. `empty` is shown instead of no rows.
    """

    entity_type: Name
    title: Title
    columns: list[Key]
    controls: list[Name] = msgspec.field(default_factory=list)
    empty: str = ""
