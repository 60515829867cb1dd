"""Grants that were left behind, made by the thousand."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from genet.kube.client import KubeClient
from genet.kube.records import Records
from genet.oidc.codes import new_id
from genet.oidc.grant import GRANT, Grant
from genet.settings import Kubernetes

USER: Final = "e2egone-e2egone"
LIVE: Final = 20
"""More that are not over, of the same person: they must stay."""
_PARALLEL: Final = 32


def leave_behind(kubeconfig: str, namespace: str, count: int) -> None:
    """`count` grants whose time is over, and `LIVE` others."""
    asyncio.run(_leave_behind(kubeconfig, namespace, count))


async def _leave_behind(kubeconfig: str, namespace: str, count: int) -> None:
    now = datetime.now(UTC)
    grants = iter([*[_grant(now, is_over=True)] * count, *[_grant(now, is_over=False)] * LIVE])
    async with KubeClient.connect(Kubernetes(kubeconfig=kubeconfig)) as kube:
        records = Records(kube, namespace)

        async def work() -> None:
            for grant in grants:
                await records.create(GRANT, new_id([b""]), grant, user=USER)

        await asyncio.gather(*(work() for _ in range(_PARALLEL)))


def _grant(now: datetime, *, is_over: bool) -> Grant:
    return Grant(
        user=USER,
        epoch=1,
        client="kube",
        scope=("openid",),
        status="ended" if is_over else "active",
        created_at=now - timedelta(days=60),
        last_used_at=now - timedelta(days=40 if is_over else 0),
        expires_at=now - timedelta(days=30) if is_over else now + timedelta(days=1),
        can_refresh=True,
    )
