"""A pod that somebody keeps as an image, and what is in the image then."""

import io
import tarfile
from typing import Any

import httpx

from tests.e2e.conftest import Kubectl, Person
from tests.processes import until


class Desk:
    """A running pod of somebody who wants to keep it."""

    def __init__(self, http: httpx.Client, person: Person, image: str, name: str, **more: Any) -> None:
        self.http, self.person, self.image = http, person, image
        request = {"image": image, "name": name, "cpu": "100m", "memory": "128Mi", **more}
        created = http.post("/api/pods", json=request)
        assert created.status_code == 201, created.text
        self.id = str(created.json()["id"])
        self.address = f"/api/pods/{self.id}"
        until(lambda: self.http.get(self.address).json()["status"] == "Running", seconds=120, what=f"{self.id} runs")

    def run(self, script: str) -> str:
        answer = self.http.post(f"{self.address}/exec", json={"command": ["sh", "-c", script]})
        assert answer.status_code == 200, answer.text
        done = answer.json()
        assert done["exitCode"] == 0, done
        return str(done["stdout"])

    def save(self, image: str) -> httpx.Response:
        return self.http.post(f"{self.address}/commit", json={"image": image})

    def status(self, language: str = "en") -> dict[str, Any]:
        answer = self.http.get(f"{self.address}/commit/status", headers={"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def uid(self, kubectl: Kubectl) -> str:
        """Empty: there is none at this moment."""
        found = kubectl.run("get", "pod", self.id, "-n", self.person.namespace, "-o", "jsonpath={.metadata.uid}")
        return found.stdout if found.returncode == 0 else ""

    def saved(self) -> tuple[dict[str, Any], list[str]]:
        """How it ended, and what was said on the way, each once."""
        seen: list[str] = []

        def ended() -> dict[str, Any]:
            status = self.status()
            said = f"{status['status']}: {status['message']}"
            if said not in seen:
                seen.append(said)
            return status if status["status"] in ("succeeded", "failed") else {}

        return until(ended, seconds=180, what=f"{self.id} is saved or not"), seen


def files(layer: bytes) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """By path: what is said of it, and what is in it."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        found = ((member, tar.extractfile(member) if member.isreg() else None) for member in tar.getmembers())
        return {member.name: (member, content.read() if content else b"") for member, content in found}
