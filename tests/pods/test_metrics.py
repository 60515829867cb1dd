import msgspec
import pytest

from genet.kube.metrics_api import POD_METRICS
from genet.kube.objects import PODS
from genet.pods import metrics
from genet.pods.metrics import CPUUse, MemoryUse


def pod(*limits):
    containers = [{"name": f"c{number}", "resources": {"limits": each}} for number, each in enumerate(limits)]
    return PODS.one.decode(msgspec.json.encode({"metadata": {"name": "p"}, "spec": {"containers": containers}}))


def told(*usage):
    containers = [{"name": f"c{number}", "usage": each} for number, each in enumerate(usage)]
    return POD_METRICS.one.decode(msgspec.json.encode({"metadata": {"name": "p"}, "containers": containers}))


def test_containers_are_added_and_so_are_their_limits():
    seen = metrics.measured(
        told({"cpu": "250m", "memory": "100Mi"}, {"cpu": "1500000n", "memory": "1Ki"}),
        pod({"cpu": "1", "memory": "1Gi"}, {"cpu": "500m", "memory": "1Gi"}),
    )
    assert seen == (CPUUse(0.2515, 1.5), MemoryUse(100 * 2**20 + 1024, 2 * 2**30))


def test_without_a_limit_on_each_container_there_is_none_for_all():
    assert metrics.cpu(1.0, pod({"cpu": "1"}, {})) == CPUUse(1.0, None)
    assert metrics.memory_use(1.0, pod({})) == MemoryUse(1, None)


@pytest.mark.parametrize("usage", [(), ({},), ({"cpu": "1"},), ({"cpu": "lots", "memory": "1"},)])
def test_what_is_not_said_is_not_known(usage):
    assert metrics.measured(told(*usage), pod({})) == (None, None)
    assert (metrics.cpu(None, pod({})), metrics.memory_use(None, pod({}))) == (None, None)


def test_both_spellings_of_the_pods_labels_are_asked_for():
    question = metrics.question_memory("user-a", "p")
    assert 'container_memory_working_set_bytes{namespace="user-a",pod="p",container!="",container!="POD"}' in question
    assert 'exported_namespace="user-a",exported_pod="p",exported_container!=""' in question


def test_names_end_no_question():
    assert r'pod="p\"} or up{x=\""' in metrics.question_cpu("user-a", 'p"} or up{x="')
