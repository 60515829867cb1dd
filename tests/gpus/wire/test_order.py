"""In whatever order pods, nodes and readings come, and whoever looks meanwhile: the overview ends up the same."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from genet.gpus.facts import NODE_INDEX, Facts, by_node
from genet.gpus.model import Reading
from genet.gpus.overview import Audience, Form
from genet.gpus.service import OverviewService
from genet.gpus.telemetry.devices import Host
from genet.gpus.telemetry.frames import HostReadings, Portion, Summary
from genet.kube.cache import Cache
from genet.kube.client import KubeClient, Listing
from genet.kube.objects import NODES, PODS
from genet.kube.watch import Changes
from genet.settings import GPUType, Kubernetes
from tests.gpus.builders import A100, GPU, node, pod

TYPES = [GPUType(name="a100", resource_name=GPU, node_selector=A100)]
NAMES = ("n1", "n2", "n3")

nodes = st.builds(
    node,
    st.sampled_from(NAMES),
    st.sampled_from([{}, {GPU: "2"}, {GPU: "3", "amd.com/gpu": "1"}]),
    labels=st.sampled_from([{}, A100]),
    ready=st.sampled_from(["True", "Unknown"]),
)
pods = st.builds(
    pod,
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 2),
    on=st.sampled_from(["", *NAMES]),
    phase=st.sampled_from(["Running", "Succeeded"]),
)
readings = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(
        st.builds(
            lambda index, use, holder: Reading(
                uuid=f"GPU-{index}", index=index, utilization=use, pods=(("user-ann-a", holder),) if holder else ()
            ),
            st.integers(0, 3),
            st.integers(0, 100),
            st.sampled_from(["", "a", "b", "gone"]),
        ),
        max_size=3,
        unique_by=lambda reading: reading.index,
    ),
)
kinds = st.sampled_from(["ADDED", "MODIFIED", "DELETED"])
stories = st.tuples(
    st.lists(st.tuples(kinds, nodes), max_size=6),
    st.lists(st.tuples(kinds, pods), max_size=8),
    st.lists(readings, max_size=3),
)


class Spoken:
    """Rounds whose outcome is told by the test."""

    def __init__(self):
        self.told = {}

    async def ask(self, *, everything, take):
        encoder = msgspec.msgpack.Encoder()
        hosts = tuple(HostReadings(Host("dcgm", (name,)), encoder.encode(said)) for name, said in self.told.items())
        take(Portion(hosts=hosts))
        return Summary(is_complete=True, devices=sum(map(len, self.told.values())))

    async def close(self):
        pass


class World:
    """One replica, and what a watch and Prometheus bring it."""

    def __init__(self, kube):
        self.nodes, self.pods = Cache(kube, NODES), Cache(kube, PODS, indexes={NODE_INDEX: by_node})
        self.spoken = Spoken()
        self.service = OverviewService(Facts(self.nodes, self.pods), TYPES, self.spoken)
        self.version = {self.nodes: 10, self.pods: 10}
        self.nodes.apply(Listing([], "10"))
        self.pods.apply(Listing([], "10"))

    def event(self, cache, kind, obj):
        self.version[cache] += 1
        version = str(self.version[cache])
        newer = msgspec.structs.replace(obj.metadata, resource_version=version)
        cache.apply(Changes([(kind, msgspec.structs.replace(obj, metadata=newer))], version))

    async def heard(self, told):
        self.spoken.told = told
        await self.service.refresh()

    async def shown(self):
        return [(await self.service.overview(form, audience)).etag for form in Form for audience in Audience]


@settings(deadline=None)
@given(stories, st.data())
async def test_no_order_of_events_changes_what_is_shown_in_the_end(story, data):
    about_nodes, about_pods, rounds = story
    tracks = [[("nodes", e) for e in about_nodes], [("pods", e) for e in about_pods], [("round", e) for e in rounds]]
    order = data.draw(st.permutations([number for number, track in enumerate(tracks) for _ in track]))
    looks = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
    async with KubeClient.connect(Kubernetes()) as kube:
        one, other = World(kube), World(kube)
        for number, look in zip(order, looks, strict=True):
            what, event = tracks[number].pop(0)
            if what == "round":
                await one.heard(event)
            else:
                one.event(getattr(one, what), *event)
            if look:
                await one.shown()
        for kind, obj in about_pods:
            other.event(other.pods, kind, obj)
        for kind, obj in about_nodes:
            other.event(other.nodes, kind, obj)
        # what was said last is what is known, and is said again at the end as by the next round
        last = rounds[-1] if rounds else {}
        await one.heard(last)
        await other.heard(last)
        assert await one.shown() == await other.shown()
