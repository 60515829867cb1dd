"""PyPI requests-oauth2client logs people in at Genet: another client that somebody else wrote, of another school."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
import requests
from requests.adapters import HTTPAdapter
from requests_oauth2client import (
    AuthorizationRequest,
    BearerToken,
    ClientSecretBasic,
    ClientSecretPost,
    DeviceAuthorizationPollingJob,
    InvalidGrant,
    OAuth2Client,
    PublicApp,
)

from genet import naming
from tests.e2e.identity.installation import (
    CONFIDENTIAL,
    CONFIDENTIAL_REDIRECT_WITH_QUERY,
    CONFIDENTIAL_SECRET,
    KUBE_REDIRECTS,
    Installation,
)
from tests.e2e.identity.oauth import SCOPE, allow
from tests.upstream.browser import Browser, Page
from tests.upstream.provider import Employee

pytestmark = pytest.mark.e2e

ENCODED = quote_plus(CONFIDENTIAL_SECRET)
"""As RFC 6749 section 2.3.1 wants it in Basic; this client leaves that to its users."""
CLIENTS = [
    pytest.param(PublicApp("kube"), KUBE_REDIRECTS[0], "S256", id="public"),
    pytest.param(ClientSecretBasic(CONFIDENTIAL, ENCODED), CONFIDENTIAL_REDIRECT_WITH_QUERY, "S256", id="basic-pkce"),
    pytest.param(
        ClientSecretPost(CONFIDENTIAL, CONFIDENTIAL_SECRET), CONFIDENTIAL_REDIRECT_WITH_QUERY, None, id="post-no-pkce"
    ),
]


class Impatient(HTTPAdapter):
    """Requests waits for ever unless told not to."""

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        return super().send(request, *args, **more | {"timeout": 30})


@pytest.fixture
def session(installation: Installation) -> Iterator[requests.Session]:
    with requests.Session() as one:
        one.verify = str(installation.ca_file)
        one.trust_env = False
        one.mount("https://", Impatient())
        yield one


def client_of(installation: Installation, session: requests.Session, auth: Any, **more: Any) -> OAuth2Client:
    metadata = session.get(f"{installation.issuer}/.well-known/openid-configuration").json()
    more |= {"device_authorization_endpoint": metadata["device_authorization_endpoint"]}  # it does not look for it
    # `testing` lets it take an issuer with a port
    return OAuth2Client.from_discovery_endpoint(
        issuer=installation.issuer, auth=auth, session=session, testing=True, **more
    )


def let_in(installation: Installation, person: Employee, url: str, stop: str | None = None) -> Page:
    async def walk() -> Page:
        async with installation.client() as http:
            browser = Browser(http, login=person.login)
            page = await browser.open(url, stop=stop)
            return await allow(browser, page, stop=stop or "nowhere:")

    return asyncio.run(walk())


def check(client: OAuth2Client, tokens: BearerToken, person: Employee) -> None:
    identifier = naming.user_identifier(person.login, f"{person.login}@example.org")
    assert tokens.id_token is not None
    assert client.userinfo(tokens)["sub"] == identifier
    renewed = client.refresh_token(tokens)
    assert client.userinfo(renewed)["preferred_username"] == person.login
    assert client.revoke_refresh_token(renewed)
    with pytest.raises(InvalidGrant):
        client.refresh_token(renewed)
    with pytest.raises(requests.HTTPError, match="401"):
        client.userinfo(renewed)


@pytest.mark.parametrize(("auth", "redirect_uri", "method"), CLIENTS)
def test_it_logs_in_by_code(
    installation: Installation, session: requests.Session, auth: Any, redirect_uri: str, method: str | None
) -> None:
    person = installation.hire("staff")
    client = client_of(installation, session, auth, redirect_uri=redirect_uri, code_challenge_method=method)
    request: AuthorizationRequest = client.authorization_request(scope=SCOPE)
    assert (request.code_challenge is None) == (method is None)
    arrived = let_in(installation, person, request.uri, redirect_uri)
    answer = request.validate_callback(arrived.url)
    tokens = client.authorization_code(answer)
    check(client, tokens, person)
    with pytest.raises(InvalidGrant):
        client.authorization_code(answer)


@pytest.mark.parametrize(("auth", "redirect_uri", "method"), CLIENTS[:2])
def test_it_logs_in_a_device(
    installation: Installation, session: requests.Session, auth: Any, redirect_uri: str, method: str | None
) -> None:
    person = installation.hire("staff")
    client = client_of(installation, session, auth)
    device = client.authorize_device(scope=SCOPE)
    polling = DeviceAuthorizationPollingJob(client, device, interval=5)
    page = let_in(installation, person, str(device.verification_uri_complete))
    assert page.status == 200, page.text
    tokens = polling()
    assert tokens is not None
    check(client, tokens, person)
