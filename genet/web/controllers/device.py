"""The page on which a person lets a device in that shows a code."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.exceptions import NotFoundException

from genet.auth.sealing import Purpose, Unsealable
from genet.auth.sessions import is_still_there
from genet.auth.user import Caller
from genet.errors import Conflict, Forbidden, RateLimited
from genet.oidc.authorize import TargetRefused
from genet.oidc.device import Question, read_user_code, shown
from genet.oidc.messages import OAuthError, Parameters
from genet.oidc.provider import Provider
from genet.web import oauth
from genet.web.guards import current_caller
from genet.web.oauth import provider_of
from genet.web.pages import message, page
from genet.web.pages.browser import own_action, redirect, to_login
from genet.web.pages.errors import ON_ERRORS
from genet.web.pages.words import learned
from genet.web.problems import retry_header, status_of
from genet.web.services import Injected, Services

PATH: Final = "/oidc/device"
_FORM_LIFETIME: Final = timedelta(minutes=10)
_LONGEST_QUERY: Final = 4096


class DeviceForm(msgspec.Struct, frozen=True):
    """What a page was shown about, and to whom."""

    user: str
    session: str | None
    question: Question | None = None
    """None: the page asks for the code."""


DEVICE_FORM: Final = Purpose("device form", DeviceForm)


@get(PATH, name="oidc:device", include_in_schema=False)
async def show(request: Request[Any, Any, Any], services: Injected) -> Response[Any]:
    provider = _provider(services)
    query: bytes = request.scope["query_string"]
    if len(query) > _LONGEST_QUERY:
        raise TargetRefused("The link is too long.")
    parameters = oauth.parsed(query)
    caller = current_caller(request)
    if caller is None:
        return to_login(services, _again(parameters))
    sealed = parameters.get("question")
    if sealed is not None:
        return _asked_page(services, provider, caller, provider.devices.opened(sealed))
    user_code = read_user_code(parameters.get("user_code") or "")
    if user_code is None:
        return _code_page(services, provider, caller)
    typed = await provider.devices.typed(user_code, caller.user.identifier)
    if typed is None:
        return _code_page(services, provider, caller, user_code=shown(user_code))
    if typed.question is None:
        return _waiting_page(services, caller, user_code)
    return _asked_page(services, provider, caller, typed.question)


@post(PATH, name="oidc:device-decide", status_code=200, include_in_schema=False)
async def decide(request: Request[Any, Any, Any], services: Injected) -> Response[Any]:
    provider = _provider(services)
    form = await oauth.form_of(request)
    seen = _device_form(provider, form.required("form"))
    caller = current_caller(request)
    if caller is None or (caller.user.identifier, caller.credential_id) != (seen.user, seen.session):
        raise Forbidden("this page was shown to somebody else, or before another login: begin again")
    person = await provider.people.seen(caller.user)
    if not await is_still_there(services.identity.records, caller.credential_id, person):
        raise Forbidden("your session has ended; log in again")
    epoch = person.epoch
    if seen.question is None:
        return await _type(services, provider, caller, epoch, form)
    decision = form.required("decision")
    if decision not in {"allow", "deny"}:
        raise OAuthError("invalid_request", "decision must be allow or deny")
    await provider.devices.decide(
        seen.question,
        caller.user.identifier,
        epoch=epoch,
        authenticated_at=services.clock() if caller.by == "dev" else caller.authenticated_at,
        is_approved=decision == "allow",
    )
    title = "The device is logged in" if decision == "allow" else "The device stays out"
    text = "Go on there; you can close this page." if decision == "allow" else "Nobody was logged in."
    return message(services.settings.ui.title, title, text, status=200)


async def _type(services: Services, provider: Provider, caller: Caller, epoch: int, form: Parameters) -> Response[Any]:
    text = form.required("user_code")
    user_code = read_user_code(text)
    if user_code is None:
        complaint = "A code has eight letters, and no vowels."
        return _code_page(services, provider, caller, user_code=text[:16], complaint=complaint, status=400)
    try:
        await provider.devices.type(user_code, caller.user.identifier, epoch=epoch)
    except (Conflict, RateLimited) as error:
        complaint = f"{error.detail[0].upper()}{error.detail[1:]}."
        answer = _code_page(services, provider, caller, complaint=complaint, status=status_of(error))
        answer.headers.update(retry_header(error))
        return answer
    action = own_action(PATH, caller)
    return redirect(f"{action}{'&' if '?' in action else '?'}user_code={shown(user_code)}")


def _provider(services: Services) -> Provider:
    provider = provider_of(services)
    if not provider.has_device_flow:
        raise NotFoundException("login by a code is switched off")
    return provider


def _device_form(provider: Provider, sealed: str) -> DeviceForm:
    try:
        return provider.sealer.open(DEVICE_FORM, sealed)
    except Unsealable as error:
        raise TargetRefused("The page was open for too long. Begin again.") from error


def _again(parameters: Parameters) -> str:
    """This page with what it was called with, for after the login."""
    known = [(name, parameters.get(name)) for name in ("user_code", "question")]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in known if value is not None)
    return f"{PATH}?{query}" if query else PATH


def _code_page(
    services: Services,
    provider: Provider,
    caller: Caller,
    *,
    user_code: str = "",
    complaint: str = "",
    status: int = 200,
) -> Response[str]:
    return page(
        "device_code.html",
        product=services.settings.ui.title,
        status=status,
        user=caller.user,
        user_code=user_code,
        complaint=complaint,
        action=own_action(PATH, caller),
        form=_form(provider, caller, None),
    )


def _waiting_page(services: Services, caller: Caller, user_code: str) -> Response[str]:
    return page(
        "device_waiting.html",
        product=services.settings.ui.title,
        user_code=shown(user_code),
        again=own_action(PATH, caller),
    )


def _asked_page(services: Services, provider: Provider, caller: Caller, question: Question | None) -> Response[str]:
    if question is None:
        return _code_page(services, provider, caller, complaint="That code is too old: begin again on the device.")
    client = provider.clients.get(question.client_id)
    return page(
        "device_confirm.html",
        product=services.settings.ui.title,
        user=caller.user,
        user_code=shown(question.user_code),
        client=client.name if client else question.client_id,
        client_id=question.client_id,
        address=question.address,
        user_agent=question.user_agent,
        asked_at=f"{question.asked_at:%Y-%m-%d %H:%M:%S} UTC",
        learns=learned(question.scope),
        action=own_action(PATH, caller),
        form=_form(provider, caller, question),
    )


def _form(provider: Provider, caller: Caller, question: Question | None) -> str:
    sealed = DeviceForm(caller.user.identifier, caller.credential_id, question)
    return provider.sealer.seal(DEVICE_FORM, sealed, _FORM_LIFETIME)


DEVICE_PAGE = Router(
    "/",
    route_handlers=[show, decide],
    exception_handlers=ON_ERRORS,
    request_max_body_size=oauth.MAX_BODY_BYTES,
)
