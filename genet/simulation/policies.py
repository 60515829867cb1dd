"""ValidatingAdmissionPolicies. Their expressions are judged where the package `cel-python` is installed.

Without it policies are not served, as by an API server before 1.30: nothing else of the embedded cluster needs the
package. An expression that fails denies (`failurePolicy: Fail`), also in a condition of the match.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from genet.simulation.errors import ApiError
from genet.simulation.resources import Kind
from genet.simulation.store import Object, Store

ADMINISTRATOR = "kubernetes-admin"
"""Who asks where a request impersonates nobody: the embedded cluster has no users of its own."""
GROUP = "admissionregistration.k8s.io"
IS_SERVED = find_spec("celpy") is not None


@dataclass(frozen=True)
class Asked:
    """A create or an update, as admission sees it: `old` is None for a create."""

    user: str
    kind: Kind
    obj: Object
    old: Object | None
    subresource: str = ""

    @property
    def resource(self) -> str:
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural

    @property
    def operation(self) -> str:
        return "CREATE" if self.old is None else "UPDATE"

    def review(self) -> Object:
        """The parts of an AdmissionRequest that expressions read."""
        meta, kind = self.obj["metadata"], self.kind
        return {
            "operation": self.operation,
            "kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
            "resource": {"group": kind.group, "version": kind.version, "resource": kind.plural},
            "subResource": self.subresource,
            "name": meta.get("name", ""),
            "namespace": meta.get("namespace", ""),
            "userInfo": {"username": self.user},
        }


class Policies:
    """The policies in the store, as they are at the moment of each request."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, asked: Asked) -> None:
        """ApiError 422 where a policy that is bound denies."""
        for binding in self._store.list("validatingadmissionpolicybindings"):
            spec = binding["spec"]
            policy = self._store.find("validatingadmissionpolicies", "", spec["policyName"])
            if policy is not None and "Deny" in spec["validationActions"] and self._matches(policy["spec"], asked):
                for why in _denials(policy["spec"], asked):
                    raise _denied(asked, policy["metadata"]["name"], binding["metadata"]["name"], why)

    def _matches(self, spec: Object, asked: Asked) -> bool:
        constraints = spec["matchConstraints"]
        wanted = constraints.get("namespaceSelector", {}).get("matchLabels", {})
        if wanted:
            found = self._store.find("namespaces", "", asked.obj["metadata"].get("namespace", ""))
            labels = found["metadata"].get("labels", {}) if found else {}
            if not wanted.items() <= labels.items():
                return False
        return any(
            asked.kind.group in rule["apiGroups"]
            and asked.operation in rule["operations"]
            and asked.resource in rule["resources"]
            for rule in constraints["resourceRules"]
        )


def _denials(spec: Object, asked: Asked) -> Iterator[str]:
    known = _known(asked)
    for condition in spec.get("matchConditions", ()):
        met = _judge(condition["expression"], known)
        if isinstance(met, Exception):
            yield f"matchConditions {condition['name']}: {met}"
        elif not met:
            return
    for variable in spec.get("variables", ()):
        _add(known, variable["name"], _judge(variable["expression"], known))
    for validation in spec["validations"]:
        kept = _judge(validation["expression"], known)
        if isinstance(kept, Exception):
            yield f"expression '{validation['expression']}' resulted in error: {kept}"
        elif not kept:
            yield validation.get("message") or f"failed expression: {validation['expression']}"


def _judge(expression: str, known: Mapping[str, Any]) -> Any:
    """The value of an expression, or the exception by which it failed."""
    from celpy.evaluation import CELEvalError  # noqa: PLC0415 # optional

    try:
        return _program(expression).evaluate(known)
    except CELEvalError as error:
        return error


@lru_cache(maxsize=256)
def _program(expression: str) -> Any:
    import celpy  # noqa: PLC0415 # optional

    environment = celpy.Environment()
    return environment.program(environment.compile(expression))


def _known(asked: Asked) -> dict[str, Any]:
    from celpy.adapter import json_to_cel  # noqa: PLC0415 # optional

    obj = {"apiVersion": asked.kind.api_version, "kind": asked.kind.kind, **asked.obj}
    known = {"object": obj, "oldObject": asked.old, "request": asked.review(), "variables": {}}
    return {name: json_to_cel(value) for name, value in known.items()}


def _add(known: dict[str, Any], name: str, value: Any) -> None:
    """Make a variable known; one that failed is not there, so that what uses it fails as well."""
    from celpy.celtypes import StringType  # noqa: PLC0415 # optional

    if not isinstance(value, Exception):
        known["variables"][StringType(name)] = value


def _denied(asked: Asked, policy: str, binding: str, why: str) -> ApiError:
    name = asked.obj["metadata"].get("name", "")
    message = (
        f"{asked.kind.resource} \"{name}\" is forbidden: ValidatingAdmissionPolicy '{policy}' with binding "
        f"'{binding}' denied request: {why}"
    )
    details = {"name": name, "group": asked.kind.group, "kind": asked.kind.plural, "causes": [{"message": why}]}
    return ApiError(422, "Invalid", message, {key: value for key, value in details.items() if value})
