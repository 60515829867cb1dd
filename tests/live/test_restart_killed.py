"""A real replica is killed with SIGKILL after each step of a restart; another one finishes what it left.

One person for each step, all at once, so that the half minute of silence is waited for only once.
"""

import json
import os
import signal
import time
from contextlib import ExitStack
from functools import partial

import httpx
import pytest

from genet import naming
from tests.processes import configuration, embedded_cluster, serving, until
from tests.restarts import GRANTS, secret_name, stops

STOPS = list(stops("", ""))
REQUEST = {"image": "debian:13", "name": "a", "command": ["sleep", "3600"], "cpu": "10m", "memory": "16Mi"}


class Whose:
    def __init__(self, number, stop):
        self.name = f"u{number}"
        self.identifier = naming.user_identifier(self.name, f"{self.name}@dev.invalid")
        self.namespace = naming.namespace(self.identifier)
        self.pod = naming.pod(self.identifier, "a")
        self.stop = stop


@pytest.fixture
def cluster(tmp_path):
    with (
        embedded_cluster("small", tmp_path) as embedded,
        httpx.Client(base_url=embedded["server"], trust_env=False) as api,
    ):
        yield embedded["kubeconfig"], api


def found(api, path):
    answer = api.get(path)
    return answer.json() if answer.status_code == 200 else None


def test_whatever_step_it_was_killed_after_another_replica_finishes(cluster, tmp_path):
    kubeconfig, api = cluster
    config = configuration(tmp_path, kubeconfig)
    people = [Whose(number, stop) for number, stop in enumerate(STOPS)]

    def pod(whose):
        return found(api, f"/api/v1/namespaces/{whose.namespace}/pods/{whose.pod}")

    def port(whose):
        return found(api, f"/api/v1/namespaces/{whose.namespace}/services/{whose.pod}")["spec"]["ports"][0]["nodePort"]

    with ExitStack() as stack:
        victim = stack.enter_context(serving(config))
        other = stack.enter_context(serving(config))
        for whose in people:
            assert victim.client(whose.name).post("/api/pods", json=REQUEST).status_code == 201
        until(lambda: all(pod(whose)["status"].get("phase") == "Running" for whose in people), what="all run")
        until(
            lambda: all(victim.client(whose.name).get(f"/api/pods/{whose.pod}").json()["sshPort"] for whose in people)
        )
        before = {whose.name: (pod(whose)["metadata"]["uid"], port(whose)) for whose in people}
        for whose in people:
            trouble = stops(whose.namespace, whose.pod)[whose.stop]
            api.post("/simulation/fail", content=json.dumps(trouble)).raise_for_status()
            assert victim.client(whose.name).post(f"/api/pods/{whose.pod}/restart").status_code == 202
        time.sleep(3)  # each has come as far as it can
        os.kill(victim.process.pid, signal.SIGKILL)
        victim.process.wait()
        killed = time.monotonic()
        api.post("/simulation/heal").raise_for_status()
        steps = {}
        for whose in people:
            record = found(api, f"/api/v1/namespaces/{GRANTS}/secrets/{secret_name(whose.namespace, whose.pod)}")
            assert record is not None, f"{whose.stop}: it was over before the kill"
            seen = {p["id"]: p["status"] for p in other.client(whose.name).get("/api/pods").json()["pods"]}
            assert seen == {whose.pod: "Restarting"}, whose.stop
            steps[whose.stop] = "there" if pod(whose) else "no pod"

        def is_over(whose):
            secret = secret_name(whose.namespace, whose.pod)
            there = pod(whose)
            return (
                there is not None
                and there["metadata"]["uid"] != before[whose.name][0]
                and there["status"].get("phase") == "Running"
                and found(api, f"/api/v1/namespaces/{GRANTS}/secrets/{secret}") is None
            )

        for whose in people:
            until(partial(is_over, whose), seconds=60, what=f"{whose.stop} is finished")
            assert port(whose) == before[whose.name][1], whose.stop
            notes = found(api, f"/api/v1/namespaces/{whose.namespace}")["metadata"]["annotations"]
            assert notes.get(naming.RESERVATIONS, "[]") == "[]", whose.stop
            assert naming.RESTART not in pod(whose)["metadata"]["annotations"], whose.stop
        took = time.monotonic() - killed
        print(f"\nkilled after each of {len(people)} steps: {steps}; all over {took:.0f} s later")
