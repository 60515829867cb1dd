"""`genet cleanup` as the CronJob runs it: what is past its time goes, what is protected and every claim stays.

It looks after every namespace that Genet manages, so this test keeps away from clusters where others have some.
"""

import json
import subprocess

import pytest

from tests.e2e.conftest import IMAGE, missing
from tests.processes import GENET, ROOT, environment, until

pytestmark = pytest.mark.e2e


@pytest.fixture
def alone(kubectl, person):
    managed = kubectl.read("namespaces", "-l", "genet.io/managed=true")["items"]
    others = [
        namespace["metadata"]["name"]
        for namespace in managed
        if namespace["status"]["phase"] != "Terminating"
        and namespace["metadata"].get("annotations", {}).get("genet.io/exempt") != "true"
    ]
    if others:
        missing(f"the clean-up would visit namespaces of others: {', '.join(others)}")


def clean_up(replica, *arguments):
    done = subprocess.run(
        [*GENET, "cleanup", "--config", str(replica.config), *arguments],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.usefixtures("alone")
def test_it_deletes_what_is_expired_and_keeps_the_rest(replica, kubectl, person):
    client = replica.client(person.name)
    ids = {}
    for name in ("expired", "unprotected", "protected"):
        ids[name] = client.post("/api/pods", json={"name": name, "image": IMAGE}).raise_for_status().json()["id"]
    for name in ("expired", "protected"):
        client.post(f"/api/pods/{ids[name]}/extend", json={"hours": 2}).raise_for_status()
    past = "genet.io/protected-until=2020-01-01T00:00:00Z"
    kubectl("annotate", "pod", ids["expired"], "-n", person.namespace, "--overwrite", past)

    def left():
        found = kubectl.read("pods", "-n", person.namespace)["items"]
        return {pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]}

    told = clean_up(replica, "--dry-run")
    assert {name: line["action"] for name, line in told.items()} == {
        ids["expired"]: "would-delete",
        ids["unprotected"]: "would-delete",
    }
    assert left() == set(ids.values())

    told = clean_up(replica)
    assert {name: (line["action"], line["reason"]) for name, line in told.items()} == {
        ids["expired"]: ("deleted", "expired"),
        ids["unprotected"]: ("deleted", "unprotected"),
    }
    until(lambda: left() == {ids["protected"]}, what="only the protected pod is left")
    claims = kubectl.read("persistentvolumeclaims", "-n", person.namespace)["items"]
    assert [claim["metadata"]["name"] for claim in claims] == [f"{person.identifier}-workspace"]
    assert "deletionTimestamp" not in claims[0]["metadata"]
    assert {pod["id"] for pod in client.get("/api/pods").json()["pods"] if pod["status"] != "Terminating"} == {
        ids["protected"]
    }
