"""Where a restart can be stopped: after each of its steps, by a fault of the embedded cluster on the next call."""

from typing import Any

from genet.pods.restarting import RESTART, record_id

GRANTS = "genet-grants"


def secret_name(namespace: str, pod: str) -> str:
    return RESTART.secret_name(record_id(namespace, pod))


def stops(namespace: str, pod: str) -> dict[str, dict[str, Any]]:
    """By the step after which it stops: parameters of `fail`. What was done and not yet noted is a step as well."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    record = f"/api/v1/namespaces/{GRANTS}/secrets/{secret_name(namespace, pod)}"
    of_namespace = f"/api/v1/namespaces/{namespace}"

    def fail(method: str, path: str, skip: int = 0) -> dict[str, Any]:
        return {"status": 503, "times": 10_000, "skip": skip, "method": method, "path": path}

    return {
        "asked": fail("PATCH", of_namespace),
        "room held": fail("PUT", record),
        "released": fail("PUT", record, 1),
        "about to delete": fail("DELETE", f"{pods}/{pod}"),
        "deleted": fail("PUT", record, 2),
        "gone": fail("POST", pods, 1),  # after one that only tried whether it would be taken
        "made": fail("PUT", record, 3),
        "noted": fail("PUT", record, 4),
        "owned": fail("PATCH", f"{pods}/{pod}"),
        "room given back": fail("DELETE", record),
    }
