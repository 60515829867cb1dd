"""The rights of an installation on a real API server, and questions about who may what.

The chart's ClusterRoles have fixed names; here they carry a suffix of their own, so that an installation that is there
stays as it is. Everything else is as the chart renders it and as Genet binds it.
"""

import asyncio
import json
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from genet.kube.client import KubeClient
from genet.kube.projection import Projection, Resource
from genet.settings import Kubernetes
from genet.tenancy import manifests
from tests.e2e.conftest import Kubectl, Person, installed

CHART: Final = Path(__file__).parents[2] / "helm" / "genet"
VALUES: Final = (
    "--set", "config.auth.mode=oauth", "--set", "config.server.publicURL=https://genet.example.org",
    "--set", "config.oauth.clientID=genet", "--set", "config.oauth.providerURL=https://login.example.org",
)  # fmt: skip
KINDS: Final = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
SUBRESOURCES: Final = (
    "pods/log", "pods/status", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "pods/eviction",
    "pods/binding", "pods/ephemeralcontainers", "pods/resize", "services/proxy", "services/status",
    "serviceaccounts/token", "namespaces/finalize", "namespaces/status", "nodes/proxy", "nodes/status",
    "jobs.batch/status", "deployments.apps/scale", "persistentvolumeclaims/status", "resourcequotas/status",
    "certificatesigningrequests.certificates.k8s.io/approval", "certificatesigningrequests.certificates.k8s.io/status",
)  # fmt: skip
NEWER: Final = (
    "resourceclaims.resource.k8s.io", "resourceslices.resource.k8s.io", "resourceclaimtemplates.resource.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io", "cronjobs.batch",
)  # fmt: skip
"""Kinds and subresources that an old API server does not serve can be asked about all the same."""
POWERS: Final = (
    ("impersonate", "users"), ("impersonate", "groups"), ("impersonate", "serviceaccounts"),
    ("escalate", "clusterroles.rbac.authorization.k8s.io"), ("escalate", "roles.rbac.authorization.k8s.io"),
    ("bind", "clusterroles.rbac.authorization.k8s.io"), ("bind", "roles.rbac.authorization.k8s.io"),
    ("approve", "signers.certificates.k8s.io"), ("sign", "signers.certificates.k8s.io"),
)  # fmt: skip
"""Verbs that are no request of their own."""


class Right(NamedTuple):
    verb: str
    resource: str
    """`pods/log`, `jobs.batch`"""


@dataclass(frozen=True)
class Rights:
    """One installation, and one person with a managed namespace in it."""

    kubectl: Kubectl
    suffix: str
    person: Person
    common: set[Right] = field(default_factory=set)
    """What anybody may who is logged in, in any namespace."""

    @property
    def release(self) -> str:
        return f"genet-rbac-{self.suffix}"

    @property
    def grants(self) -> str:
        return f"{self.release}-grants"

    @property
    def genet(self) -> str:
        return f"system:serviceaccount:{self.release}:{self.release}"

    @property
    def user(self) -> str:
        return f"genet:{self.person.identifier}"

    def role(self, name: str) -> str:
        return f"{name}-{self.suffix}"

    def renamed(self, document: dict[str, Any]) -> dict[str, Any]:
        """With the suffix at every place that names one of the fixed roles."""
        text = re.sub(r'"(genet-user|genet-tenant)"', rf'"\1-{self.suffix}"', json.dumps(document))
        changed: dict[str, Any] = json.loads(text)
        return changed

    def held(self, user: str, namespace: str, *, name: str = "") -> set[Right]:
        """Everything that this user may do there, beyond what anybody may who is logged in."""
        return self.allowed(user, namespace, name) - self.common

    def allowed(self, user: str, namespace: str, name: str) -> set[Right]:
        asked = [Right(verb, resource) for resource in self._resources() for verb in VERBS]
        asked += [Right(verb, resource) for verb, resource in POWERS]
        specs = []
        for right in asked:
            whole, _, subresource = right.resource.partition("/")
            resource, _, group = whole.partition(".")
            attributes = {
                "namespace": namespace, "verb": right.verb, "group": group, "resource": resource,
                "subresource": subresource, "name": name,
            }  # fmt: skip
            specs.append({"user": user, "groups": ["system:authenticated"], "resourceAttributes": attributes})
        answers = asyncio.run(_judged(self.kubectl.kubeconfig, specs))
        return {right for right, answer in zip(asked, answers, strict=True) if answer}

    def _resources(self) -> list[str]:
        served = self.kubectl("api-resources", "-o", "name").split()
        return sorted({*served, *SUBRESOURCES, *NEWER})


class _Verdict(Projection):
    allowed: bool = False


class _Review(Projection):
    status: _Verdict


async def _judged(kubeconfig: str, specs: list[dict[str, Any]]) -> list[bool]:
    """The API server's answers, in order. kubectl asks fifty a second, and these are many hundreds."""
    reviews: Resource[Any] = Resource(
        "authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", _Review, namespaced=False
    )
    kind = {"apiVersion": reviews.api_version, "kind": reviews.kind}
    async with KubeClient.connect(Kubernetes(kubeconfig=kubeconfig)) as kube:
        at_once = asyncio.Semaphore(20)

        async def judge(spec: dict[str, Any]) -> bool:
            async with at_once:
                allowed: bool = (await kube.create(reviews, {**kind, "spec": spec})).status.allowed
                return allowed

        return await asyncio.gather(*(judge(spec) for spec in specs))


@contextmanager
def installation(kubectl: Kubectl, person: Person, *values: str) -> Iterator[Rights]:
    """The chart's rights, and the person's namespace with the bindings that Genet makes in it."""
    rights = Rights(kubectl, secrets.token_hex(3), person)
    made = [*_rendered(rights, *values), *_namespace(rights)]
    try:
        for document in made:
            kubectl("create", "-f", "-", stdin=json.dumps(document))
        rights.common.update(rights.allowed("nobody:in:particular", "default", ""))
        yield rights
    finally:
        kubectl.run("delete", "--wait=false", "--ignore-not-found", "-f", "-", stdin=yaml.safe_dump_all(made))


def _rendered(rights: Rights, *values: str) -> list[dict[str, Any]]:
    template = subprocess.run(
        [installed("helm"), "template", "genet", str(CHART), "--namespace", rights.release, "--kube-version", "1.34.0",
        "--set", f"fullnameOverride={rights.release}", *VALUES, *values],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    found = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rights.release}}]
    for document in yaml.safe_load_all(template):
        if document and document["kind"] in KINDS:
            if document["kind"] == "ServiceAccount":
                document["metadata"]["namespace"] = rights.release
            found.append(rights.renamed(document))
    return sorted(found, key=lambda document: document["kind"] != "Namespace")


def _namespace(rights: Rights) -> list[dict[str, Any]]:
    person = rights.person
    space = manifests.namespace(person.identifier, f"dev|{person.name}", "a@dev.invalid")
    bindings = [
        manifests.tenant_role_binding(f"{rights.release}/{rights.release}"),
        manifests.user_role_binding(person.identifier, "genet:"),
    ]
    for binding in bindings:
        binding["metadata"]["namespace"] = person.namespace
    return [space, *(rights.renamed(binding) for binding in bindings)]
