"""Claims of pods (DRA): made from their templates, given devices when their pod is, and gone with it.

As the resource claim controller and the scheduler's plugin do it together. Traps: a claim made from a template passes
admission like everybody's, so a quota can hold its pod up; a pod whose template comes later is looked at again.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

from genet.simulation.admission import Admission
from genet.simulation.device_allocation import allocate, counters, offered, taken
from genet.simulation.errors import ApiError
from genet.simulation.pod_status import finished
from genet.simulation.recorder import Recorder
from genet.simulation.resources import KINDS
from genet.simulation.store import Key, Store, key_of

Obj = dict[str, Any]

POD_CLAIM: Final = "resource.kubernetes.io/pod-claim-name"
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"


class DynamicClaims:
    def __init__(self, store: Store, admission: Admission) -> None:
        self._store = store
        self._admission = admission
        self._recorder = Recorder(store, "resource_claim")
        self._pods: dict[Key, None] = {}
        self._held_up: set[Key] = set()
        """Pods whose claim could not be made."""
        self._wake = asyncio.Event()
        for pod in store.list("pods"):
            self._changed("pods", "ADDED", pod, None)
        store.subscribe(self._changed)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pods:
                key = next(iter(self._pods))
                del self._pods[key]
                if pod := self._store.find("pods", *key):
                    self._look_after(pod)

    def problem(self, pod: Obj) -> str | None:
        """Why no node needs to be looked at for the pod yet."""
        for reference, claim in self._claims(pod):
            if claim is None:
                name = reference.get("resourceClaimName")
                if name:
                    return f'resourceclaim "{name}" not found'
                return "waiting for dynamic resource controller to create the resourceclaim for the pod"
            for request in claim["spec"]["devices"]["requests"]:
                if self._store.find("deviceclasses", "", request["exactly"]["deviceClassName"]) is None:
                    name, wanted = request["name"], request["exactly"]["deviceClassName"]
                    return f"request {name}: device class {wanted} does not exist"
        return None

    def reach(self, pod: Obj) -> Callable[[str], bool] | None:
        """Tells whether a node can serve the pod's claims; None: it has none."""
        claims = [claim for _, claim in self._claims(pod) if claim is not None]
        if not claims:
            return None
        held = taken(self._store.list("resourceclaims"))
        return lambda node: self._results(claims, node, held) is not None

    def reserve(self, pod: Obj, node: str) -> None:
        """Give the pod's claims devices of the node, and note who uses them."""
        claims = [claim for _, claim in self._claims(pod) if claim is not None]
        held = taken(self._store.list("resourceclaims"))
        user = {"resource": "pods", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        for claim, results in zip(claims, self._results(claims, node, held) or (), strict=True):
            status = claim.get("status", {})
            term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
            given = {"devices": {"results": results}, "nodeSelector": {"nodeSelectorTerms": [term]}}
            told = {
                "allocation": status.get("allocation") or given,
                "reservedFor": [*status.get("reservedFor", ()), user],
            }
            self._store.update("resourceclaims", {**claim, "status": {**status, **told}}, subresource="status")

    def _results(self, claims: list[Obj], node: str, held: set[tuple[str, str, str]]) -> list[list[Obj]] | None:
        slices = self._store.list("resourceslices")
        devices, most = list(offered(slices, node)), counters(slices, node)
        classes = {item["metadata"]["name"]: item for item in self._store.list("deviceclasses")}
        found: list[list[Obj]] = []
        for claim in claims:
            given = claim.get("status", {}).get("allocation")
            if given is not None:  # where it has its devices, there the pod must run
                results = given["devices"]["results"]
                if not {(item["driver"], item["pool"], item["device"]) for item in results} <= {d.id for d in devices}:
                    return None
            else:
                results = allocate(claim, devices, held, most, classes)
            if results is None:
                return None
            held = held | {(item["driver"], item["pool"], item["device"]) for item in results}
            found.append(results)
        return found

    def _claims(self, pod: Obj) -> Iterator[tuple[Obj, Obj | None]]:
        """What the pod refers to, and the claim that this is by now."""
        made = {
            item["name"]: item["resourceClaimName"] for item in pod.get("status", {}).get("resourceClaimStatuses", ())
        }
        for reference in pod["spec"].get("resourceClaims") or ():
            name = reference.get("resourceClaimName") or made.get(reference["name"], "")
            yield reference, self._store.find("resourceclaims", pod["metadata"]["namespace"], name)

    def _changed(self, plural: str, kind: str, new: Obj, _: Obj | None) -> None:
        if plural == "pods" and new["spec"].get("resourceClaims"):
            if kind == "DELETED":
                self._held_up.discard(key_of(new))
                self._release(new)
            else:
                self._mark(key_of(new))
        elif plural in ("resourceclaimtemplates", "resourcequotas") or (
            plural == "resourceclaims" and kind == "DELETED"
        ):
            for key in self._held_up:
                self._mark(key)

    def _mark(self, key: Key) -> None:
        self._pods[key] = None
        self._wake.set()

    def _look_after(self, pod: Obj) -> None:
        if finished(pod):
            self._release(pod)
        elif "deletionTimestamp" not in pod["metadata"]:
            known = {item["name"] for item in pod.get("status", {}).get("resourceClaimStatuses", ())}
            for reference in pod["spec"].get("resourceClaims") or ():
                if reference.get("resourceClaimTemplateName") and reference["name"] not in known:
                    self._make(pod, reference)

    def _make(self, pod: Obj, reference: Obj) -> None:
        meta, template_name = pod["metadata"], reference["resourceClaimTemplateName"]
        template = self._store.find("resourceclaimtemplates", meta["namespace"], template_name)
        if template is None:
            self._complain(pod, f'resource claim template "{template_name}" not found')
            return
        owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"], "controller": True}
        own = template["spec"].get("metadata", {})
        suffix = "".join(random.Random(f"{meta['uid']}/{reference['name']}").choices(_LETTERS, k=5))  # noqa: S311 - no secret
        claim = {
            "metadata": {
                "name": f"{meta['name']}-{reference['name']}-{suffix}",
                "namespace": meta["namespace"],
                "labels": own.get("labels", {}),
                "annotations": {**own.get("annotations", {}), POD_CLAIM: reference["name"]},
                "ownerReferences": [{**owner, "blockOwnerDeletion": True}],
            },
            "spec": template["spec"]["spec"],
        }
        try:
            made = self._store.create("resourceclaims", self._admission.create(KINDS["resourceclaims"], claim))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                self._complain(pod, f"PodResourceClaim {reference['name']}: {error}")
                return
            made = claim
        self._held_up.discard(key_of(pod))
        now = self._store.get("pods", *key_of(pod))
        status = now.get("status", {})
        told = {"name": reference["name"], "resourceClaimName": made["metadata"]["name"]}
        statuses = [*status.get("resourceClaimStatuses", ()), told]
        self._store.update(
            "pods", {**now, "status": {**status, "resourceClaimStatuses": statuses}}, subresource="status"
        )

    def _complain(self, pod: Obj, why: str) -> None:
        if key_of(pod) not in self._held_up:
            self._held_up.add(key_of(pod))
            self._recorder.warning("pods", pod, "FailedResourceClaimCreation", why)

    def _release(self, pod: Obj) -> None:
        """Its claims are nobody's any more; those made for it alone go."""
        uid = pod["metadata"]["uid"]
        for _, claim in list(self._claims(pod)):
            if claim is None:
                continue
            left = [user for user in claim.get("status", {}).get("reservedFor", ()) if user["uid"] != uid]
            if any(owner["uid"] == uid for owner in claim["metadata"].get("ownerReferences", ())):
                self._store.delete("resourceclaims", *key_of(claim))
            elif len(left) < len(claim.get("status", {}).get("reservedFor", ())):
                status = {**claim["status"], "reservedFor": left}
                if not left:
                    status.pop("allocation", None)
                self._store.update("resourceclaims", {**claim, "status": status}, subresource="status")
