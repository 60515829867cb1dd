"""`make fuzz`: thousands of made-up requests to every operation of a running server, over the embedded cluster.

    python -m tests.fuzz.run PYTHON [COUNT [SEED]]

PYTHON is that of the environment with schemathesis. What is asked, and what must hold, is in `tests/fuzz/send.py`.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.processes import ROOT, Replica, configuration, embedded_cluster, environment, serving

_USERS = ("alice", "bob")
_SCOPES = ["cluster:read", "pods:read", "pods:write"]


def main(python: str, count: int, number: int) -> int:
    with tempfile.TemporaryDirectory(prefix="genet-fuzz-") as name:
        directory = Path(name)
        with (
            embedded_cluster("small", directory) as cluster,
            suppress(AssertionError),  # of bugs in the log, which are told below
            serving(_configuration(directory, cluster)) as replica,
        ):
            file = directory / "world.json"
            file.write_text(json.dumps(_world(replica)))
            command = [python, "-m", "tests.fuzz.send", replica.url, str(count), str(number), str(file)]
            done = subprocess.run(command, cwd=ROOT, env=environment(), check=False)
        log = replica.log.read_text()
    faults = [line for line in log.splitlines() if "unhandled error" in line or "Traceback" in line]
    print(f"{len(faults)} faults in the server's log")
    for fault in faults[:5]:
        print(f"  {fault[:3000]}")
    return 1 if faults else done.returncode


def _configuration(directory: Path, cluster: dict[str, str]) -> Path:
    types = [
        {"name": "h100", "resourceName": "nvidia.com/gpu",
         "nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}},
        {"name": "any", "resourceName": "nvidia.com/gpu"},
    ]  # fmt: skip
    return configuration(
        directory,
        cluster["kubeconfig"],
        auth={"mode": "dev", "admins": {"users": ["dev-user-x-x4o6543jex"]}},
        gpu={"availableTypes": types},
        storage={"volumes": [{"name": "workspace", "mountPath": "/workspace"}]},
        oidcProvider={"enabled": True, "deviceFlow": True},
        server={"publicURL": "https://genet.example.org", "metricsPort": None, "drainSeconds": 0},
        cluster={"name": "lab", "server": "https://kubernetes.example.org:6443"},
        prometheusURL=cluster["prometheus"],
        podLimitPerUser=40,
        gpuLimitPerUser=40,
    )


def _world(replica: Replica) -> list[dict[str, Any]]:
    """An administrator, for themselves and for somebody, and two people with API tokens."""
    overview = replica.client().get("/api/cluster/gpu-overview").json()
    names = [node["nodeName"] for group in overview["acceleratorGroups"] for node in group["nodes"]]
    known = {"node_name": names[:5], "owner": [], "container": ["main"]}
    world: list[dict[str, Any]] = [{"headers": {}, "query": {}, "known": dict(known)}]
    for user in _USERS:
        asked = replica.client(user)
        token = asked.post("/api/tokens", json={"name": "fuzz", "scopes": _SCOPES, "expiresInDays": 1})
        assert token.status_code == 201, token.text
        bearer = {"Authorization": f"Bearer {token.json()['token']}"}
        own = asked.get("/api/auth/status").json()["userIdentifier"]
        world.append({"headers": bearer, "query": {}, "known": {**known, "owner": [own]}})
    asked.post("/api/pods", json={"image": "debian:13"}).raise_for_status()
    world.append({"headers": {}, "query": {"owner": own}, "known": {**known, "owner": [own]}})
    return world


if __name__ == "__main__":
    _, python_, *rest = sys.argv
    count_ = int(rest[0]) if rest else 20_000
    number_ = int(rest[1]) if len(rest) > 1 else int.from_bytes(os.urandom(3))
    sys.exit(main(python_, count_, number_))
