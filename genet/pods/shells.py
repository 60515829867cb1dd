"""What runs in people's pods because they asked here: their commands and their terminals."""

from dataclasses import dataclass
from typing import Self

from genet.kube.client import KubeClient
from genet.pods.exec import Exec
from genet.pods.killing import Killing
from genet.pods.terminal import Pace
from genet.pods.terminals import Terminals
from genet.settings import Settings


@dataclass(frozen=True)
class Shells:
    exec: Exec
    terminals: Terminals

    @classmethod
    def over(cls, kube: KubeClient, settings: Settings) -> Self:
        killing = Killing(kube)
        pace = Pace(idle=settings.terminal.idle_minutes * 60)
        return cls(
            Exec(kube, killing, per_user=settings.exec.per_user),
            Terminals(kube, killing, per_user=settings.terminal.per_user, pace=pace),
        )

    def drain(self) -> None:
        """Send terminals elsewhere. Commands may end as long as the server serves."""
        self.terminals.drain()

    async def close(self) -> None:
        """End everything and wait for it; for the server's own end."""
        await self.terminals.close()
        await self.exec.close()
