"""A person's own machine: Genet's command, kubectl, their files, a browser. Nothing of the operator's is on it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from genet import naming
from tests.e2e.conftest import installed as found
from tests.e2e.identity.installation import Installation
from tests.processes import GENET, ROOT
from tests.upstream.provider import Employee

Done = subprocess.CompletedProcess[str]


class Desk:
    """Args:
    home: a directory of its own.
    """

    def __init__(self, installation: Installation, person: Employee, home: Path) -> None:
        self.person = person
        self.identifier = naming.user_identifier(person.login, f"{person.login}@example.org")
        self.namespace = naming.namespace(self.identifier)
        self.home = home
        self.kubeconfig = home / "kubeconfig.yaml"
        self._installation = installation
        self._kubectl = found("kubectl")
        home.mkdir()
        browser = [sys.executable, "-m", "tests.e2e.identity.visit", "%s", "&"]
        self._environment = {
            # a kubeconfig names the plugin by its name alone
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "KUBECONFIG": str(self.kubeconfig),
            "BROWSER": shlex.join(browser[:3]) + " %s &",
            "PYTHONPATH": str(ROOT),
            "TEST_LOGIN": person.login,
            "TEST_CA": str(installation.ca_file),
        }

    def log_in(self) -> None:
        """By Genet's command and the browser, up to a kubeconfig."""
        self.genet("login", self._installation.issuer, "--ca-file", str(self._installation.ca_file))
        self.genet("kubeconfig", "--output", str(self.kubeconfig))

    def genet(self, *arguments: str) -> str:
        done = self._run([*GENET, *arguments])
        assert done.returncode == 0, f"genet {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def kubectl(self, *arguments: str) -> Done:
        return self._run([self._kubectl, *arguments])

    def pods(self) -> list[str]:
        """Of the namespace that the kubeconfig names."""
        done = self.kubectl("get", "pods", "-o", "name")
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def at_once(self, count: int, *arguments: str) -> list[Done]:
        """So many kubectl, started side by side."""
        with ThreadPoolExecutor(count) as threads:
            return list(threads.map(lambda _: self.kubectl(*arguments), range(count)))

    def save(self, kubeconfig: str) -> None:
        self.kubeconfig.write_text(kubeconfig)
        self.kubeconfig.chmod(0o600)

    def credentials(self) -> dict[str, Any]:
        """The user's entry of the kubeconfig as it is now."""
        entry: dict[str, Any] = yaml.safe_load(self.kubeconfig.read_text())["users"][0]["user"]
        return entry

    def _run(self, command: Sequence[str]) -> Done:
        return subprocess.run(
            command,
            env=self._environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
