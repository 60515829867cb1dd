"""The chart's admission policy, asked over HTTP: the embedded cluster judges it by CEL.

The namespace has no Pod Security label here, so that what is refused is refused by the policy.
"""

import copy

import aiohttp
import pytest
import yaml

from genet.accelerators import VENDORS
from genet.simulation import policies
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


@pytest.fixture
async def api(cluster, policy):
    for plural, document in zip(
        ("validatingadmissionpolicies", "validatingadmissionpolicybindings"), policy, strict=True
    ):
        cluster.store.create(plural, copy.deepcopy(document))
    labels = {"genet.io/managed": "true"}
    cluster.store.create("namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
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


@pytest.mark.parametrize("name", REFUSED)
async def test_refuses(api, name):
    message, kind, document = REFUSED[name]
    status, said = await api.create(kind, document)
    assert status == 422, said
    assert f"denied request: {message}" in said


@pytest.mark.parametrize("name", ALLOWED)
async def test_allows(api, name):
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


class TestUpdates:
    """People have no right to update; others may have been given one."""

    POD = f"/api/v1/namespaces/{NAMESPACE}/pods/a"

    @pytest.fixture
    async def theirs(self, api):
        """A pod of Genet's, which holds much that people could not write."""
        until = {"annotations": {"genet.io/protected-until": "2030-01-01T00:00:00Z"}}
        marks = {"labels": {"genet.io/created-by": "genet"}, **until}
        foreign = {"tolerations": [{"operator": "Exists"}]}
        made = cases.laid_over(cases.pod(foreign), {"metadata": marks})
        assert (await api.create("Pod", made, GENET))[0] == 201

    @pytest.mark.usefixtures("theirs")
    async def test_what_is_there_may_be_given_other_marks(self, api):
        assert (await api.patch(self.POD, {"metadata": {"labels": {"mine": "yes"}}}))[0] == 200

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
    async def test_genets_keys_stay_as_they_are(self, api, metadata):
        status, said = await api.patch(self.POD, {"metadata": metadata})
        assert (status, "labels and annotations" in said) == (422, True)
        assert (await api.patch(self.POD, {"metadata": metadata}, GENET))[0] == 200

    async def test_a_service_does_not_become_a_node_port(self, api):
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
