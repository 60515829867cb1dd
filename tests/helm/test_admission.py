"""The chart's admission policy, asked over HTTP: the embedded cluster judges it by CEL.

The namespace has no Pod Security label here, so that what is refused is refused by the policy.
"""

import copy
from datetime import UTC, datetime

import aiohttp
import pytest
import yaml

from genet.accelerators import VENDORS
from genet.simulation import policies
from genet.simulation.errors import ApiError
from genet.simulation.resources import KINDS
from genet.simulation.store import Store
from tests.helm import admission_cases as cases
from tests.helm.conftest import CHART
from tests.replicas import cluster

__all__ = ["cluster"]

pytestmark = pytest.mark.skipif(not policies.IS_SERVED, reason="cel-python is not installed")

NAMESPACE = "user-alice-alice"
ALICE = "genet:alice-alice"
GENET = "system:serviceaccount:genet-system:genet"
JOBS = "system:serviceaccount:kube-system:job-controller"
PATHS = {
    "Pod": "/api/v1/namespaces/{}/pods",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Service": "/api/v1/namespaces/{}/services",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
}
REFUSED, ALLOWED = cases.refused(), cases.allowed()


@pytest.fixture(scope="session")
def policy(helm, tmp_path_factory):
    """The policy and its binding, as the chart renders them."""
    values = tmp_path_factory.mktemp("values") / "create.yaml"
    values.write_text(yaml.safe_dump(cases.VALUES))
    documents = helm.template("--values", str(values))
    return [document for document in documents if document["kind"].startswith("ValidatingAdmission")]


class Asking:
    """Requests to the embedded cluster, in anybody's name."""

    def __init__(self, url, http):
        self.url, self.http = url, http

    async def send(self, method, path, document, user=ALICE, kind="application/json"):
        headers = {"Impersonate-User": user, "Content-Type": kind}
        async with self.http.request(method, self.url + path, json=document, headers=headers) as answer:
            return answer.status, await answer.json()

    async def create(self, kind, document, user=ALICE, namespace=NAMESPACE):
        status, answer = await self.send("POST", PATHS[kind].format(namespace), document, user)
        return status, answer.get("message", "")

    async def patch(self, path, document, user=ALICE):
        status, answer = await self.send("PATCH", path, document, user, "application/merge-patch+json")
        return status, answer.get("message", "")


def install(store, policy):
    plurals = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
    for plural, document in zip(plurals, policy, strict=True):
        store.create(plural, copy.deepcopy(document))
    store.create("namespaces", {"metadata": {"name": NAMESPACE, "labels": {"genet.io/managed": "true"}}})


@pytest.fixture
async def api(cluster, policy):
    install(cluster.store, policy)
    cluster.store.create("namespaces", {"metadata": {"name": "elsewhere"}})
    for namespace in (NAMESPACE, "elsewhere"):
        for account in ("default", "admin"):
            meta = {"name": account, "namespace": namespace}
            if cluster.store.find("serviceaccounts", namespace, account) is None:
                cluster.store.create("serviceaccounts", {"metadata": meta})
    for name in ("batch", "system-node-critical"):
        if cluster.store.find("priorityclasses", "", name) is None:
            cluster.store.create("priorityclasses", {"metadata": {"name": name}, "value": 1})
    async with aiohttp.ClientSession() as http:
        yield Asking(cluster.url, http)


@pytest.fixture(scope="session")
def judge(policy):
    """What the policy alone says of a create: the message, or None."""
    store = Store(lambda: datetime.now(UTC))
    install(store, policy)
    judged = policies.Policies(store)
    kinds = {kind.kind: kind for kind in KINDS.values()}

    def ask(kind, document, user=ALICE):
        meta = {"namespace": NAMESPACE, **document["metadata"]}
        try:
            judged.admit(policies.Asked(user, kinds[kind], {**document, "metadata": meta}, None))
        except ApiError as error:
            return error.message.partition(" denied request: ")[2]
        return None

    return ask


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(judge, name):
    message, kind, document = REFUSED[name]
    assert (judge(kind, document) or "").startswith(message)


@pytest.mark.parametrize("name", ALLOWED)
def test_allows(judge, name):
    kind, document = ALLOWED[name]
    assert judge(kind, document) is None


ONE_OF_EACH = {(message, kind): name for name, (message, kind, _) in reversed(REFUSED.items())}


