"""The rights that the chart gives are enough for what Genet does, and end there: tried with the real ServiceAccount.

Everywhere else tests run as an administrator, for whom a missing right goes unnoticed.
"""

import asyncio
import base64
import json
import os
import secrets
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from genet import naming
from genet.auth.user import User
from genet.errors import Forbidden
from genet.pods.model import ExtendRequest, PodRequest
from genet.pods.place import Place
from genet.pods.public_keys import parse
from genet.settings.sources import load
from genet.web.services import running
from tests.helm.conftest import ACCEPTED, SAVING

pytestmark = pytest.mark.real

IMAGE = os.environ.get("GENET_E2E_IMAGE", "cluster.local/busybox:1")
RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")


@pytest.fixture(scope="module")
def account(helm, kubectl, namespace, vacant):
    """`namespace/name` of a ServiceAccount with exactly the rights that an installation would have."""
    name = ("--set", f"fullnameOverride={namespace}")
    documents = helm.template(*ACCEPTED, *SAVING, *name, "--namespace", namespace)
    spaces = [document for document in documents if document["kind"] == "Namespace"]
    own = yaml.safe_dump_all(spaces + [document for document in documents if document["kind"] in RIGHTS])
    elsewhere = {
        where: yaml.safe_dump_all(document for document in documents if document["metadata"].get("namespace") == where)
        for where in ("default", f"{namespace}-grants", f"{namespace}-jobs")
    }
    rights = ((namespace, own), *elsewhere.items())
    begun = []
    try:
        for where, text in rights:
            begun.append((where, text))
            created = kubectl("--namespace", where, "create", "-f", "-", stdin=text)
            assert created.returncode == 0, created.stderr
        yield f"{namespace}/{namespace}"
    finally:
        for where, text in reversed(begun):
            kubectl("--namespace", where, "delete", "--wait=false", "--ignore-not-found", "-f", "-", stdin=text)


@pytest.fixture(scope="module")
def configured(account, kubectl, tmp_path_factory):
    """Makes settings that reach the API server as that account."""
    namespace, _, name = account.partition("/")
    token = kubectl("--namespace", namespace, "create", "token", name)
    assert token.returncode == 0, token.stderr
    kubeconfig = tmp_path_factory.mktemp("account") / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(yaml.safe_dump(as_account(token.stdout.strip())))
    kubernetes = {
        "kubeconfig": str(kubeconfig),
        "serviceAccount": account,
        "grantsNamespace": f"{namespace}-grants",
    }
    # the provider is switched on, so that keys, leases and records are tried as well
    provider = {"enabled": True, "issuer": "https://genet.example.org"}
    own = {"auth": {"mode": "dev"}, "kubernetes": kubernetes, "oidcProvider": provider}
    return lambda **others: load({}, defaults=own | others)


def as_account(token: str) -> dict[str, Any]:
    """The tests' kubeconfig, with a token in the place of its user."""
    document: dict[str, Any] = yaml.safe_load(Path(os.environ["GENET_TEST_KUBECONFIG"]).read_text())
    for context in document["contexts"]:
        context["context"]["user"] = "account"
    return document | {"users": [{"name": "account", "user": {"token": token}}]}


@pytest.fixture
def person(kubectl):
    username = f"chart{secrets.token_hex(3)}"
    identifier = naming.user_identifier(username, f"{username}@dev.invalid")
    yield User(username, f"{username}@dev.invalid", identifier, f"dev|{username}", is_admin=False)
    kubectl("delete", "namespace", naming.namespace(identifier), "--wait=false", "--ignore-not-found")


@asynccontextmanager
async def serving(settings):
    async with running(settings, lambda: datetime.now(UTC)) as services:
        for cache in services.caches:
            await cache.wait_ready()
        yield services


