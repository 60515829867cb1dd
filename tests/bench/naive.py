"""What it would cost to answer by asking: the official typed client lists nodes and pods, once per answer.

    python -m tests.bench.naive URL NODES

Prints the seconds that took, and the processor time of it, which is this client's alone. The merge that would have to
follow is left out. Pods are taken as the large scenario has them: four people's pods and six others to a node.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from kubernetes.client import ApiClient, Configuration, CoreV1Api

_PAGE = 500


def main(url: str, nodes: int) -> dict[str, float]:
    api = CoreV1Api(ApiClient(Configuration(host=url)))
    began, cpu = time.monotonic(), time.process_time()
    found = pages(api.list_node, nodes)
    pods = pages(api.list_pod_for_all_namespaces, 4 * nodes, label_selector="genet.io/managed=true")
    pods += pages(api.list_pod_for_all_namespaces, 6 * nodes, label_selector="genet.io/managed!=true")
    return {
        "nodes": found,
        "pods": pods,
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
    }


def pages(list_page: Callable[..., Any], most: int, **selector: str) -> int:
    count, token = 0, ""
    while count < most:
        page = list_page(limit=min(_PAGE, most - count), _continue=token, **selector)
        count += len(page.items)
        token = page.metadata._continue
        if not token:
            break
    return count


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
