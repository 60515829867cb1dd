"""Whatever Prometheus does, the overview answers at once, with every card, and says what is wrong."""

import time
from contextlib import nullcontext

import pytest

from tests.live.conftest import SETTINGS
from tests.live.prometheus import Fault, faulty, vector
from tests.processes import configuration, free_port, serving, until

CARD = {"__name__": "DCGM_FI_DEV_GPU_UTIL", "UUID": "GPU-0", "gpu": "0", "Hostname": "l40s-01"}
ANSWER = vector("40", **CARD)
SCALAR = b'{"status":"success","data":{"resultType":"scalar","result":[1700000000,"40"]}}'

FAULTS = {
    "absent": (None, "unavailable", "cannot be reached"),
    "slow": (Fault(body=ANSWER, delay_seconds=10), "unavailable", "did not answer within 5 s"),
    "html": (Fault(kind="text/html", body=b"<h1>Welcome</h1>"), "unavailable", "text/html instead of JSON"),
    "500": (Fault(status=500, body=b"{}"), "unavailable", "HTTP status 500"),
    "truncated": (Fault(body=ANSWER[:60], announced=len(ANSWER)), "unavailable", "broke off"),
    "broken": (Fault(body=ANSWER[:60]), "unavailable", "broken JSON"),
    "another type": (Fault(body=SCALAR), "unavailable", "something else than samples"),
    "NaN": (Fault(body=vector("NaN", **CARD)), "ok", "not numbers"),
    "series missing": (Fault(body=ANSWER), "ok", "nothing is measured on"),
}


@pytest.mark.parametrize(("fault", "state", "words"), FAULTS.values(), ids=FAULTS)
def test_the_overview_does_not_wait_and_says_what_is_wrong(cluster, tmp_path, fault, state, words):
    prometheus = faulty(fault) if fault else nullcontext(f"http://127.0.0.1:{free_port()}")
    slowest = 0.0
    config = configuration(tmp_path, cluster["kubeconfig"], **SETTINGS)
    with prometheus as url, serving(config, GENET_PROMETHEUSURL=url) as it:

        def source():
            nonlocal slowest
            before = time.monotonic()
            overview = it.client().get("/api/cluster/gpu-overview").raise_for_status().json()
            slowest = max(slowest, time.monotonic() - before)
            assert overview["summary"]["totalDevices"] > 0
            told = overview["sources"]["prometheus"]
            return told if told["checkedAt"] is not None else None

        told = until(source, seconds=20, what="Prometheus was asked")
    assert told["state"] == state
    assert words in told["message"]
    assert slowest < 1