async def test_they_are_enough_for_the_life_of_a_pod(configured, person):
    async with serving(configured(storage={"volumes": [{"name": "work", "mountPath": "/work"}]})) as services:
        pod, _ = await services.create_pod(person, PodRequest(image=IMAGE, name="one", cpu="10m", memory="32Mi"))
        extended = await services.extend_pod(pod, ExtendRequest(hours=1.0))
        assert naming.PROTECTED_UNTIL in extended.metadata.annotations
        await services.pods.events(pod)
        await running_by(services, person, pod)
        where, never = Place(pod.metadata.namespace, pod.metadata.name, "main"), asyncio.Event()
        done = await services.shells.exec(person.identifier, where, ["echo", "hello"], 30.0, never)
        assert done.stdout == "hello\n"
        log = await services.logs.tail(pod, tail_lines=10, since_seconds=None, container=None, previous=False)
        assert "genet" in log.logs
        described = await services.describe_pod(pod, "en")
        assert described.reasons == ()
        await services.show_pod_use(pod)
        [volume] = (await services.volumes.of(person, services.pods.of(person.identifier))).volumes
        assert volume.status == "Bound"
        await services.restart_pod(pod, user=person.identifier)
        again = await running_by(services, person, pod)
        assert again.metadata.uid != pod.metadata.uid
        await services.delete_pod(again, by=person.identifier)


async def running_by(services, person, before):
    """The pod of that name, when it runs and has its port."""
    async with asyncio.timeout(90):
        while True:
            [pod] = services.pods.of(person.identifier)
            [seen] = services.pods.view(person.identifier, [pod])
            if seen.status == "Running" and seen.ssh_port:
                return pod
            await asyncio.sleep(0.2)


async def test_they_are_enough_for_the_keys_of_a_person_with_a_pod(configured, person):
    async with serving(configured()) as services:
        await services.create_pod(person, PodRequest(image=IMAGE, name="one", cpu="10m", memory="32Mi"))
        blob = b"".join(len(part).to_bytes(4) + part for part in (b"ssh-ed25519", secrets.token_bytes(32)))
        public = parse(f"ssh-ed25519 {base64.b64encode(blob).decode()}")
        key = await services.ssh_keys.add(person, public, "laptop")
        assert [known.id for known in await services.ssh_keys.of(person)] == [key.id]
        await services.ssh_keys.remove(person, key.id)


async def test_they_are_enough_to_remember_people_and_to_shut_them_out(configured, person, kubectl):
    async with serving(configured()) as services:
        await services.tenancy.ready(person)
        await services.identity.people.seen(person)
        for ended in range(2):
            await services.identity.people.disable(person.identifier)
            await services.tenancy.shut_out(person.identifier)
            with pytest.raises(Forbidden, match="disabled"):
                await services.tenancy.ready(person)
            await services.identity.people.enable(person.identifier)
            if not ended:
                await services.tenancy.ready(person)
    found = kubectl("get", "rolebindings", "-o", "name", "--namespace", naming.namespace(person.identifier))
    assert found.stdout.split() == ["rolebinding.rbac.authorization.k8s.io/genet-tenant"]


async def test_they_let_genet_set_a_binding_right_that_is_not_its_own(configured, person, kubectl):
    space = naming.namespace(person.identifier)
    async with serving(configured()) as services:
        await services.tenancy.ready(person)
        wrong = ("rolebinding", "genet-user", "--namespace", space)
        assert kubectl("delete", *wrong).returncode == 0
        made = kubectl("create", *wrong, "--clusterrole=genet-user", "--user=genet:mallory-mallory")
        assert made.returncode == 0, made.stderr
        await services.tenancy.shut_out("nobody-at-all")
        kubectl("annotate", "namespace", space, f"{naming.PREPARED}-")
        await services.tenancy.ready(person)
    subjects = kubectl("get", *wrong, "-o", "jsonpath={.subjects[*].name}").stdout
    assert subjects == f"genet:{person.identifier}"


async def test_they_let_a_changed_limit_reach_a_namespace_that_is_there(configured, person):
    for limit in (1, 2):
        async with serving(configured(podLimitPerUser=limit)) as services:
            await services.create_pod(person, PodRequest(image="busybox", name=f"n{limit}"))


@pytest.mark.parametrize(
    "what",
    [
        "get secrets",
        "list secrets",
        "list configmaps",
        "create pods",
        "create pods --subresource=exec",
        "get pods --subresource=log",
        "delete pods",
        "delete namespaces",
        "create clusterrolebindings",
        "bind clusterroles/cluster-admin",
        "escalate clusterroles",
        "impersonate users",
        "patch nodes",
        "list events",
    ],
)
def test_they_end_outside_managed_namespaces(account, kubectl, what):
    who = f"system:serviceaccount:{account.replace('/', ':')}"
    answer = kubectl("auth", "can-i", *what.split(), "--namespace", "kube-system", "--as", who)
    assert answer.stdout.strip() == "no", answer


