"""Who is bound in a person's namespace: as the API server has it afterwards."""

import asyncio

import msgspec
import pytest

from genet import naming
from genet.auth.user import User
from genet.errors import Conflict, Forbidden, Unavailable
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES
from genet.settings import Settings
from genet.tenancy.service import Tenancy
from tests.replicas import CONFIGURATION, replica_of, settings, switch

NAMESPACE = "user-alice-alice"
ALICE = User("alice", "alice@dev.invalid", "alice-alice", "dev|alice", is_admin=False)
PERSON = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "genet:alice-alice"}


def bound(cluster, name="genet-user"):
    return cluster.store.find("rolebindings", NAMESPACE, name)


def outdate(cluster):
    """Let the namespace look as if a setting had changed since it was made ready."""
    namespace = cluster.store.get("namespaces", "", NAMESPACE)
    namespace["metadata"]["annotations"].pop(naming.PREPARED)
    cluster.store.update("namespaces", namespace)


def rewrite(cluster, name, **changes):
    binding = cluster.store.get("rolebindings", NAMESPACE, name)
    cluster.store.delete("rolebindings", NAMESPACE, name)
    meta = {"name": name, "namespace": NAMESPACE}
    return cluster.store.create("rolebindings", {**binding, "metadata": meta, **changes})


@pytest.fixture
async def kube(kubeconfig):
    async with KubeClient.connect(settings(kubeconfig).kubernetes) as client:
        yield client


@pytest.fixture
def tenancy(kube, kubeconfig):
    def make(*, is_disabled=None, **changes):
        others = {} if is_disabled is None else {"is_disabled": is_disabled}
        configuration = {**CONFIGURATION, "kubernetes": {"kubeconfig": str(kubeconfig)}, **changes}
        return Tenancy(kube, msgspec.convert(configuration, Settings), namespaces=Cache(kube, NAMESPACES), **others)

    return make


async def test_a_person_is_bound_to_the_users_role_by_the_api_servers_name(tenancy, cluster):
    await tenancy().ready(ALICE)
    binding = bound(cluster)
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "genet-user",
    }
    assert binding["subjects"] == [PERSON]
    assert [b["metadata"]["namespace"] for b in cluster.store.list("rolebindings")] == [NAMESPACE]


async def test_the_prefix_is_the_one_that_the_api_server_was_told(tenancy, cluster):
    await tenancy(oidcProvider={"usernamePrefix": "lab:"}).ready(ALICE)
    assert [subject["name"] for subject in bound(cluster)["subjects"]] == ["lab:alice-alice"]


@pytest.mark.parametrize(
    "wall", ["api/v1:resourcequotas", "api/v1:limitranges", "apis/networking.k8s.io/v1:networkpolicies"]
)
async def test_a_person_is_bound_only_when_the_walls_stand(tenancy, cluster, wall):
    group, _, plural = wall.partition(":")
    await switch(cluster, "fail", status=500, path=f"/{group}/namespaces/{NAMESPACE}/{plural}")
    with pytest.raises(Unavailable):
        await tenancy().ready(ALICE)
    assert bound(cluster) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"subjects": [{**PERSON, "name": "genet:mallory-mallory"}]},
        {"subjects": [PERSON, {**PERSON, "name": "genet:mallory-mallory"}]},
        {"subjects": [{**PERSON, "name": "alice-alice"}]},
        {"subjects": [{**PERSON, "kind": "Group"}]},
        {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}},
        {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "genet-user"}},
    ],
    ids=["another person", "one more", "without prefix", "group", "another role", "a role of the namespace"],
)
async def test_a_binding_that_says_something_else_is_made_anew(tenancy, cluster, changes):
    await tenancy().ready(ALICE)
    wrong = rewrite(cluster, "genet-user", **changes)
    outdate(cluster)
    await tenancy().ready(ALICE)
    right = bound(cluster)
    assert (right["subjects"], right["roleRef"]["name"], right["roleRef"]["kind"]) == (
        [PERSON],
        "genet-user",
        "ClusterRole",
    )
    assert right["metadata"]["uid"] != wrong["metadata"]["uid"]


async def test_a_binding_that_is_right_is_left_alone(tenancy, cluster):
    await tenancy().ready(ALICE)
    before = bound(cluster)
    outdate(cluster)
    await tenancy().ready(ALICE)
    assert bound(cluster) == before


