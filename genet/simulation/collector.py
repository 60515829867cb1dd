"""What the controller manager does with deletions: owners take their dependents with them, namespaces their contents.

Also its small services to namespaces and claims: every namespace gets the ServiceAccount `default`, and a claim that is
being deleted waits until no pod uses it. All happens at once, where the real controllers take a moment.
"""

from collections import defaultdict

from genet.simulation.defaults import PV_PROTECTION, PVC_PROTECTION
from genet.simulation.resources import KINDS
from genet.simulation.store import ORPHAN, Key, Object, Store, key_of

Where = tuple[str, Key]
"""plural and key"""


class Collector:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: dict[str, Where] = {}
        """by uid, of all that is there"""
        self._dependents: dict[str, set[str]] = defaultdict(set)
        """uids, by their owner's uid"""
        store.subscribe(self._follow)

    def _follow(self, plural: str, type_: str, new: Object, old: Object | None) -> None:
        uid = new["metadata"]["uid"]
        for owner in _owners(old) if old else ():
            self._dependents[owner].discard(uid)
        if type_ == "DELETED":
            del self._places[uid]
            for dependent in sorted(self._dependents.pop(uid, ())):
                self._check_owners(dependent)
        else:
            self._places[uid] = plural, key_of(new)
            for owner in _owners(new):
                self._dependents[owner].add(uid)
            self._check_owners(uid)
            self._orphan(uid)
        if plural == "namespaces" and type_ == "ADDED":
            account = {"metadata": {"name": "default", "namespace": new["metadata"]["name"]}}
            self._store.create("serviceaccounts", account)
        self._empty_namespace(new["metadata"]["name"] if plural == "namespaces" else key_of(new)[0])
        self._release_claims(plural, new)
        if plural == "persistentvolumes":
            self._release_volume(new)

    def _find(self, uid: str) -> tuple[str, Object] | None:
        """The present state of that very object: events tell of older ones."""
        plural, key = self._places.get(uid, ("", ("", "")))
        found = self._store.find(plural, *key) if plural else None
        return (plural, found) if found and found["metadata"]["uid"] == uid else None

    def _check_owners(self, uid: str) -> None:
        """Delete what has owners none of which is there; of several, forget those that are not."""
        plural, obj = self._find(uid) or ("", {})
        references = obj["metadata"].get("ownerReferences", ()) if plural else ()
        left = [reference for reference in references if reference["uid"] in self._places]
        if len(left) == len(references) or "deletionTimestamp" in obj["metadata"]:
            return
        if left:
            self._store.update(plural, _with(obj, ownerReferences=left))
        else:
            self._store.delete(plural, *key_of(obj))

    def _orphan(self, uid: str) -> None:
        """Cut the dependents loose of an owner that is deleted without them, then let it go."""
        plural, owner = self._find(uid) or ("", {})
        if not plural or "deletionTimestamp" not in owner["metadata"]:
            return
        if ORPHAN in owner["metadata"].get("finalizers", ()):
            for where, obj in filter(None, map(self._find, sorted(self._dependents[uid]))):
                references = [item for item in obj["metadata"]["ownerReferences"] if item["uid"] != uid]
                self._store.update(where, _with(obj, ownerReferences=references))
            self._store.update(plural, _without_finalizer(owner, ORPHAN))

    def _empty_namespace(self, name: str) -> None:
        namespace = self._store.find("namespaces", "", name)
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            return
        contents = [(kind.plural, obj) for kind in KINDS.values() if kind.namespaced
                    for obj in self._store.list(kind.plural, name)]  # fmt: skip
        for plural, obj in contents:
            if "deletionTimestamp" not in obj["metadata"] and self._store.find(plural, *key_of(obj)) is obj:
                self._store.delete(plural, *key_of(obj))
        if not contents:
            self._store.update("namespaces", {**namespace, "spec": {"finalizers": []}})

    def _release_claims(self, plural: str, obj: Object) -> None:
        namespace, name = key_of(obj)
        for claim_name in _claims(obj) if plural == "pods" else [name] if plural == "persistentvolumeclaims" else ():
            claim = self._store.find("persistentvolumeclaims", namespace, claim_name)
            if claim is None or "deletionTimestamp" not in claim["metadata"]:
                continue
            pods = self._store.list("pods", namespace)
            in_use = any(claim_name in _claims(pod) for pod in pods if pod["spec"].get("nodeName"))
            if not in_use and PVC_PROTECTION in claim["metadata"].get("finalizers", ()):
                self._store.update("persistentvolumeclaims", _without_finalizer(claim, PVC_PROTECTION))

    def _release_volume(self, volume: Object) -> None:
        """One that is being deleted waits while it is bound."""
        found = self._store.find("persistentvolumes", *key_of(volume))
        if found is None or "deletionTimestamp" not in found["metadata"] or found["status"]["phase"] == "Bound":
            return
        if PV_PROTECTION in found["metadata"].get("finalizers", ()):
            self._store.update("persistentvolumes", _without_finalizer(found, PV_PROTECTION))


def _owners(obj: Object) -> list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences", ())]


def _claims(pod: Object) -> list[str]:
    volumes = pod["spec"].get("volumes", ())
    return [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume]


def _with(obj: Object, **metadata: object) -> Object:
    return {**obj, "metadata": {**obj["metadata"], **metadata}}


def _without_finalizer(obj: Object, name: str) -> Object:
    return _with(obj, finalizers=[item for item in obj["metadata"]["finalizers"] if item != name])