@pytest.mark.parametrize("name", sorted(ONE_OF_EACH.values()))
async def test_refuses_over_http(api, name):
    message, kind, document = REFUSED[name]
    status, said = await api.create(kind, document)
    assert status == 422, said
    assert f"denied request: {message}" in said


@pytest.mark.parametrize("name", ["pod: plain", "job: plain", "pod: a card", "service", "claim"])
async def test_allows_over_http(api, name):
    kind, document = ALLOWED[name]
    status, said = await api.create(kind, document)
    assert status == 201, said


@pytest.mark.parametrize(
    "user", [GENET, JOBS, "system:kube-controller-manager", *cases.VALUES["kubectlCreate"]["exemptUsers"]]
)
async def test_genet_and_controllers_are_left_alone(api, user):
    pod = cases.laid_over(cases.pod({"nodeName": "n"}), {"metadata": {"labels": {"genet.io/managed": "true"}}})
    assert (await api.create("Pod", pod, user))[0] == 201


@pytest.mark.parametrize(
    "user",
    [
        "kubernetes-admin",
        "system:serviceaccount:user-alice-alice:default",
        "system:serviceaccount:kube-systemx:a",
        "system:serviceaccount:elsewhere:genet",
        "genet:system:serviceaccount:genet-system:genet",
    ],
)
async def test_nobody_else_is_left_alone(api, user):
    assert (await api.create("Pod", cases.pod({"nodeName": "n"}), user))[0] == 422


async def test_other_namespaces_are_none_of_its_business(api):
    assert (await api.create("Pod", cases.pod({"hostNetwork": True}), namespace="elsewhere"))[0] == 201


# --- updates: people have no right to them, but others may have been given one ----------------------------------------

POD_PATH = f"/api/v1/namespaces/{NAMESPACE}/pods/a"


@pytest.fixture
async def theirs(api):
    """A pod of Genet's, which holds much that people could not write."""
    until = {"annotations": {"genet.io/protected-until": "2030-01-01T00:00:00Z"}}
    marks = {"labels": {"genet.io/created-by": "genet"}, **until}
    foreign = {"tolerations": [{"operator": "Exists"}]}
    made = cases.laid_over(cases.pod(foreign), {"metadata": marks})
    assert (await api.create("Pod", made, GENET))[0] == 201


@pytest.mark.usefixtures("theirs")
async def test_what_is_there_may_be_given_other_marks(api):
    assert (await api.patch(POD_PATH, {"metadata": {"labels": {"mine": "yes"}}}))[0] == 200


@pytest.mark.usefixtures("theirs")
@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {"genet.io/protected-until": "2099-01-01T00:00:00Z"}},
        {"annotations": {"genet.io/protected-until": None}},
        {"annotations": {"genet.io/exempt": "true"}},
        {"labels": {"genet.io/created-by": None}},
        {"labels": {"genet.io/user": "bob-bob"}},
    ],
    ids=["changed", "removed", "added", "label removed", "label added"],
)
async def test_genets_keys_stay_as_they_are(api, metadata):
    status, said = await api.patch(POD_PATH, {"metadata": metadata})
    assert (status, "labels and annotations" in said) == (422, True)
    assert (await api.patch(POD_PATH, {"metadata": metadata}, GENET))[0] == 200


async def test_a_service_does_not_become_a_node_port(api):
    await api.create("Service", cases.of_kind("Service", {}))
    path = f"/api/v1/namespaces/{NAMESPACE}/services/s"
    assert (await api.patch(path, {"spec": {"type": "NodePort"}}))[0] == 422


def test_the_binding_denies(policy):
    found, binding = policy
    assert found["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {"policyName": found["metadata"]["name"], "validationActions": ["Deny"]}


def test_every_line_of_the_policy_has_a_case_that_it_refuses(policy):
    messages = [validation["message"] for validation in policy[0]["spec"]["validations"]]
    named = {message for message, _, _ in REFUSED.values()}
    assert [message for message in messages if not any(message.startswith(name) for name in named)] == []


def test_the_chart_knows_the_variables_that_genet_knows():
    text = (CHART / "templates" / "admission" / "policy.yaml").read_text()
    for vendor in VENDORS:
        if vendor.visible_devices is not None:
            domain = vendor.resources.pattern.partition("/")[0].replace("\\", "")
            assert f'"{domain}" "{vendor.visible_devices}"' in text