async def test_another_binding_of_genets_own_name_is_not_worked_with(tenancy, cluster, kubeconfig):
    kubernetes = {"kubeconfig": str(kubeconfig), "serviceAccount": "genet-system/genet"}
    await tenancy(kubernetes=kubernetes).ready(ALICE)
    wrong = {"kind": "ServiceAccount", "namespace": "elsewhere", "name": "genet"}
    rewrite(cluster, "genet-tenant", subjects=[wrong])
    outdate(cluster)
    with pytest.raises(Conflict, match="genet-tenant"):
        await tenancy(kubernetes=kubernetes).ready(ALICE)


async def test_without_kubeconfigs_nobody_is_bound(tenancy, cluster):
    await tenancy().ready(ALICE)
    await tenancy(kubeconfig={"mode": "off"}).ready(ALICE)
    assert bound(cluster) is None
    await tenancy().ready(ALICE)
    assert bound(cluster)["subjects"] == [PERSON]


# --- disabled people --------------------------------------------------------------------------------------------------


class Register:
    """Whether she is disabled, as of one question after the other."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)

    async def __call__(self, identifier: str) -> bool:
        assert identifier == "alice-alice"
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_for_a_disabled_person_nothing_is_made(tenancy, cluster):
    with pytest.raises(Forbidden, match="disabled"):
        await tenancy(is_disabled=Register(True)).ready(ALICE)
    assert cluster.store.find("namespaces", "", NAMESPACE) is None


async def test_a_disabled_person_loses_the_rights_and_gets_them_back_when_enabled(tenancy, cluster):
    await tenancy().ready(ALICE)
    disabled = tenancy(is_disabled=Register(True))
    await disabled.shut_out("alice-alice")
    assert bound(cluster) is None
    with pytest.raises(Forbidden):
        await disabled.ready(ALICE)
    assert bound(cluster) is None
    await tenancy().ready(ALICE)
    assert bound(cluster)["subjects"] == [PERSON]


async def test_who_is_disabled_while_the_namespace_is_made_ready_is_not_left_bound(tenancy, cluster):
    with pytest.raises(Forbidden):
        await tenancy(is_disabled=Register(False, True)).ready(ALICE)
    assert bound(cluster) is None
    # nor does the digest say that all is there: or enabling would not bind again
    assert naming.PREPARED not in cluster.store.get("namespaces", "", NAMESPACE)["metadata"]["annotations"]


async def test_nor_where_it_broke_off_half_way(tenancy, cluster):
    """As where its last write is not answered: by then the person is bound."""
    path = f"/api/v1/namespaces/{NAMESPACE}"
    await switch(cluster, "fail", status=500, path=path, method="PATCH")
    with pytest.raises(Unavailable):
        await tenancy().ready(ALICE)
    assert bound(cluster) is not None
    await switch(cluster, "fail", status=500, path=path, method="PATCH")
    with pytest.raises(Forbidden, match="disabled"):
        await tenancy(is_disabled=Register(False, True)).ready(ALICE)
    assert bound(cluster) is None


async def test_shutting_out_twice_or_whom_nobody_knows_does_no_harm(tenancy, cluster):
    await tenancy().shut_out("alice-alice")
    await tenancy().ready(ALICE)
    await tenancy().shut_out("alice-alice")
    await tenancy().shut_out("alice-alice")
    assert bound(cluster) is None


async def test_shutting_out_leaves_a_namespace_alone_that_is_not_genets(tenancy, cluster):
    cluster.store.create("namespaces", {"metadata": {"name": NAMESPACE}})
    theirs = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    manifest = {"metadata": {"name": "genet-user", "namespace": NAMESPACE}, "roleRef": theirs}
    cluster.store.create("rolebindings", manifest)
    await tenancy().shut_out("alice-alice")
    assert bound(cluster) is not None


async def test_two_replicas_bind_a_person_once(cluster, kubeconfig):
    async with replica_of(settings(kubeconfig)) as one, replica_of(settings(kubeconfig)) as other:
        await asyncio.gather(one.synced(), other.synced())
        answers = await asyncio.gather(one.create(name="a"), other.create(name="b"))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert bound(cluster)["subjects"] == [PERSON]
