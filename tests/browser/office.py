"""A server with the company's login, over HTTPS as browsers ask for it, on an embedded cluster."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.certificates import Authority
from tests.processes import GENET, configuration, embedded_cluster, free_port, program, until
from tests.upstream.provider import Employee, Upstream, company


@dataclass(frozen=True)
class Office:
    url: str
    upstream: Upstream


@contextmanager
def office(directory: Path, *employees: Employee, **settings: Any) -> Iterator[Office]:
    """Ready; `settings` are top-level keys of the configuration."""
    port = free_port()
    url = f"https://localhost:{port}"
    authority = Authority(directory / "authority").create()
    certificate, key = authority.issue(directory)
    with (
        embedded_cluster("small", directory) as cluster,
        company(directory, redirect_uris=[f"{url}/api/auth/callback"], employees=employees) as upstream,
    ):
        file = configuration(directory, cluster["kubeconfig"])
        document = yaml.safe_load(file.read_text())
        document |= {
            "auth": {"mode": "oauth"},
            "oauth": upstream.settings(),
            "cluster": {"name": "lab", "server": "https://kubernetes.example.org:6443"},
            **settings,
        }
        document["server"] |= {"publicURL": url, "tls": {"certFile": str(certificate), "keyFile": str(key)}}
        file.write_text(yaml.safe_dump(document))
        log = directory / "genet.log"
        with program([*GENET, "serve", "--config", str(file), "--port", str(port)], log=log) as process:
            trusted = ssl.create_default_context(cafile=str(authority.ca_file))

            def is_ready() -> bool:
                assert process.poll() is None, log.read_text()
                try:
                    return httpx.get(f"{url}/readyz", verify=trusted, trust_env=False).is_success
                except httpx.TransportError:
                    return False

            until(is_ready, what="genet serve is ready")
            yield Office(url, upstream)
        assert "unhandled error" not in log.read_text(), log.read_text()