@pytest.mark.parametrize("resource", ["resourceslices", "resourceclaims"])
def test_they_let_genet_read_what_dra_hands_out(account, kubectl, resource):
    def may(verb: str) -> bool:
        # as `kubectl auth can-i` does not: it knows no groups that the server does not serve
        attributes = {"group": "resource.k8s.io", "resource": resource, "verb": verb}
        spec = {"user": f"system:serviceaccount:{account.replace('/', ':')}", "resourceAttributes": attributes}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        done = kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review))
        assert done.returncode == 0, done.stderr
        allowed: bool = json.loads(done.stdout)["status"]["allowed"]
        return allowed

    verbs = ("get", "list", "watch", "create", "update", "patch", "delete")
    assert {verb for verb in verbs if may(verb)} == {"get", "list", "watch"}


def test_they_let_genet_bind_its_own_roles_alone(account, kubectl):
    who = f"system:serviceaccount:{account.replace('/', ':')}"
    answers = {
        role: kubectl("auth", "can-i", "bind", f"clusterroles/{role}", "--as", who).stdout.strip()
        for role in ("genet-tenant", "genet-user", "admin")
    }
    assert answers == {"genet-tenant": "yes", "genet-user": "yes", "admin": "no"}


@pytest.fixture
def ascend(helm, kubectl, namespace, account):
    """The further rights that `gpu.ascendDeviceInfo` brings."""
    values = ("--set", f"fullnameOverride={namespace}", "--set", "config.gpu.ascendDeviceInfo=true")
    documents = helm.template(*ACCEPTED, *values, "--namespace", namespace)
    rights = yaml.safe_dump_all(
        document for document in documents if document["metadata"].get("namespace") == "kube-system"
    )
    created = kubectl("create", "-f", "-", stdin=rights)
    assert created.returncode == 0, created.stderr
    yield
    kubectl("delete", "-f", "-", stdin=rights)


@pytest.mark.usefixtures("ascend")
def test_ascends_word_is_read_in_kube_system_alone(account, kubectl):
    who = f"system:serviceaccount:{account.replace('/', ':')}"
    answers = {
        (verb, space): kubectl("auth", "can-i", verb, "configmaps", "--namespace", space, "--as", who).stdout.strip()
        for verb in ("get", "list", "watch", "patch")
        for space in ("kube-system", "default")
    }
    assert {asked for asked, answer in answers.items() if answer == "yes"} == {
        (verb, "kube-system") for verb in ("get", "list", "watch")
    }


def test_they_let_genet_list_the_events_of_nodes_and_change_none(account, kubectl):
    who = f"system:serviceaccount:{account.replace('/', ':')}"
    verbs = ("list", "watch", "create", "delete")
    answers = [kubectl("auth", "can-i", verb, "events", "--namespace", "default", "--as", who) for verb in verbs]
    assert [answer.stdout.strip() for answer in answers] == ["yes", "no", "no", "no"]


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("create jobs", "yes"),
        ("list jobs", "yes"),
        ("delete jobs", "yes"),
        ("update jobs", "no"),
        ("patch jobs", "no"),
        ("get pods --subresource=log", "yes"),
        ("create pods", "no"),
        ("delete pods", "no"),
        ("create pods --subresource=exec", "no"),
        ("patch leases.coordination.k8s.io", "yes"),
        ("update leases.coordination.k8s.io", "no"),
        ("list leases.coordination.k8s.io", "no"),
        ("get secrets", "no"),
        ("list secrets", "no"),
    ],
)
def test_where_pods_are_saved_they_are_enough_for_its_jobs_and_end_there(account, kubectl, what, answer):
    namespace, _, name = account.partition("/")
    who = f"system:serviceaccount:{namespace}:{name}"
    asked = kubectl("auth", "can-i", *what.split(), "--namespace", f"{namespace}-jobs", "--as", who)
    assert asked.stdout.strip() == answer, asked
