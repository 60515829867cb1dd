"""`values.schema.json` says what Genet's settings say, and refuses what they would refuse.

`UPDATE_GOLDEN=1 pytest tests/helm` writes the part of the schema that follows from `genet.settings` anew.
"""

import ast
import json
import os
from pathlib import Path
from typing import Any

import pytest

import genet.settings
from genet.settings.sources import schema
from tests.helm.conftest import ACCEPTED, CHART

SCHEMA = CHART / "values.schema.json"
CHARTS_OWN = {
    "Server": {"metricsPort", "tls"},
    "Kubernetes": {"kubeconfig", "context", "serviceAccount", "grantsNamespace"},
    "OAuth": {"caFile", "clientSecret"},
    "Proxy": {"secret"},
    "Client": {"secret"},
    "Pod": {"pullSecrets"},
    "Commit": {"namespace"},
}
"""Settings that the chart decides, and secrets: its values do not offer them."""


OAUTH = (
    "config.auth.mode=oauth",
    "config.server.publicURL=https://genet.example.org",
    "config.oauth.clientID=genet",
    "config.oauth.providerURL=https://login.example.org",
)
SAVING = (
    "config.commit.enabled=true",
    "config.commit.image=nerdctl:2",
    "config.commit.repository=r.example.org/{userIdentifier}",
)
CLIENTS = ("secrets.existingSecret=genet-secrets", "secrets.keys.oidcClients=clients")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((), ["config.auth", "mode"]),
        (("config.auth.dev.allowRemote=false",), ["config.auth.dev.allowRemote=true"]),
        (("ingress.enabled=true", "ingress.host=a.example.org"), ["ingress.enabled=true", "dev login"]),
        (("httpRoute.enabled=true", "httpRoute.hostnames[0]=a.example.org"), ["httpRoute.enabled=true", "dev login"]),
        (("config.auth.mode=ldap",), ["config.auth.mode", "oauth"]),
        (("config.auth.mode=oauth",), ["config.server.publicURL"]),
        ((*OAUTH[:-1],), ["config.oauth.providerURL"]),
        ((OAUTH[0], OAUTH[1], OAUTH[3]), ["config.oauth.clientID"]),
        ((*OAUTH, "config.server.publicURL=http://genet.example.org"), ["config.server.publicURL"]),
        ((*OAUTH, "config.server.publicURL=https://genet.example.org/"), ["config.server.publicURL"]),
        ((*OAUTH, "config.oauth.clientSecret=s3cret"), ["config.oauth", "clientSecret"]),
        ((*OAUTH, "secrets.keys.oauthClientSecret=key"), ["secrets.existingSecret"]),
        ((*OAUTH, "config.oidcProvider.clients[0].id=a", "config.oidcProvider.clients[0].secret=s"), ["secret"]),
        ((*OAUTH, *CLIENTS, "config.oidcProvider.clients[0].id=a"), ["config.oidcProvider.clients"]),
        ((*OAUTH, "config.oidcProvider.usernamePrefix="), ["config.oidcProvider.usernamePrefix"]),
        ((*OAUTH, "config.oidcProvider.usernamePrefix=system:"), ["config.oidcProvider.usernamePrefix"]),
        (
            ("config.commit.enabled=true", "config.commit.repository=r.example.org/{userIdentifier}"),
            ["config.commit.image"],
        ),
        ((*SAVING, "config.commit.repository="), ["config.commit.repository"]),
        ((*SAVING, "config.commit.repository=r.example.org/people"), ["config.commit.repository", "{userIdentifier}"]),
        ((*SAVING, "config.commit.repository=r.example.org/x-{userIdentifier}"), ["config.commit.repository"]),
        ((*SAVING, "config.commit.repository=r.example.org/{userIdentifier}x/y"), ["config.commit.repository"]),
        (
            (*SAVING, "config.commit.repository=r.example.org/{userIdentifier}/{userIdentifier}"),
            ["config.commit.repository"],
        ),
        (("config.commit=null",), ["config", "commit"]),
        (("config.commit.namespace=kube-system",), ["config.commit", "namespace"]),
        (("config.commit.timeoutMinutes=0",), ["config.commit.timeoutMinutes"]),
        ((*OAUTH, "httpRoute.enabled=true"), ["gateway.networking.k8s.io/v1"]),
        (("config.auth.mode=proxy",), ["proxy.image"]),
        (("config.auth.mode=proxy", "proxy.sidecar=false"), ["secrets.keys.proxySecret"]),
        (("config.auth.mode=proxy", "proxy.image=p", "tls.secretName=t"), ["tls.secretName"]),
        (("config.auth.mode=proxy", "proxy.image=p"), ["config.server.publicURL"]),
        (("config.auth.proxy.secret=s",), ["config.auth.proxy", "secret"]),
        (("proxy.port=8080",), ["proxy.port"]),
        (("config.server.tls.certFile=/c",), ["config.server", "tls"]),
        (("config.kubernetes.grantsNamespace=kube-system",), ["config.kubernetes", "grantsNamespace"]),
        (("kubectlCreate.exemptUsers[0]=it's",), ["kubectlCreate.exemptUsers.0"]),
        (("kubectlCreate.refusedKeys[0]=a\\\\b",), ["kubectlCreate.refusedKeys.0"]),
        (("config.auth.mode=null",), ["config.auth", "mode"]),
        (("config.auth.dev=null",), ["config.auth", "dev"]),
        (("config.lifecycle=null",), ["config", "lifecycle"]),
        (("config.gpu=null",), ["config", "gpu"]),
        (("config.gpu.ascendDeviceInfo=maybe",), ["config.gpu.ascendDeviceInfo", "boolean"]),
        (("config.podLimit=3",), ["config", "podLimit"]),
        (("config.podLimitPerUser=many",), ["config.podLimitPerUser", "integer"]),
        (("config.podLimitPerUser=-1",), ["config.podLimitPerUser", "0"]),
        (("config.gpu.availableTypes[0].resourceName=a/b",), ["config.gpu.availableTypes.0", "name"]),
        (("config.gpu.availableTypes[0].mode=slices",), ["config.gpu.availableTypes.0", "mode"]),
        (("config.pod.pullSecrets[0].password=p",), ["config.pod", "pullSecrets"]),
        (("config.lifecycle.autoDeleteTime=24:00",), ["config.lifecycle.autoDeleteTime"]),
        (("config.pod.defaults.cpu=lots",), ["config.pod.defaults.cpu"]),
        (("config.server.metricsPort=1",), ["config.server", "metricsPort"]),
        (("config.kubernetes.kubeconfig=/etc/k",), ["config.kubernetes", "kubeconfig"]),
        (("replicas=3",), ["replicas"]),
        (("backend.replicas=0",), ["backend.replicas"]),
        (("backend.resources.limit.cpu=1",), ["backend.resources", "limit"]),
        (("backend.resources.limits.cpu=2",), ["backend.resources.limits.cpu", "string"]),
        (("image.pullPolicy=Sometimes",), ["image.pullPolicy"]),
        (("image.repository=",), ["image.repository"]),
        (("service.type=ExternalName",), ["service.type"]),
        (("service.port=70000",), ["service.port"]),
        (("networkPolicy.httpFrom[0].cidr=10.0.0.0/8",), ["networkPolicy.httpFrom.0", "cidr"]),
        (("serviceMonitor.interval=often",), ["serviceMonitor.interval"]),
    ],
)
def test_bad_values_are_named(helm, values, words):
    accepted = ACCEPTED if values else ()
    # Helm 4 writes paths as /config/auth, Helm 3 as config.auth
    complaint = helm.complaint(*accepted, *(word for value in values for word in ("--set", value)))
    assert not [word for word in words if word not in complaint and word not in complaint.replace("/", ".")], complaint


