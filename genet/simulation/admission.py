"""What stands between a request and the store: defaults, validation, LimitRanges, Pod Security and ResourceQuotas.

The order is the real server's: what it mutates comes first, quota comes last, so that nothing is charged that another
check refuses, and a create beyond the quota is 403 even where the name is taken.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from genet.simulation import defaults, persistence, pod_security, signing, validation
from genet.simulation.errors import bad_request, forbidden, not_found
from genet.simulation.limits import LimitRanges
from genet.simulation.quotas import Quotas
from genet.simulation.resources import KINDS, Kind
from genet.simulation.services import Services
from genet.simulation.store import Object, Store

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class Admission:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._limits = LimitRanges(store)
        self._quotas = Quotas(store)
        self._services = Services(store)

    def create(self, kind: Kind, obj: Object) -> Object:
        """The object as it is to be stored; ApiError 400, 403, 404 or 422. What is handed in stays as it is."""
        obj = copy.deepcopy(obj)
        with _decoding(kind):
            self._create(kind, obj)
        return obj

    def update(self, kind: Kind, obj: Object, old: Object) -> Object:
        """As `create`, for an object that replaces another."""
        obj = copy.deepcopy(obj)
        with _decoding(kind):
            if kind.plural in ("secrets", "limitranges"):
                defaults.fill(kind.plural, obj)
            validation.check_update(kind, obj, old)
            if kind.plural == "persistentvolumeclaims":
                persistence.admit_growth(self._store, obj, old)
                self._quotas.admit(kind, obj, old)
            if kind.plural == "services":
                self._services.update(obj, old)
            if kind.plural == signing.PLURAL:
                obj["spec"] = old["spec"]
        return obj

    def _create(self, kind: Kind, obj: Object) -> None:
        metadata = obj.setdefault("metadata", {})
        metadata["uid"] = self._store.new_uid()
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = self._store.new_name(metadata["generateName"])
        if kind.namespaced:
            self._check_namespace(kind, obj)
        validation.check_create(kind, obj)
        defaults.fill(kind.plural, obj)
        if kind.plural == "pods":
            self._check_accounts(obj)
        if kind.plural == "services":
            self._services.create(obj)
        if kind.plural == "persistentvolumeclaims":
            self._choose_storage_class(obj)
        if kind.plural == signing.PLURAL and signing.asks_for_masters(obj):
            why = f"use of {signing.CLIENT_SIGNER} signer with {signing.MASTERS} group is not allowed"
            raise forbidden(kind, _name(obj), why)
        self._limits.admit(kind, obj)
        if kind.plural == "pods":
            obj["status"]["qosClass"] = defaults.qos_class(obj["spec"])
            validation.check_resources(kind, obj)
            self._check_pod_security(kind, obj)
        self._quotas.admit(kind, obj)

    def _check_namespace(self, kind: Kind, obj: Object) -> None:
        namespace = obj["metadata"]["namespace"]
        found = self._store.find("namespaces", "", namespace)
        if found is None:
            raise not_found(KINDS["namespaces"], namespace)
        if "deletionTimestamp" in found["metadata"]:
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = ("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
            raise forbidden(kind, _name(obj), why, [cause])

    def _check_accounts(self, pod: Object) -> None:
        spec, namespace = pod["spec"], pod["metadata"]["namespace"]
        account = spec["serviceAccountName"]
        if self._store.find("serviceaccounts", namespace, account) is None:
            why = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
            raise forbidden(KINDS["pods"], _name(pod), why)
        priority = self._store.find("priorityclasses", "", spec.get("priorityClassName", ""))
        if spec.get("priorityClassName") and priority is None:
            why = f"no PriorityClass with name {spec['priorityClassName']} was found"
            raise forbidden(KINDS["pods"], _name(pod), why)
        spec["priority"] = priority["value"] if priority else 0

    def _choose_storage_class(self, claim: Object) -> None:
        if claim["spec"].get("storageClassName") is None:
            for found in self._store.list("storageclasses"):
                if found["metadata"].get("annotations", {}).get(DEFAULT_CLASS) == "true":
                    claim["spec"]["storageClassName"] = found["metadata"]["name"]

    def _check_pod_security(self, kind: Kind, pod: Object) -> None:
        namespace = self._store.get("namespaces", "", pod["metadata"]["namespace"])
        level = namespace["metadata"].get("labels", {}).get(pod_security.ENFORCE, "privileged")
        if violations := pod_security.violations(level, pod):
            version = namespace["metadata"]["labels"].get(pod_security.ENFORCE_VERSION, "latest")
            why = f'violates PodSecurity "{pod_security.BASELINE}:{version}": {", ".join(violations)}'
            raise forbidden(kind, _name(pod), why)


@contextmanager
def _decoding(kind: Kind) -> Iterator[None]:
    """Manifests are not decoded by types here, so a field of the wrong one shows where it is first used."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        message = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {error}'
        raise bad_request(message) from error


def _name(obj: Object) -> str:
    return str(obj["metadata"].get("name", ""))
