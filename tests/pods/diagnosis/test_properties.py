"""Whatever the evidence says: an answer comes, it is complete, and it does not contradict its own arithmetic."""

# ruff: noqa: E501 # strategies read better in one line

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genet.kube.amounts import requested
from genet.kube.details import POD_DETAILS
from genet.pods.diagnosis.evidence import Claim, DeviceClaim, Evidence, Holder, NodeRoom, Refusal, Restarting, Waiting
from genet.pods.diagnosis.placement import judged
from genet.pods.diagnosis.rules import diagnose, sentence_alone
from genet.pods.diagnosis.texts import TEXTS
from genet.pods.diagnosis.words import words
from tests.pods.diagnosis.builders import GPU, NOW, REAL, asking, claim, event, node, room
from tests.pods.diagnosis.cases import CASES

KNOWN = sorted(
    {e["message"] for found in REAL.values() for e in found["events"]}
    | {c.message for evidence in CASES.values() for c in evidence.pod.status.conditions}
    | {evidence.pod.status.message for evidence in CASES.values()}
)
REASONS = sorted(
    {e["reason"] for found in REAL.values() for e in found["events"]}
    | {"FailedAttachVolume", "FailedCreatePodSandBox", "NetworkNotReady", "Killing", "Preempted", "Pulling", "Pulled"}
    | {"UnexpectedAdmissionError", "Evicted", "OutOfcpu", "NodeLost", "NodeShutdown", "DeadlineExceeded", "Preempting"}
    | {"CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", ""}
    | {"ContainerCreating", "PodInitializing", "RunContainerError", "OOMKilled", "Error", "StartError", "Unschedulable"}
)
texts = st.one_of(
    st.sampled_from(KNOWN),
    st.text(max_size=60),
    st.builds(lambda a, b: a + b, st.sampled_from(KNOWN), st.text(max_size=9)),
)
names = st.one_of(st.sampled_from(["main", "setup", "a{b}", "gpu-1", "x"]), st.text(min_size=1, max_size=9))
reasons = st.one_of(st.sampled_from(REASONS), st.text(max_size=9))
quantities = st.one_of(
    st.sampled_from(["0", "1", "4", "500m", "32Mi", "1e3", "9999Ei", "nonsense", ""]), st.integers(0, 99).map(str)
)
times = st.one_of(st.none(), st.integers(-100_000, 100_000).map(lambda s: (NOW + timedelta(seconds=s)).isoformat()))
amounts = st.dictionaries(st.sampled_from(["cpu", "memory", GPU, "pods", "ephemeral-storage"]), quantities, max_size=3)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


