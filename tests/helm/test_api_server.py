"""Every rendered object meets the real API server where that serves its kind, else the kind's published schema."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.helm.conftest import ACCEPTED, CHART, Kubectl
from tests.helm.test_chart import EVERYTHING, OPERATOR

SCHEMAS = Path(__file__).parent / "schemas"
UNSERVED_BY_1_20 = {
    "batch/v1/CronJob",
    "policy/v1/PodDisruptionBudget",
    "monitoring.coreos.com/v1/ServiceMonitor",
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding",
    "gateway.networking.k8s.io/v1/HTTPRoute",
}
"""The kinds that the tests' real cluster does not serve: their fields are checked against schemas alone."""


def kind_of(document: dict[str, Any]) -> str:
    return f"{document['apiVersion']}/{document['kind']}"


@pytest.mark.real
@pytest.mark.parametrize("arguments", [ACCEPTED, (*EVERYTHING, *OPERATOR)], ids=["defaults", "everything"])
def test_a_real_api_server_takes_every_object_of_a_kind_it_serves(helm, kubectl, namespace, arguments):
    served = served_kinds(kubectl)
    documents = helm.template(*arguments)
    assert {kind_of(document) for document in documents} - served <= UNSERVED_BY_1_20
    for document in documents:
        if kind_of(document) not in served:
            continue
        where = document["metadata"].get("namespace", namespace)
        if where.endswith(("-grants", "-jobs")):  # of the chart's own making, and nothing is made here
            where = document["metadata"]["namespace"] = namespace
        done = kubectl(
            "--namespace", where, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-",
            stdin=yaml.safe_dump(document),
        )  # fmt: skip
        assert done.returncode == 0, f"{kind_of(document)} {document['metadata']['name']}: {done.stderr}"


@pytest.mark.real
def test_a_real_api_server_refuses_a_misspelt_field(helm, kubectl, namespace):
    deployment = next(document for document in helm.template(*ACCEPTED) if document["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["enableServiceLink"] = False
    done = kubectl(
        "--namespace", namespace, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-",
        stdin=yaml.safe_dump(deployment),
    )  # fmt: skip
    assert done.returncode != 0
    assert "enableServiceLink" in done.stderr


@pytest.mark.real
@pytest.mark.usefixtures("vacant")
def test_the_notes_say_what_the_cluster_lacks(helm, kubectl, namespace):
    done = helm.run(
        "install", "genet", str(CHART), *ACCEPTED, "--set", f"fullnameOverride={namespace}",
        "--namespace", namespace, "--dry-run=server",
        "--kubeconfig", os.environ["GENET_TEST_KUBECONFIG"],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    served = served_kinds(kubectl)
    assert ("no clean-up was installed" in done.stdout) == ("batch/v1/CronJob" not in served)
    assert ("no PodDisruptionBudget was installed" in done.stdout) == ("policy/v1/PodDisruptionBudget" not in served)


@pytest.mark.parametrize("kind", sorted(UNSERVED_BY_1_20))
def test_kinds_that_1_20_does_not_serve_follow_their_published_schema(helm, kind):
    found = 0
    for arguments in ((*ACCEPTED, *OPERATOR), (*EVERYTHING, *OPERATOR)):
        for document in helm.template(*arguments):
            if kind_of(document) == kind:
                jsonschema.validate(document, published_schema(kind))
                found += 1
    assert found


def test_the_published_schemas_refuse_a_misspelt_field(helm):
    for document in helm.template(*EVERYTHING, *OPERATOR):
        if kind_of(document) in UNSERVED_BY_1_20:
            document["spec"]["nosuch"] = 1
            with pytest.raises(jsonschema.ValidationError, match="nosuch"):
                jsonschema.validate(document, published_schema(kind_of(document)))


def served_kinds(kubectl: Kubectl) -> set[str]:
    listed = kubectl("api-resources", "--no-headers")
    assert listed.returncode == 0, listed.stderr
    # NAME [SHORTNAMES] APIVERSION NAMESPACED KIND
    rows = [line.split() for line in listed.stdout.splitlines()]
    return {f"{row[-3]}/{row[-1]}" for row in rows}


def published_schema(kind: str) -> dict[str, Any]:
    for file in SCHEMAS.glob("*.json"):
        document = json.loads(file.read_text())
        if kind in document["kinds"]:
            return {"$ref": document["kinds"][kind], "$defs": document["$defs"]}
    raise LookupError(f"no schema of {kind} in {SCHEMAS}")
