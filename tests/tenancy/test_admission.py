"""What Genet looks at before it serves a cluster where people may create objects."""

import msgspec
import pytest

from genet.kube.client import KubeClient
from genet.settings import Settings
from genet.settings.sources import ConfigurationError
from genet.simulation import policies
from genet.tenancy import admission
from genet.web.server import check_admission
from tests.replicas import CONFIGURATION, switch

POLICY = {
    "metadata": {"name": "genet-user"},
    "spec": {"failurePolicy": "Fail", "validations": [{"expression": "true"}]},
}
BINDING = {
    "metadata": {"name": "genet-user"},
    "spec": {"policyName": "genet-user", "validationActions": ["Deny"]},
}
GROUP = "/apis/admissionregistration.k8s.io/v1"

served = pytest.mark.skipif(not policies.IS_SERVED, reason="the embedded cluster serves policies with cel-python only")


@pytest.fixture
def configuration(kubeconfig):
    def make(*, allow_create=True):
        values = {"kubernetes": {"kubeconfig": str(kubeconfig)}, "kubeconfig": {"allowCreate": allow_create}}
        return msgspec.convert(CONFIGURATION | values, Settings)

    return make


@pytest.fixture
async def judged(configuration):
    settings = configuration()
    async with KubeClient.connect(settings.kubernetes) as kube:

        async def judge():
            return await admission.complaint(kube, settings)

        yield judge


def install(cluster, policy=POLICY, binding=BINDING):
    for plural, document in (
        ("validatingadmissionpolicies", policy),
        ("validatingadmissionpolicybindings", binding),
    ):
        if document is not None:
            cluster.store.create(plural, msgspec.json.decode(msgspec.json.encode(document)))


def with_spec(document, **changes):
    return {**document, "spec": {**document["spec"], **changes}}


@served
async def test_with_policy_and_binding_it_starts(cluster, judged, configuration):
    install(cluster)
    assert await judged() is None
    await check_admission(configuration())


async def test_without_the_api_it_does_not_start(cluster, judged, configuration):
    await switch(cluster, "fail", status=404, path=GROUP)
    assert "does not serve" in (await judged() or "")


@served
@pytest.mark.parametrize(
    ("installed", "words"),
    [
        ((None, None), "not both installed"),
        ((POLICY, None), "not both installed"),
        ((None, BINDING), "not both installed"),
        ((with_spec(POLICY, failurePolicy="Ignore"), BINDING), "cannot judge"),
        ((with_spec(POLICY, validations=[]), BINDING), "cannot judge"),
        ((POLICY, with_spec(BINDING, validationActions=["Warn", "Audit"])), "does not deny"),
        ((POLICY, with_spec(BINDING, policyName="another")), "does not deny"),
        ((POLICY, with_spec(BINDING, matchResources={"objectSelector": {}})), "does not deny"),
    ],
)
async def test_without_a_policy_that_denies_it_does_not_start(cluster, judged, configuration, installed, words):
    install(cluster, *installed)
    assert words in (await judged() or "")
    with pytest.raises(ConfigurationError, match=r"kubeconfig\.allowCreate"):
        await check_admission(configuration())


@pytest.mark.parametrize(("status", "words"), [(403, "may not read"), (500, "cannot be checked")])
async def test_what_cannot_be_looked_at_does_not_count_as_there(cluster, judged, status, words):
    await switch(cluster, "fail", status=status, path=GROUP)
    assert words in (await judged() or "")


async def test_where_people_create_nothing_nothing_is_asked(cluster, configuration):
    await switch(cluster, "fail", status=500, path=GROUP)
    await check_admission(configuration(allow_create=False))
