"""The API server, asked without Genet: what there ever was at once, and what is left."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from genet import naming
from tests.chaos.people import Person
from tests.processes import until

Obj = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""

RECORDS = "/api/v1/namespaces/genet-grants/secrets"
_GROUPS = "/apis/resource.k8s.io/v1"


class Truth:
    def __init__(self, url: str, people: Iterable[Person], *, pod_limit: int, gpu_limit: int) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=60)
        self.people = {person.namespace: person for person in people}
        self._limits = pod_limit, gpu_limit
        self.most: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        """By namespace: the most pods, and the most devices, that there ever were at once."""
        self.passed: list[Any] = []
        self._counted: dict[Key, int] = {}
        self._end = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.http.close()

    def stop(self) -> None:
        """All that was watched must have been within the limits."""
        self._end.set()
        self._watching.join(60)
        assert self._failure is None, f"the watch ended: {self._failure!r}"
        assert self.passed == [], f"a quota was passed: {self.passed}"

    def read(self, path: str, **params: str) -> Obj:
        answer: Obj = self.http.get(path, params=params).raise_for_status().json()
        return answer

    def mine(self, path: str, **params: str) -> list[Obj]:
        """Objects in the namespaces of the people of this storm; none where the resource is not served."""
        answer = self.http.get(path, params=params)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        return [obj for obj in answer.raise_for_status().json()["items"] if obj["metadata"]["namespace"] in self.people]

    def pods(self) -> dict[Key, Obj]:
        return {key_of(pod): pod for pod in self.mine("/api/v1/pods")}

    def records(self) -> list[Obj]:
        """Of restarts of these people."""
        found = self.read(RECORDS, labelSelector="genet.io/record=restart")["items"]
        names = {person.identifier for person in self.people.values()}
        return [record for record in found if record["metadata"]["labels"].get(naming.USER) in names]

    def under_way(self) -> list[str]:
        """What has not come to rest yet."""
        records = [f"record {record['metadata']['name']}" for record in self.records()]
        pods = self.pods().values()
        ending = [f"ending {pod['metadata']['name']}" for pod in pods if "deletionTimestamp" in pod["metadata"]]
        lacking = [
            f"without a port {pod['metadata']['name']}"
            for pod in pods
            if naming.SSH_PORT not in pod["metadata"].get("annotations", {})
        ]
        starting = [
            f"starting {pod['metadata']['name']}"
            for pod in pods
            if pod["spec"].get("nodeName") and pod["status"].get("phase") == "Pending"
        ]
        return [*records, *ending, *lacking, *starting]

    def strays(self) -> list[str]:
        """Objects that belong to no pod, or not to the pod that is there; pods that lack theirs."""
        pods = self.pods()
        uids = {pod["metadata"]["uid"] for pod in pods.values()}
        found = []
        for kind, path in (
            ("Service", "/api/v1/services"),
            ("Secret", "/api/v1/secrets"),
            ("template", f"{_GROUPS}/resourceclaimtemplates"),
            ("claim", f"{_GROUPS}/resourceclaims"),
        ):
            of_pods = [obj for obj in self.mine(path) if obj["metadata"]["name"].startswith("pod-")]
            for obj in of_pods:
                owners = {owner["uid"] for owner in obj["metadata"].get("ownerReferences", ())}
                if not owners & uids and not (kind == "template" and not owners and self._was_cut(obj)):
                    found.append(f"{kind} {obj['metadata']['name']} of {sorted(owners) or 'nobody'}")
            if kind in ("Service", "Secret"):
                names = {key_of(obj) for obj in of_pods}
                suffix = "-ssh" if kind == "Secret" else ""
                found += [f"no {kind} of {pod}" for space, pod in pods if (space, pod + suffix) not in names]
        return found

    def _was_cut(self, template: Obj) -> bool:
        """A creation that dies between template and pod leaves the template to the next pod of that name."""
        space, name = key_of(template)
        return name in self.people[space].cut

    def claims(self) -> list[str]:
        """PersistentVolumeClaims that are there for nothing, and those that a pod needs and that are not there."""
        claims = {key_of(claim): claim for claim in self.mine("/api/v1/persistentvolumeclaims")}
        used = {
            (space, volume["persistentVolumeClaim"]["claimName"])
            for (space, _), pod in self.pods().items()
            for volume in pod["spec"].get("volumes", ())
            if "persistentVolumeClaim" in volume
        }
        lost = [f"lost {name}" for name in sorted(used - claims.keys())]
        return lost + [
            f"unused {key}"
            for key, claim in claims.items()
            if key not in used
            and claim["metadata"]["labels"].get(naming.RECLAIM_POLICY) == "Delete"
            and not is_held(claim)
        ]

    def _watch(self) -> None:
        """Every change of a pod, from the first: no quota may be passed at any moment."""
        try:
            version = until(self._version, what="pods are listed")
            while not self._end.is_set():
                params = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "2"}
                with self.http.stream("GET", "/api/v1/pods", params=params) as lines:
                    for line in lines.iter_lines():
                        event = json.loads(line)
                        assert event["type"] != "ERROR", event
                        version = event["object"]["metadata"]["resourceVersion"]
                        self._take(event["type"], event["object"])
        except Exception as error:  # noqa: BLE001 # told by `stop`
            self._failure = error

    def _version(self) -> str:
        """Of this moment; empty where the API server is in trouble just now."""
        answer = self.http.get("/api/v1/pods", params={"limit": "1"})
        return str(answer.json()["metadata"]["resourceVersion"]) if answer.is_success else ""

    def _take(self, kind: str, pod: Obj) -> None:
        space, name = key_of(pod)
        if space not in self.people:
            return
        if kind == "DELETED" or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            self._counted.pop((space, name), None)
        else:
            self._counted[space, name] = devices(pod)
        mine = [asked for (other, _), asked in self._counted.items() if other == space]
        sums = len(mine), sum(mine)
        self.most[space] = [max(pair) for pair in zip(self.most[space], sums, strict=True)]
        if sums[0] > self._limits[0] or sums[1] > self._limits[1]:
            self.passed.append((time.time(), space, name, *sums))


def key_of(obj: Obj) -> Key:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def devices(pod: Obj) -> int:
    """How many a pod asks for: of a plugin, chosen ones that others may use as well, or by a claim."""
    notes = pod["metadata"].get("annotations", {})
    limits = pod["spec"]["containers"][0].get("resources", {}).get("limits", {})
    plugged = sum(int(count) for name, count in limits.items() if name.startswith("nvidia.com/"))
    return (
        plugged
        + len(list(filter(None, notes.get(naming.GPU_DEVICES, "").split(","))))
        + int(notes.get(naming.GPU_COUNT, 0))
    )


def is_held(claim: Obj) -> bool:
    """Whether a creation that was cut off keeps it still; such a mark ends by itself."""
    notes = claim["metadata"].get("annotations", {})
    ends = [datetime.fromisoformat(text) for key, text in notes.items() if key.startswith(naming.HELD)]
    return any(end > datetime.now(UTC) for end in ends)
