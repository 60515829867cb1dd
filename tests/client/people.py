"""People at a command line of their own, each with an API token."""

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path

from genet.auth.dev import dev_user
from tests.identities import make_token
from tests.processes import GENET, ROOT, environment
from tests.replicas import Replica

SLEEP = ("--", "sleep", "99999")


@dataclass
class Person:
    url: str
    token: str
    home: Path

    def env(self, **more: str) -> dict[str, str]:
        own = {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache"), "TZ": "UTC"}
        return environment(**{**own, "GENET_URL": self.url, "GENET_TOKEN": self.token, **more})

    async def pods(self, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return await self.genet("pods", *arguments, stdin=stdin, **env)

    async def genet(self, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        done = await asyncio.to_thread(
            subprocess.run,
            [*GENET, *arguments], env=self.env(**env), cwd=ROOT, input=stdin, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert self.token not in done.stdout + done.stderr
        return done

    async def does(self, *arguments: str, **more: str) -> str:
        done = await self.pods(*arguments, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def fails(self, code: int, *arguments: str, **more: str) -> str:
        done = await self.pods(*arguments, **more)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert done.stderr.startswith("genet: ")
        return done.stderr


async def person_of(replica: Replica, url: str, home: Path, name: str, *scopes: str) -> Person:
    user = dev_user(name, replica.services.settings)
    wanted = scopes or ("pods:read", "pods:write", "cluster:read")
    return Person(url, await make_token(replica.services.identity, user, scopes=wanted), home)
