"""The page of a login that failed elsewhere: it says why and returns to the login form."""

from __future__ import annotations

from html import escape

from aiohttp import web

from nova.edge.oidc_error import FAILURES, OidcReason, failure_text
from nova.edge.replies import NO_STORE
from nova.sdk import request_id

ERROR_PARAMETER = "loginError"
"""The parameter by which the login form learns the reason, whose text the edge has."""

RETRY_AFTER_S = 60

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={form}">
<title>NOVA: login failed</title>
</head>
<body>
<h1>Login failed</h1>
<p>{text}</p>
<p><a href="{form}">Back to the login</a></p>
</body>
</html>
"""


def failure_page(
    reason: OidcReason, provider: str, page: str, retry_after_s: int = RETRY_AFTER_S
) -> web.Response:
    """The reply; `page` is the path of the page whose login form appears."""
    status = FAILURES[reason].status
    headers = {**NO_STORE, request_id.HTTP_HEADER: request_id.current.get()}
    if status in (429, 503):
        headers["Retry-After"] = str(retry_after_s)
    form = escape(f"{page}?{ERROR_PARAMETER}={reason}")
    text = _PAGE.format(form=form, text=escape(failure_text(reason, provider)))
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)
