"""What goes wrong where a person is looking: a page instead of a document for programs."""

import logging
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from genet.errors import GenetError
from genet.oidc.authorize import TargetRefused
from genet.oidc.messages import OAuthError
from genet.web.pages import message
from genet.web.problems import retry_header, status_of

log = logging.getLogger(__name__)


def _on_genet_error(request: Request[Any, Any, Any], error: GenetError) -> Response[str]:
    status = status_of(error)
    return _page(request, HTTPStatus(status).phrase, _sentence(error.detail), status, headers=retry_header(error))


def _on_target_refused(request: Request[Any, Any, Any], error: TargetRefused) -> Response[str]:
    return _page(request, "This login link cannot be used", str(error), 400)


def _on_oauth_error(request: Request[Any, Any, Any], error: OAuthError) -> Response[str]:
    return _page(request, "This login link cannot be used", _sentence(error.description), 400)


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _on_bug(request, error)
    title, text = HTTPStatus(error.status_code).phrase, _sentence(str(error.detail))
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        title, text = "You are not logged in", f"{text} Then begin again where you came from."
    return _page(request, title, text, error.status_code, headers=dict(error.headers or {}))


def _on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    log.error("unhandled error", exc_info=error, extra={"method": request.method, "path": request.url.path})
    return _page(request, "Something went wrong", "Something went wrong inside Genet; its log says what.", 500)


def _page(
    request: Request[Any, Any, Any], title: str, text: str, status: int, *, headers: dict[str, str] | None = None
) -> Response[str]:
    return message(request.app.state.services.settings.ui.title, title, text, status=status, headers=headers)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


ON_ERRORS: Final[ExceptionHandlersMap] = {
    GenetError: _on_genet_error,
    TargetRefused: _on_target_refused,
    OAuthError: _on_oauth_error,
    HTTPException: _on_http_error,
    Exception: _on_bug,
}
"""For every handler whose answers are pages."""
