"""Makes and updates the users whom an OpenID Connect provider logs in."""

from __future__ import annotations

from msgspec import UNSET

from nova.edge.actor import INSTANCE
from nova.edge.claim_mapping import ExternalLogin
from nova.edge.errors import LastAdminError
from nova.edge.oidc_error import OidcError
from nova.edge.user_store import NO_PASSWORD, User, UserStore


def admit_external(users: UserStore, login: ExternalLogin) -> User:
    """The user of a login, added at the first one; role and scopes follow the claims. Raises
    OidcError if the user is disabled, the name is taken, or NOVA would have no admin.
    """
    user = users.get_external(login.identity) or _add(users, login)
    if not user.enabled:
        raise OidcError("disabled", f"{user.username} is disabled")
    role = login.role if login.is_role_claimed else user.role
    scopes = login.scopes if login.are_scopes_claimed else user.scopes
    if (role, scopes) == (user.role, user.scopes):
        return user
    try:
        users.change(
            user.username,
            role=role,
            scopes=scopes if login.are_scopes_claimed else UNSET,
            by=INSTANCE,
        )
    except LastAdminError as error:
        raise OidcError("lastAdmin", f"{user.username} is {role} now: {error}") from None
    return _existing(users, login)


def _add(users: UserStore, login: ExternalLogin) -> User:
    is_new = users.add(
        login.username,
        NO_PASSWORD,
        login.role,
        scopes=login.scopes,
        identity=login.identity,
        by=INSTANCE,
    )
    if not is_new and users.get_external(login.identity) is None:
        raise OidcError("nameTaken", f"a user or an API key has the name {login.username}")
    return _existing(users, login)


def _existing(users: UserStore, login: ExternalLogin) -> User:
    user = users.get_external(login.identity)
    if user is None:
        raise OidcError("unknownLogin", f"{login.username} was deleted during the login")
    return user
