"""`genet demo` as a process of its own, and what its API says, to hold the page against."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.processes import GENET, ROOT, free_port, program, until

Obj = dict[str, Any]


@dataclass(frozen=True)
class Demo:
    url: str
    process: subprocess.Popen[bytes]

    def page(self, path: str, user: str, **query: str) -> str:
        return str(httpx.URL(self.url + path).copy_merge_params({"user": user, **query}))

    def api(self, method: str, path: str, user: str, body: Obj | None = None) -> Any:
        answer = httpx.request(method, self.page(path, user), json=body, trust_env=False, timeout=30)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def overview(self, user: str) -> Obj:
        overview: Obj = self.api("GET", "/api/cluster/gpu-overview", user)
        return overview

    def slots(self, user: str) -> list[Obj]:
        """All slots in the overview's order, each with its `nodeName` and its group's `type`."""
        return [
            {**slot, "nodeName": node["nodeName"], "type": group["type"]}
            for group in self.overview(user)["acceleratorGroups"]
            for node in group["nodes"]
            for slot in node["slots"]
        ]

    def pods(self, user: str) -> list[Obj]:
        pods: list[Obj] = self.api("GET", "/api/pods", user)["pods"]
        return pods


@contextmanager
def demonstrating(scenario: str, directory: Path) -> Iterator[Demo]:
    """A demo that is ready and has read its Prometheus once, so that the map stays as it is."""
    assert (ROOT / "genet/web/static/index.html").is_file(), "the page was not built: run `make frontend`"
    port = free_port()
    log = directory / "demo.log"
    with program([*GENET, "demo", "--port", str(port), "--scenario", scenario], log=log) as process:
        demo = Demo(f"http://127.0.0.1:{port}", process)

        def is_ready() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                if not httpx.get(f"{demo.url}/readyz", trust_env=False).is_success:
                    return False
                return bool(demo.overview("alice")["sources"]["prometheus"]["state"] == "ok")
            except httpx.TransportError:
                return False

        until(is_ready, seconds=120, what="genet demo is ready")
        yield demo
