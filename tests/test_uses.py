"""What is kept of a sum is what would be worked out anew."""

from hypothesis import given
from hypothesis import strategies as st

from genet.accelerators import counts_devices
from genet.quota import Uses, use
from tests.pods.builders import pod

GPU = "nvidia.com/gpu"
IS_DEVICE = counts_devices([GPU])


def asking(name, gpus, phase="Running"):
    container = {"name": "main", "resources": {"limits": {GPU: str(gpus)}}}
    return pod(metadata={"name": name}, spec={"containers": [container]}, phase=phase)


PODS = (asking("a", 1), asking("a", 2), asking("b", 1), asking("b", 1, phase="Succeeded"), asking("c", 4))


@given(st.lists(st.tuples(st.sampled_from(["alice", "bob", "carol"]), st.lists(st.sampled_from(PODS))), max_size=20))
def test_whoever_asks_in_whatever_order_the_sum_is_true(questions):
    uses = Uses(IS_DEVICE, most=2)
    for user, pods in questions:
        assert uses.of(user, pods) == use(pods, IS_DEVICE)


def test_while_the_pods_are_the_same_nothing_is_worked_out():
    asked = []

    def is_device(resource):
        asked.append(resource)
        return IS_DEVICE(resource)

    uses = Uses(is_device)
    first = uses.of("alice", PODS[::2])
    assert (first.gpus, bool(asked)) == (6, True)
    asked.clear()
    assert uses.of("alice", list(PODS[::2])) == first
    assert not asked


def test_a_pod_that_has_ended_or_come_counts_so_at_once():
    uses = Uses(IS_DEVICE)
    assert uses.of("alice", [PODS[2]]).pods == 1
    assert uses.of("alice", [PODS[3]]).pods == 0
    assert uses.of("alice", [PODS[3], PODS[4]]).gpus == 4
    assert uses.of("alice", []).pods == 0


def test_one_persons_pods_are_not_anothers():
    uses = Uses(IS_DEVICE)
    uses.of("alice", PODS)
    assert uses.of("bob", ()).pods == 0
