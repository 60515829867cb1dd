"""Which container is saved, and which ones cannot be."""

import pytest

from genet.errors import Conflict
from genet.images.source import Source, source

ID = "ab" * 32
STATUS = {"name": "main", "containerID": f"containerd://{ID}", "state": {"running": {}}}


def pod(*statuses, node="node1"):
    spec = {"containers": [{"name": "main"}, {"name": "beside"}], **({"nodeName": node} if node else {})}
    return {"spec": spec, "status": {"containerStatuses": list(statuses)}}


def test_it_is_the_first_container_in_whatever_order_the_statuses_are():
    beside = {**STATUS, "name": "beside", "containerID": f"containerd://{'cd' * 32}"}
    assert source(pod(beside, STATUS)) == Source("node1", ID)


@pytest.mark.parametrize(
    "shown",
    [
        pod(),
        {"spec": pod()["spec"]},
        pod(STATUS, node=None),
        pod({**STATUS, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}),
        pod({**STATUS, "state": {"terminated": {"exitCode": 0}}}),
        pod({"name": "main"}),
        pod({**STATUS, "name": "beside"}),
    ],
)
def test_what_does_not_run_is_not_saved(shown):
    assert source(shown) is None


@pytest.mark.parametrize(
    "container_id",
    [
        f"docker://{ID}",
        f"cri-o://{ID}",
        ID,
        "",
        "containerd://",
        f"containerd://{ID[:-1]}",
        f"containerd://{ID}0",
        f"containerd://{ID.upper()}",
        f"containerd://{ID}\n",
        f"containerd://--all-platforms {ID}",
        f"containerd://{ID[:12]}",
    ],
)
def test_only_an_id_of_containerd_is_taken(container_id):
    with pytest.raises(Conflict, match="containerd"):
        source(pod({**STATUS, "containerID": container_id}))
