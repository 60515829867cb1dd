"""Public SSH keys over HTTP, and where they go."""

import asyncio
import base64
import logging
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from genet.auth.user import User
from genet.flows.ssh_keys import MOST_PER_USER
from tests.replicas import cluster, kubeconfig, replica, replica_of, settings, switch

__all__ = ["cluster", "kubeconfig", "replica"]

NAMESPACE = "user-alice-alice"
PATH = "/api/profile/ssh-keys"
SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/genet-ssh-keys"


def new_key(comment=""):
    made = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{made} {comment}".strip()


async def add(replica, key, user="alice", **fields):
    return await replica.ask("POST", PATH, user=user, json={"key": key, **fields})


async def listed(replica, user="alice"):
    return (await replica.ask("GET", PATH, user=user)).json()["keys"]


def published(cluster, namespace=NAMESPACE):
    """Lines of the file that pods see."""
    secret = cluster.store.find("secrets", namespace, "genet-ssh-keys")
    text = base64.b64decode(secret["data"]["authorized_keys"]).decode() if secret else ""
    return text.splitlines()


async def test_a_key_is_added_listed_and_removed(replica):
    assert await listed(replica) == []
    answer = await add(replica, new_key("alice@laptop"))
    assert answer.status_code == 201, answer.text
    key = answer.json()
    assert (key["name"], key["type"]) == ("alice@laptop", "ssh-ed25519")
    assert key["fingerprint"].startswith("SHA256:")
    assert await listed(replica) == [key]
    assert (await replica.ask("DELETE", f"{PATH}/{key['id']}")).status_code == 204
    assert await listed(replica) == []
    assert (await replica.ask("DELETE", f"{PATH}/{key['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("comment", "fields", "name"),
    [("a@b", {"name": "laptop"}, "laptop"), ("", {}, "ssh-ed25519"), ("\x07bell", {}, "ssh-ed25519")],
)
async def test_what_a_key_is_called(replica, comment, fields, name):
    assert (await add(replica, new_key(comment), **fields)).json()["name"] == name


async def test_both_bad_fields_are_named_at_once(replica):
    answer = await add(replica, f"command=x {new_key()}", name="\x00")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert {error["field"] for error in answer.json()["errors"]} == {"key", "name"}
    assert await listed(replica) == []


async def test_a_private_key_is_neither_answered_nor_logged(replica, caplog):
    caplog.set_level(logging.DEBUG)
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    answer = await add(replica, key)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "key"
    inside = key.splitlines()[2]
    assert inside not in answer.text + caplog.text


async def test_a_key_is_there_once(replica):
    key = new_key()
    await add(replica, f"{key} one")
    answer = await add(replica, f"{key} two")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert [one["name"] for one in await listed(replica)] == ["one"]


async def test_no_more_than_fifty_also_of_many_at_once(replica):
    for _ in range(MOST_PER_USER - 2):
        assert (await add(replica, new_key())).status_code == 201
    answers = await asyncio.gather(*(add(replica, new_key()) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
    assert len(await listed(replica)) == MOST_PER_USER


async def test_keys_are_of_one_person_alone(replica):
    key = (await add(replica, new_key())).json()
    assert await listed(replica, user="bob") == []
    assert (await replica.ask("DELETE", f"{PATH}/{key['id']}", user="bob")).status_code == 404
    assert len(await listed(replica)) == 1


async def test_a_token_lists_keys_but_neither_adds_nor_removes_one(replica, kubeconfig):
    key = (await add(replica, new_key())).json()
    user = User(
        username="alice", email="alice@dev.invalid", identifier="alice-alice", owner="dev|alice", is_admin=False
    )
    await replica.services.identity.people.seen(user)
    scopes = ["cluster:read", "pods:read", "pods:write"]
    tokens = replica.services.identity.tokens
    _, bearer = await tokens.create(user, name="t", scopes=scopes, lifetime=timedelta(days=1))
    headers = {"Authorization": f"Bearer {bearer}"}
    assert (await replica.http.get(PATH, headers=headers)).status_code == 200
    assert (await replica.http.post(PATH, headers=headers, json={"key": new_key()})).status_code == 403
    assert (await replica.http.delete(f"{PATH}/{key['id']}", headers=headers)).status_code == 403
    assert len(await listed(replica)) == 1


async def test_pods_get_what_was_added_before_them_and_after(replica, cluster):
    first, second = new_key("first"), new_key("second")
    await add(replica, first)
    assert published(cluster) == [], "there is no namespace yet, and keys alone make none"
    await replica.create(name="a")
    assert [line.rsplit(" ", 1)[0] for line in published(cluster)] == [first.removesuffix(" first")]
    key = (await add(replica, second)).json()
    assert len(published(cluster)) == 2
    await replica.ask("DELETE", f"{PATH}/{key['id']}")
    assert len(published(cluster)) == 1


async def test_of_the_comment_nothing_reaches_the_pod(replica, cluster):
    await replica.create(name="a")
    await add(replica, new_key('x" command="id'))
    (line,) = published(cluster)
    assert line.split()[0] == "ssh-ed25519"
    assert "command" not in line


async def test_a_removal_that_pods_do_not_hear_of_is_no_success(replica, cluster):
    await replica.create(name="a")
    key = (await add(replica, new_key())).json()
    await switch(cluster, "fail", status=500, path=SECRET, times=1)
    answer = await replica.ask("DELETE", f"{PATH}/{key['id']}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert len(published(cluster)) == 1
    await switch(cluster, "fail", status=500, path=SECRET, times=1)
    await replica.services.ssh_keys.catch_up()
    assert len(published(cluster)) == 1
    await replica.services.ssh_keys.catch_up()
    assert published(cluster) == []
    refused = len(cluster.api.faults.refused)
    await switch(cluster, "fail", status=500, path=SECRET, times=1)
    await replica.services.ssh_keys.catch_up()
    assert len(cluster.api.faults.refused) == refused, "what was put right is not asked about again"


async def test_who_is_disabled_opens_nothing_until_enabled_again(replica, cluster):
    await replica.create(name="a")
    await add(replica, new_key())
    people, keys = replica.services.identity.people, replica.services.ssh_keys
    user = User(
        username="alice", email="alice@dev.invalid", identifier="alice-alice", owner="dev|alice", is_admin=False
    )
    await people.seen(user)
    await people.disable("alice-alice")
    await keys.publish("alice-alice", force=True)
    assert published(cluster) == []
    await people.enable("alice-alice")
    await keys.publish("alice-alice", force=True)
    assert len(published(cluster)) == 1


async def test_a_slower_replica_does_not_bring_a_removed_key_back(replica, kubeconfig, cluster):
    """It has read the keys as they were, and writes after the other one."""
    await replica.create(name="a")
    key = (await add(replica, new_key())).json()
    cluster.store.delete("secrets", NAMESPACE, "genet-ssh-keys")
    late, go_on = asyncio.Event(), asyncio.Event()

    class Late:
        """Records that are handed over late, as they were when they were read."""

        async def find(self, kind, id_):
            record = await replica.services.identity.records.find(kind, id_)
            if not late.is_set():
                late.set()
                await go_on.wait()
            return record

    async with replica_of(settings(kubeconfig)) as other:
        await other.synced()
        other.services.ssh_keys._records = Late()  # type: ignore[assignment] # all that is asked of it here
        slow = asyncio.create_task(other.services.ssh_keys.publish("alice-alice", force=True))
        await late.wait()
        # what is empty is published, too: who reads late must find that something has changed
        await add(replica, new_key())
        await replica.ask("DELETE", f"{PATH}/{key['id']}")
        go_on.set()
        await slow
    (left,) = await listed(replica)
    (line,) = published(cluster)
    assert line.endswith(left["id"])


@pytest.mark.parametrize("labels", [{}, {"genet.io/managed": "true"}], ids=["nobody's", "another's"])
async def test_nothing_is_written_into_a_namespace_of_somebody_else(replica, cluster, labels):
    metadata = {"name": NAMESPACE, "labels": {"genet.io/user": "alice-alice", **labels}}
    cluster.store.create("namespaces", {"metadata": {**metadata, "annotations": {"genet.io/owner": "dev|mallory"}}})
    assert (await add(replica, new_key())).status_code == 201
    assert cluster.store.list("secrets", NAMESPACE) == []
