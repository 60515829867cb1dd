"""Proxy mode over real sockets: what a proxy, and what others, can make the server believe."""

import asyncio
from contextlib import AbstractAsyncContextManager

import msgspec
import pytest

from genet.auth.proxy import Proxies
from genet.web.app import create_app
from tests.replicas import replica_of, settings
from tests.served import listening

ALICE = ["X-Auth-Request-User: alice", "X-Auth-Request-Email: alice@example.org"]
SECRET = "X-Genet-Proxy-Secret: s3cret"


async def status(port, *lines):
    """Status code and body of /api/auth/status, asked with exactly these header lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = ["GET /api/auth/status HTTP/1.1", "Host: genet.example.org", "Connection: close", *lines]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    start, _, body = answer.partition(b"\r\n\r\n")
    return int(start.split()[1]), msgspec.json.decode(body)


async def who(port, *lines):
    code, body = await status(port, *lines)
    return body["username"] if code == 200 else code


@pytest.fixture
async def behind(kubeconfig):
    """A port of a server in proxy mode, with these settings of `auth`."""
    stack: list[AbstractAsyncContextManager[object]] = []

    async def start(**auth):
        told = settings(
            kubeconfig,
            auth={"mode": "proxy", **auth},
            server={"allowedHosts": ["genet.example.org"]},
            oidcProvider={"enabled": False},
        )
        replica = replica_of(told)
        one = await replica.__aenter__()
        stack.append(replica)
        await one.synced()
        serving = listening(create_app(told, one.services))
        stack.append(serving)
        return await serving.__aenter__()

    yield start
    for context in reversed(stack):
        await context.__aexit__(None, None, None)


async def test_a_side_car_says_who_is_calling_and_nothing_else_does(behind):
    port = await behind()
    assert await who(port, *ALICE) == "alice"
    assert await who(port) is None
    assert await who(port, "X_Auth_Request_User: alice", "X_Auth_Request_Email: alice@example.org") is None
    assert await who(port, "X-Forwarded-User: alice", "X-Forwarded-Email: alice@example.org", "Remote-User: a") is None
    assert await who(port, *ALICE, "X_Auth_Request_User: mallory") == "alice"
    assert await who(port, *ALICE, "X-Auth-Request-User: mallory") == 403
    assert await who(port, "X-Auth-Request-User: mallory", *ALICE) == 403
    assert await who(port, *ALICE[:1]) == 403
    assert await who(port, "X-Auth-Request-User: system:admin", ALICE[1]) == 403
    # the peer stays the peer, whatever a header says of it
    assert await who(port, *ALICE, "X-Forwarded-For: 10.1.2.3", "Forwarded: for=10.1.2.3") == "alice"


async def test_a_proxy_that_says_it_in_other_headers_takes_nothing_from_browsers(behind):
    """As oauth2-proxy in front: of what a browser sends it takes away only the headers that it sets itself."""
    port = await behind(
        proxy={"userHeader": "X-Forwarded-Preferred-Username", "emailHeader": "X-Forwarded-Email"},
    )
    own = ["X-Forwarded-Preferred-Username: alice", "X-Forwarded-Email: alice@example.org"]
    root = ["X-Auth-Request-User: root", "X-Auth-Request-Email: root@example.org", "X-Forwarded-User: root"]
    assert await who(port, *own, *root) == "alice"
    assert await who(port, *root) is None


async def test_a_secret_is_compared_and_forwarded_addresses_do_not_stand_for_it(behind):
    port = await behind(proxy={"secret": "s3cret"}, trustedProxies=["127.0.0.0/8"])
    assert await who(port, *ALICE, SECRET) == "alice"
    assert await who(port, *ALICE) is None
    assert await who(port, *ALICE, "X-Genet-Proxy-Secret: s3cre") is None
    assert await who(port, *ALICE, SECRET, SECRET) is None
    assert await who(port, *ALICE, "X_Genet_Proxy_Secret: s3cret") is None


async def test_addresses_only_narrow(behind):
    port = await behind(proxy={"secret": "s3cret"}, trustedProxies=["10.1.0.0/16"])
    assert await who(port, *ALICE, SECRET) is None
    assert await who(port, *ALICE, SECRET, "X-Forwarded-For: 10.1.2.3") is None


async def test_who_is_disabled_is_refused_whatever_the_proxy_says(kubeconfig, behind):
    port = await behind()
    told = settings(kubeconfig, auth={"mode": "proxy"}, oidcProvider={"enabled": False})
    async with replica_of(told) as other:
        await other.synced()
        people = other.services.identity.people
        headers = [(b"x-auth-request-user", b"alice"), (b"x-auth-request-email", b"alice@example.org")]
        alice = Proxies(told).user("127.0.0.1", headers)
        assert alice is not None
        await people.seen(alice)
        await people.disable(alice.identifier)
        async with asyncio.timeout(5):
            while await who(port, *ALICE) != 403:  # noqa: ASYNC110 # seen from outside
                await asyncio.sleep(0.02)