def test_people_may_create_only_where_a_policy_can_watch_over_it(helm):
    create = ("--set", "config.kubeconfig.allowCreate=true")
    assert "config.kubeconfig.allowCreate" in helm.complaint(*ACCEPTED, *create, "--kube-version", "1.29.9")
    served = ("--api-versions", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy")
    for documents in (
        helm.template(*ACCEPTED, *create, kube_version="1.30.0"),
        helm.template(*ACCEPTED, *create, *served, kube_version="1.29.9"),
    ):
        kinds = [document["kind"] for document in documents]
        assert kinds.count("ValidatingAdmissionPolicy") == kinds.count("ValidatingAdmissionPolicyBinding") == 1


def test_the_schema_of_config_follows_genets_settings():
    found = json.loads(SCHEMA.read_text())
    kept = {name: definition for name, definition in found["$defs"].items() if name.startswith("kubernetes.")}
    wanted = config_definitions() | kept
    if os.environ.get("UPDATE_GOLDEN"):
        found["$defs"] = wanted
        SCHEMA.write_text(json.dumps(found, indent=2) + "\n")
    assert found["$defs"] == wanted


def test_the_schema_is_strict_and_describes_every_value():
    found = json.loads(SCHEMA.read_text())
    for name, section in sections(found):
        if name.startswith("/properties/config/allOf/"):
            continue  # adds to a definition that is itself strict
        assert "additionalProperties" in section, name
        if name.startswith("/$defs/"):
            continue
        undescribed = [key for key, value in section["properties"].items() if "description" not in value]
        assert not undescribed, name


def sections(node: Any, path: str = ""):
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield path, node
        for key, value in node.items():
            yield from sections(value, f"{path}/{key}")


def config_definitions() -> dict[str, Any]:
    """JSON Schema definitions of Genet's settings, less what the chart decides, with the attributes' docstrings."""
    texts = attribute_docstrings()
    definitions: dict[str, Any] = schema()["$defs"]
    for name in ("TLS", "PullSecret"):  # nothing refers to them any more
        del definitions[name]
    for name, definition in definitions.items():
        for key in CHARTS_OWN.get(name, ()):
            del definition["properties"][key]
        definition.pop("title", None)
        definition.pop("description", None)
        for key, value in definition["properties"].items():
            value.pop("default", None)
            if (name, key.lower()) in texts:
                value["description"] = texts[name, key.lower()]
    return definitions


def attribute_docstrings() -> dict[tuple[str, str], str]:
    """(Struct, key in small letters) -> docstring; an attribute's docstring exists in the source alone."""
    found = {}
    for file in Path(genet.settings.__file__).parent.glob("*.py"):
        for struct in ast.parse(file.read_text()).body:
            if not isinstance(struct, ast.ClassDef):
                continue
            for attribute, text in zip(struct.body, struct.body[1:], strict=False):
                match attribute, text:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                        found[struct.name, name.replace("_", "")] = " ".join(words.split())
    return found
