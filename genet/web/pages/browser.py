"""Sending a browser on its way."""

from typing import Any
from urllib.parse import quote

from litestar import Response

from genet.auth.user import Caller
from genet.web.pages import message
from genet.web.services import Services


def redirect(url: str) -> Response[Any]:
    """303, so that nothing of a form is sent on (RFC 9700 section 4.12), and without saying where one came from."""
    return Response(
        b"",
        status_code=303,
        headers={"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def to_login(services: Services, path: str, *, again: bool = False) -> Response[Any]:
    """To the company's login, and then back to a path of our own.

    Args:
        services: whose login.
        path: where the browser comes back to.
        again: although there is a session, or the provider remembers one.
    """
    if services.settings.auth.mode != "oauth":
        text = "Nobody is logged in here, and this installation leaves logging in to something else."
        return message(services.settings.ui.title, "You are not logged in", text, status=401)
    return redirect(f"/api/auth/login?next={quote(path, safe='')}{'&again=true' if again else ''}")


def own_action(path: str, caller: Caller) -> str:
    """Where a page's form goes; in dev mode the address says who is calling."""
    return f"{path}?user={quote(caller.user.username, safe='')}" if caller.by == "dev" else path
