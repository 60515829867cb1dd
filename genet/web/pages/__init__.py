"""The few pages that are not the SPA's: consent, device, and errors on the way of a login.

They work without scripts, stand alone (no request for anything else), and tell no other site where they are.

Trap: Chromium holds `form-action` against every redirect that follows a form, so the page whose answer leads to a
client has to allow that client's origin; and a CSP source cannot be an IPv6 address.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, auto_reload=False
)
_ORIGIN = re.compile(r"(?P<scheme>https?:)//(?P<host>\[[0-9a-f:.]+\]|[^/?\[\]]+?)(?::[0-9]+)?(?=[/?]|$)")


def page(
    template: str,
    *,
    product: str,
    status: int = 200,
    leads_to: str | None = None,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response[str]:
    """One page.

    Args:
        template: its file in this room.
        product: the installation's name (`ui.title`).
        status: of the answer.
        leads_to: the address to which the answer to its form redirects.
        headers: more of them.
        context: what the template needs.
    """
    return Response(
        _ENVIRONMENT.get_template(template).render(product=product, **context),
        status_code=status,
        media_type=MediaType.HTML,
        headers={
            "Cache-Control": "no-store",
            # a form's Origin is then `null`, which the boundary takes together with Sec-Fetch-Site alone
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": _policy(leads_to),
            **(headers or {}),
        },
    )


def message(product: str, title: str, text: str, *, status: int = 400, **more: Any) -> Response[str]:
    """A page that says one thing."""
    return page("message.html", product=product, status=status, title=title, text=text, **more)


def _policy(leads_to: str | None) -> str:
    targets = "'self'" if leads_to is None else f"'self' {_source(leads_to)}"
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )


def _source(address: str) -> str:
    """The origin as a CSP source; for an IPv6 address, which cannot be one, its scheme."""
    origin = _ORIGIN.match(address)
    if origin is None:
        return "'none'"
    return origin["scheme"] if origin["host"].startswith("[") else origin[0]