terminated = st.fixed_dictionaries(
    {"exitCode": st.integers(-5, 300)},
    optional={"signal": st.integers(0, 99), "reason": reasons, "message": texts, "finishedAt": times},
)
states = some(waiting=some(reason=reasons, message=texts), running=some(startedAt=times), terminated=terminated)
statuses = st.fixed_dictionaries(
    {"name": names},
    optional={
        "ready": st.booleans(),
        "started": st.booleans(),
        "restartCount": st.integers(0, 999),
        "state": states,
        "lastState": states,
    },
)
containers = st.fixed_dictionaries(
    {"name": names},
    optional={
        "image": st.text(max_size=20),
        "command": st.lists(st.text(max_size=5), max_size=2),
        "resources": some(limits=amounts, requests=amounts),
        "restartPolicy": st.sampled_from(["", "Always"]),
    },
)
requirements = st.fixed_dictionaries(
    {"key": names, "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "New"])},
    optional={"values": st.lists(st.text(max_size=3), max_size=2)},
)
terms = some(matchExpressions=st.lists(requirements, max_size=2), matchFields=st.lists(requirements, max_size=1))
specs = some(
    nodeName=st.sampled_from(["", "gpu-1"]),
    containers=st.lists(containers, max_size=2),
    initContainers=st.lists(containers, max_size=2),
    nodeSelector=st.dictionaries(names, names, max_size=1),
    affinity=some(
        nodeAffinity=some(
            requiredDuringSchedulingIgnoredDuringExecution=some(nodeSelectorTerms=st.lists(terms, max_size=2))
        )
    ),
    schedulingGates=st.lists(st.fixed_dictionaries({"name": names}), max_size=1),
    schedulerName=st.sampled_from(["", "volcano", "default-scheduler"]),
    tolerations=st.lists(
        some(key=names, operator=st.sampled_from(["Equal", "Exists"]), value=names, effect=names), max_size=1
    ),
    overhead=amounts,
)
conditions = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["PodScheduled", "Ready", "DisruptionTarget"]),
        "status": st.sampled_from(["True", "False"]),
    },
    optional={"reason": reasons, "message": texts},
)
pod_statuses = some(
    phase=st.sampled_from(["Pending", "Running", "Failed", "Succeeded", "Unknown", ""]),
    reason=reasons,
    message=texts,
    startTime=times,
    conditions=st.lists(conditions, max_size=2),
    containerStatuses=st.lists(statuses, max_size=2),
    initContainerStatuses=st.lists(statuses, max_size=2),
    nominatedNodeName=st.sampled_from(["", "gpu-1"]),
)
pods = st.builds(
    lambda meta, spec, status: POD_DETAILS.one.decode(
        msgspec.json.encode({"metadata": {"name": "p", **meta}, "spec": spec, "status": status})
    ),
    some(creationTimestamp=times, deletionTimestamp=times, finalizers=st.lists(names, max_size=2)),
    specs,
    pod_statuses,
)
nodes = st.builds(
    lambda name, used, offered, ready, taints, cordoned: room(
        name, {key: text for key, text in used.items() if text.isdigit()}, offered,
        ready=ready, taints=taints, unschedulable=cordoned,
    ),
    st.sampled_from(["gpu-1", "gpu-2", "gpu-3"]),
    amounts,
    amounts,
    st.sampled_from(["True", "False", "Unknown"]),
    st.lists(st.fixed_dictionaries({"key": names, "effect": st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"])}), max_size=1),
    st.booleans(),
)  # fmt: skip
events = st.builds(
    lambda r, m, c, t: event(r, m, container=c, at=t), reasons, texts, st.sampled_from(["", "main"]), times
)
claims = st.builds(
    lambda name, code, about: Claim(name, claim(name), (code, about)),
    names,
    st.sampled_from(
        [code for code in TEXTS if code.startswith(("claim_", "volume_", "storage_", "provision", "waiting_for_f"))]
    ),
    st.dictionaries(st.sampled_from(["claim", "volume", "message", "storageClass"]), texts, max_size=3),
)
evidence = st.builds(
    Evidence,
    pods,
    st.just(NOW),
    events=st.one_of(st.none(), st.lists(events, max_size=4)),
    nodes=st.one_of(st.none(), st.lists(nodes, max_size=3)),
    node=st.one_of(
        st.none(), st.builds(lambda ready: node("gpu-1", ready=ready), st.sampled_from(["True", "False", "Unknown"]))
    ),
    node_known=st.booleans(),
    holders=st.lists(
        st.builds(
            Holder,
            names,
            names,
            st.sampled_from(["gpu-1", "gpu-2"]),
            st.just(GPU),
            st.integers(0, 8),
            st.sampled_from([None, NOW]),
        ),
        max_size=3,
    ),
    waiting=st.lists(
        st.builds(Waiting, st.just(GPU), st.integers(1, 8), st.sampled_from([None, NOW])),
        max_size=2,
    ),
    claims=st.one_of(st.none(), st.lists(claims, max_size=2)),
    device_claims=st.one_of(
        st.none(), st.lists(st.builds(DeviceClaim, names, st.booleans(), st.booleans()), max_size=1)
    ),
    refusals=st.lists(st.builds(Refusal, names, names, names, names, names), max_size=1),
    restarting=st.one_of(
        st.none(), st.none(), st.none(), st.builds(Restarting, st.just(NOW), st.one_of(st.none(), texts))
    ),
)
COUNTED = {"cases": 0, "reasons": 0}


@pytest.fixture(scope="module", autouse=True)
def _counts():
    yield
    print(f"\ndiagnosis: {COUNTED['cases']} pieces of arbitrary evidence, {COUNTED['reasons']} reasons")


@settings(max_examples=600, deadline=None)
@given(evidence, st.sampled_from(["en", "zh"]))
def test_any_evidence_is_answered_and_every_reason_is_complete(found, language):
    COUNTED["cases"] += 1
    for reason in diagnose(found, language):
        COUNTED["reasons"] += 1
        assert set(reason.params) == TEXTS[reason.code].params
        assert reason.text
        assert len(reason.text.splitlines()) == 1
        msgspec.json.encode(reason)


@settings(max_examples=150, deadline=None)
@given(pods, st.sampled_from(["en", "zh"]))
def test_any_pod_alone_has_a_sentence_or_none(pod, language):
    said = sentence_alone(pod, NOW, language)
    assert said is None or said


@settings(max_examples=150, deadline=None)
@given(amounts, st.lists(nodes, max_size=3), texts)
def test_where_own_arithmetic_finds_room_no_node_is_said_to_be_too_small(asked, rooms, message):
    pod = asking({key: text for key, text in asked.items() if text.isdigit()}, message)
    fits = any(found.fits for found in judged(pod, requested(pod), rooms))
    codes = {reason.code for reason in diagnose(Evidence(pod, NOW, nodes=rooms))}
    assert not (fits and codes & {"no_node_fits", "too_large", "no_node_has"})


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 8), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=4))
def test_what_is_missing_adds_up(asked, cards):
    rooms: list[NodeRoom] = [
        room(f"gpu-{n}", {GPU: str(used)}, {GPU: str(total)}) for n, (total, used) in enumerate(cards)
    ]
    told = [r for r in diagnose(Evidence(asking({GPU: str(asked)}, "x"), NOW, nodes=rooms)) if r.code == "no_node_fits"]
    free = [max(0, total - used) for total, used in cards]
    assert bool(told) == (max(free) < asked <= max(total for total, _ in cards))
    for reason in told:
        free_there, short = reason.params["free"], reason.params["short"]
        assert isinstance(free_there, int)
        assert isinstance(short, int)
        assert free_there + short == reason.params["asked"] == asked
        assert reason.params["free"] == max(free)
        assert reason.params["freeTotal"] == sum(free)
        assert str(reason.params["short"]) in reason.text


@settings(max_examples=300, deadline=None)
@given(texts)
def test_any_words_of_a_scheduler_are_taken_apart(message):
    words(message)
