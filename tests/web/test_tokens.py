"""API tokens over HTTP; what they are good for is tested with the gate, what is kept of them in `tests/auth`."""

import re

import msgspec
import pytest

from genet.auth.tokens import MOST_PER_USER

REQUEST = {"name": "nightly", "scopes": ["pods:read", "cluster:read"], "expiresInDays": 90}


async def make(replica, user="alice", **changes):
    return await replica.ask("POST", "/api/tokens", user=user, json={**REQUEST, **changes})


async def listed(replica, user="alice"):
    answer = await replica.ask("GET", "/api/tokens", user=user)
    assert answer.status_code == 200, answer.text
    return answer.json()["tokens"]


async def test_a_token_is_shown_once(replica):
    assert await listed(replica) == []
    answer = await make(replica)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    made = answer.json()
    token = made.pop("token")
    assert re.fullmatch(rf"genet-sk-{made['id']}\.[\w-]{{43}}", token)
    assert await listed(replica) == [made]
    assert token.partition(".")[2] not in (await replica.ask("GET", "/api/tokens")).text
    assert made.keys() == {"id", "name", "scopes", "createdAt", "expiresAt", "lastUsedAt"}
    assert (made["name"], made["scopes"], made["lastUsedAt"]) == ("nightly", REQUEST["scopes"], None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", made["expiresAt"])


async def test_a_revoked_token_is_gone(replica):
    kept, gone = (await make(replica)).json()["id"], (await make(replica)).json()["id"]
    path = f"/api/tokens/{gone}"
    answer = await replica.ask("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert [token["id"] for token in await listed(replica)] == [kept]
    assert (await replica.ask("DELETE", path)).json()["code"] == "not_found"


async def test_nobody_sees_or_revokes_anothers(replica):
    made = (await make(replica)).json()["id"]
    for user in ("mallory", "admin"):
        assert await listed(replica, user) == []
        assert (await replica.ask("DELETE", f"/api/tokens/{made}", user=user)).status_code == 404
    assert len(await listed(replica)) == 1


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"scopes": ["pods:read", "everything", "pods:read"]}, ["scopes[1]", "scopes[2]"]),
        ({"scopes": []}, ["scopes"]),
        ({"scopes": "pods:read"}, ["scopes"]),
        ({"scopes": [1]}, ["scopes[0]"]),
        ({"name": "", "scopes": ["x"]}, ["name", "scopes[0]"]),
        ({"name": " "}, ["name"]),
        ({"name": "a\nb"}, ["name"]),
        ({"name": "a" * 65}, ["name"]),
        ({"expiresInDays": 0}, ["expiresInDays"]),
        ({"expiresInDays": 366}, ["expiresInDays"]),
        ({"expiresInDays": "90"}, ["expiresInDays"]),
        ({"expiresInDays": None, "owner": "bob-bob"}, ["expiresInDays", "owner"]),
    ],
)
async def test_all_bad_fields_are_named_at_once(replica, changes, fields):
    answer = await make(replica, **changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert sorted(error["field"] for error in answer.json()["errors"]) == fields
    assert await listed(replica) == []


async def test_every_field_has_to_be_there(replica):
    answer = await replica.ask("POST", "/api/tokens", json={})
    assert sorted(error["field"] for error in answer.json()["errors"]) == ["expiresInDays", "name", "scopes"]


async def test_the_longest_life_is_a_year(replica):
    assert (await make(replica, expiresInDays=365)).status_code == 201


async def test_one_token_too_many_is_a_conflict(replica):
    for _ in range(MOST_PER_USER):
        assert (await make(replica)).status_code == 201
    answer = await make(replica)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await make(replica, user="bob")).status_code == 201


async def test_nothing_is_said_before_the_records_are_known(unsynced):
    answer = await unsynced.ask("GET", "/api/tokens")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


# --- what a token is good for


async def by_token(replica, method, path, token, **more):
    return await replica.http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)


async def test_a_token_works_in_its_owners_name_whatever_else_is_said(replica):
    token = (await make(replica)).json()["token"]
    answer = await by_token(replica, "GET", "/api/auth/status", token, params={"user": "mallory"})
    assert answer.json()["userIdentifier"] == "alice-alice"
    assert (await by_token(replica, "GET", "/api/pods", token)).status_code == 200
    refused = await by_token(replica, "POST", "/api/pods", token, json={"image": "debian:13"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    writer = (await make(replica, scopes=["pods:write"])).json()["token"]
    assert (await by_token(replica, "POST", "/api/pods", writer, json={"image": "debian:13"})).status_code == 201


async def test_a_token_makes_lists_and_revokes_none(replica):
    made = (await make(replica, scopes=["pods:read", "pods:write", "cluster:read"])).json()
    for method, path, body in (
        ("POST", "/api/tokens", {"json": REQUEST}),
        ("GET", "/api/tokens", {}),
        ("DELETE", f"/api/tokens/{made['id']}", {}),
    ):
        answer = await by_token(replica, method, path, made["token"], **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert len(await listed(replica)) == 1


async def test_a_token_that_is_no_good_is_nobody_and_never_the_users_own(replica):
    made = (await make(replica)).json()
    await replica.ask("DELETE", f"/api/tokens/{made['id']}")
    for token in (made["token"], "genet-sk-", "x"):
        answer = await by_token(replica, "GET", "/api/pods", token, params={"user": "alice"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_body_that_nothing_announced_has_to_say_that_it_is_json(replica):
    """As HTTP/2 allows: neither its length nor an encoding is in the headers."""
    content = msgspec.json.encode(REQUEST)
    for headers, status in (({}, 415), ({"Content-Type": "application/json"}, 201)):
        request = replica.http.build_request("POST", "/api/tokens", headers=headers, content=content)
        del request.headers["Content-Length"]
        assert (await replica.http.send(request)).status_code == status
    assert len(await listed(replica, "dev-user")) == 1
