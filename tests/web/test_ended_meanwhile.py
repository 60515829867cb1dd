"""A session that is ended while one of its requests is under way leaves nothing behind that outlives it.

Who is calling is found out before the body is read, so whoever has stolen a session can send the head of a request,
keep the body, and send that when its owner has ended everything.
"""

from urllib.parse import urlencode

import msgspec
import pytest
from msgspec.structs import replace

from genet.auth.people import PERSON
from genet.errors import Forbidden
from genet.oidc.device import DEVICE
from genet.oidc.grant import GRANT
from genet.oidc.messages import DEVICE_CODE
from tests.replicas import settings, until
from tests.web.provider import ISSUER, OWN_PAGE, configuration, form_of, site_of

ALICE = "alice-alice"


async def kept_back(body, happening):
    """A body that comes after something else has happened."""
    await happening()
    yield body


async def end_everything(site, browser):
    await site.services.identity.people.end_everything(ALICE)


async def end_the_session(site, browser):
    caller = await site.services.identity.sessions.find(browser["Cookie"].partition("=")[2])
    await site.services.identity.sessions.end(caller.credential_id)


ENDINGS = [end_everything, end_the_session]


async def held(site, kind):
    return await site.services.identity.records.of(kind, ALICE)


async def post(site, path, body, browser, happening):
    content = kept_back(body, lambda: happening(site, browser))
    kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
    return await site.http.post(path, content=content, headers={**OWN_PAGE, **browser, "Content-Type": kind})


async def nothing(site, browser):
    return


async def token(site, browser, happening):
    body = msgspec.json.encode({"name": "mine", "scopes": ["pods:write"], "expiresInDays": 365})
    return await post(site, "/api/tokens", body, browser, happening)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_no_api_token(site, ending):
    answer = await token(site, await site.log_in(), ending)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await token(site, await site.log_in(), nothing)).status_code == 201


async def device(site, browser, happening):
    data = {"client_id": "kube", "scope": "openid offline_access"}
    asked = (await site.http.post("/oidc/device_authorization", data=data)).json()
    page = await site.http.get(asked["verification_uri_complete"].removeprefix(ISSUER), headers=browser)
    body = urlencode({"form": form_of(page), "decision": "allow"}).encode()
    answer = await post(site, "/oidc/device", body, browser, happening)
    polled = await site.token({"grant_type": DEVICE_CODE, "device_code": asked["device_code"], "client_id": "kube"})
    return answer.status_code, polled.status_code


@pytest.mark.parametrize("ending", ENDINGS)
async def test_no_device(site, ending):
    assert await device(site, await site.log_in(), ending) == (403, 400)
    assert (await held(site, DEVICE), await held(site, GRANT)) == ([], [])
    assert await device(site, await site.log_in(), nothing) == (200, 200)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_no_grant(site, ending):
    browser = await site.log_in()
    body = urlencode({"form": form_of(await site.authorize(browser)), "decision": "allow"}).encode()
    answer = await post(site, "/oidc/consent", body, browser, ending)
    assert "error=access_denied" in answer.headers["Location"]
    assert await held(site, GRANT) == []


@pytest.mark.parametrize("ending", ENDINGS)
async def test_no_certificate(kubeconfig, cluster, ending):
    wanted = configuration(kubeconfig)
    server = {"name": "lab", "server": "https://api.example.org:6443", "caData": "Q0E="}
    more = settings(kubeconfig, cluster=server, kubeconfig={"mode": "cert"})
    async with site_of(replace(wanted, cluster=more.cluster, kubeconfig=more.kubeconfig)) as site:
        for cache in site.services.caches:
            await cache.wait_ready()
        browser = await site.log_in()
        caller = await site.services.identity.sessions.find(browser["Cookie"].partition("=")[2])
        assert caller is not None
        await ending(site, browser)  # the gate has let it pass: from here on it is the flow that has to notice
        with pytest.raises(Forbidden, match="session has ended"):
            await site.services.issue_kubeconfig.issue(caller.user, session_id=caller.credential_id)
        assert cluster.store.list("certificatesigningrequests") == []
        issued = await site.http.post("/api/kubeconfig", headers={**OWN_PAGE, **await site.log_in()})
        assert issued.status_code == 201


async def test_groups_that_were_taken_away_stay_away(site):
    browser = await site.log_in()
    people, records = site.services.identity.people, site.services.identity.records

    async def in_groups(*groups):
        record = await records.get(PERSON, ALICE)
        await people.replace(record, replace(record.value, groups=groups))

    await in_groups("admins")
    body = urlencode({"form": form_of(await site.authorize(browser)), "decision": "allow"}).encode()
    answer = await post(site, "/oidc/consent", body, browser, lambda *_: in_groups())
    assert "code=" in answer.headers["Location"]
    assert (await records.get(PERSON, ALICE)).value.groups == ()


async def test_whose_record_is_gone_is_not_made_anew(site):
    browser = await site.log_in()
    records = site.services.identity.records

    async def forget(*_):
        await records.delete(await records.get(PERSON, ALICE))
        await until(lambda: site.services.identity.people.known(ALICE) is None)

    assert (await token(site, browser, forget)).status_code == 403
    assert await held(site, PERSON) == []
