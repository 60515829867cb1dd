"""`genet users`: who is known, and that who is shut out stays out until enabled again."""

import asyncio
import json
from dataclasses import replace

import pytest
import yaml

from genet.auth.user import User
from genet.cli import main
from genet.errors import Forbidden
from genet.flows.ssh_keys import KEYS, Key, Keys
from tests.identities import ANN, BOB, NAMESPACE, Clock, ends, identity_of, log_in, make_token
from tests.replicas import replica_of, settings, until

PREPARED = "genet.io/prepared"


@pytest.fixture
def config(kubeconfig, tmp_path):
    path = tmp_path / "genet.yaml"
    path.write_text(yaml.safe_dump({"auth": {"mode": "dev"}, "kubernetes": {"kubeconfig": str(kubeconfig)}}))
    return path


@pytest.fixture
def users(config, capsys):
    """Runs the command as people do; returns its exit code and what it said."""

    async def run(*words):
        code = await asyncio.to_thread(main, ["users", *words, "--config", str(config)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
async def identity(kubeconfig):
    async with identity_of(kubeconfig, Clock()) as one:
        yield one


async def test_the_list_says_what_people_hold(users, identity, cluster):
    await log_in(identity, BOB)
    await log_in(identity)
    await log_in(identity)
    await make_token(identity)
    labels = {"genet.io/record": "grant", "genet.io/user": ANN.identifier}
    cluster.store.create("secrets", {"metadata": {"name": "grant", "namespace": NAMESPACE, "labels": labels}})
    code, said = await users("list", "--output", "json")
    assert code == 0
    ann, bob = json.loads(said)["users"]
    assert ann | {"createdAt": ""} == {
        "identifier": "ann-ann",
        "username": "ann",
        "email": "ann@example.org",
        "owner": "https://login.example.org|1",
        "disabled": False,
        "createdAt": "",
        "lastLoginAt": "2026-01-31T08:00:00Z",
        "sessions": 2,
        "grants": 1,
        "tokens": 1,
    }
    assert (bob["identifier"], bob["sessions"], bob["tokens"]) == ("bob-bob", 1, 0)
    code, said = await users("list")
    assert (code, len(said.splitlines())) == (0, 3)
    assert " ".join(said.splitlines()[1].split()) == "ann-ann ann ann@example.org 2026-01-31 08:00 2 1 1 no"


async def test_nobody_is_listed_where_nobody_is(users):
    code, said = await users("list", "--output", "json")
    assert (code, json.loads(said)) == (0, {"users": []})


async def test_who_is_disabled_is_out_at_once_on_a_running_replica(users, identity):
    cookie, token = await log_in(identity), await make_token(identity)
    code, said = await users("disable", ANN.identifier)
    assert code == 0
    assert "1 session, 1 API token." in said
    await ends(identity.sessions.find, cookie)
    await ends(identity.tokens.find, token)
    with pytest.raises(Forbidden):
        await log_in(identity)
    assert "yes" in (await users("list"))[1]
    assert (await users("disable", ANN.identifier))[0] == 0, "again, where it was interrupted"
    assert (await users("enable", ANN.identifier))[0] == 0
    assert await identity.sessions.find(await log_in(identity))


async def test_who_had_another_name_is_shut_out_under_all_of_them_and_let_in_again(users, identity, cluster):
    renamed = replace(ANN, username="nina", identifier="nina-ann")
    for user in (ANN, renamed, BOB):
        await log_in(identity, user)
    for user in (ANN, renamed):
        code, said = await users("disable", user.identifier)
        assert (code, "2 sessions" in said) == (0, user is ANN)
        for known, expected in ((ANN, True), (renamed, True), (BOB, False)):
            assert await identity.people.is_disabled(known.identifier) is expected
    assert (await users("enable", renamed.identifier))[0] == 0
    assert not await identity.people.is_disabled(ANN.identifier)
    await until(lambda: not any(identity.people.known(one.identifier).is_disabled for one in (ANN, renamed)))
    assert await identity.sessions.find(await log_in(identity, renamed))


async def test_the_rights_to_use_kubectl_go_and_come_back(users, kubeconfig, cluster):
    alice = User("alice", "alice@dev.invalid", "alice-alice", "dev|alice", is_admin=False)
    bound = lambda: cluster.store.find("rolebindings", "user-alice-alice", "genet-user")  # noqa: E731
    async with replica_of(settings(kubeconfig)) as replica:
        await replica.synced()
        await replica.services.identity.people.seen(alice)
        assert (await replica.create(name="a")).status_code == 201
        assert bound() is not None
        assert (await users("disable", "alice-alice"))[0] == 0
        assert bound() is None
        assert PREPARED not in cluster.store.get("namespaces", "", "user-alice-alice")["metadata"]["annotations"]
        assert (await replica.create(name="b")).json()["code"] == "forbidden"
        assert bound() is None
        assert (await users("enable", "alice-alice"))[0] == 0
        people = replica.services.identity.people
        await until(lambda: (known := people.known("alice-alice")) and not known.is_disabled)
        assert (await replica.create(name="b")).status_code == 201
        assert bound() is not None


@pytest.mark.parametrize("action", ["disable", "enable"])
@pytest.mark.parametrize("user", ["nobody-here", "../kube-system", "Ann Ann", ""])
async def test_nobody_unknown_is_a_mistake(users, cluster, action, user):
    code, said = await users(action, user)
    assert code == 1
    assert "there is no such user" in said
    assert cluster.store.list("secrets", NAMESPACE) == []


async def test_a_cluster_that_cannot_be_reached_is_said_in_a_line(config, users):
    config.write_text("auth: {mode: dev}\nkubernetes: {kubeconfig: /nowhere}\n")
    code, said = await users("list")
    assert code == 1
    assert len(said.splitlines()) == 1


async def test_keys_of_who_is_disabled_open_nothing_until_enabled_again(users, identity, cluster):
    await log_in(identity)
    key = Key("1", "laptop", "ssh-ed25519", "AAAA", "SHA256:", Clock()())
    await identity.records.create(KEYS, ANN.identifier, Keys(ANN.owner, (key,)), user=ANN.identifier)
    name, labels = f"user-{ANN.identifier}", {"genet.io/managed": "true", "genet.io/user": ANN.identifier}
    metadata = {"name": name, "labels": labels, "annotations": {"genet.io/owner": ANN.owner}}
    cluster.store.create("namespaces", {"metadata": metadata})

    def published():
        return cluster.store.get("secrets", name, "genet-ssh-keys")["data"]["authorized_keys"]

    assert (await users("enable", ANN.identifier))[0] == 0
    assert published() != ""
    assert (await users("disable", ANN.identifier))[0] == 0
    assert published() == ""
    assert (await users("enable", ANN.identifier))[0] == 0
    assert published() != ""
