"""Everything one replica runs on: the gateway, its caches, and the rooms built over them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from litestar.di import NamedDependency

from genet.accelerators import counts_devices
from genet.auth.identity import Identity
from genet.auth.login import Login
from genet.auth.recheck import Recheck
from genet.auth.upstream import Upstream
from genet.errors import Unavailable
from genet.flows.claim_templates import ClaimTemplates
from genet.flows.companions import Companions
from genet.flows.create_pod import CreatePod
from genet.flows.delete_pod import DeletePod
from genet.flows.deletions import Deletions
from genet.flows.describe_pod import DescribePod
from genet.flows.extend_pod import ExtendPod
from genet.flows.issue_kubeconfig import IssueKubeconfig
from genet.flows.monitor import Monitor
from genet.flows.places import Places
from genet.flows.pod_cards import SharedGPUs
from genet.flows.pod_evidence import CollectEvidence
from genet.flows.pod_metrics import ShowPodUse
from genet.flows.restart_pod import RestartPod
from genet.flows.save_image import SaveImage
from genet.flows.show_node import ShowNode
from genet.flows.ssh_keys import SSHKeys
from genet.gpus.dynamic import DynamicResources
from genet.gpus.facts import NODE_INDEX, Facts, by_node, device_info_cache
from genet.gpus.service import OverviewService
from genet.gpus.telemetry.child import Reader
from genet.gpus.telemetry.frames import Orders
from genet.gpus.usage.gauges import Gauges
from genet.gpus.usage.history import Histories
from genet.gpus.usage.reports import UsageReports
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, NODES, PODS, Namespace, Node
from genet.kubeconfig.allowance import Allowance
from genet.kubeconfig.signing import Signing
from genet.oidc.collect import Collecting
from genet.oidc.provider import Provider
from genet.pods.follow import Follows
from genet.pods.logs import Logs
from genet.pods.restarting import Restarts
from genet.pods.service import BY_NAMESPACE, Pods
from genet.pods.shells import Shells
from genet.prometheus import Prometheus
from genet.quota import Quota, Uses
from genet.settings import Settings
from genet.storage.reclaim import Reclaim, Reclaiming
from genet.storage.service import Storage
from genet.storage.volumes import Volumes
from genet.tenancy.service import Tenancy


@dataclass
class Services:
    settings: Settings
    clock: Callable[[], datetime]
    caches: tuple[Cache[Any], ...]
    nodes: Cache[Node]
    namespaces: Cache[Namespace]
    pods: Pods
    uses: Uses
    logs: Logs
    follows: Follows
    show_pod_use: ShowPodUse
    shared_gpus: SharedGPUs
    overview: OverviewService
    gauges: Gauges
    show_node: ShowNode
    usage: UsageReports
    monitor: Monitor
    tenancy: Tenancy
    identity: Identity
    login: Login | None
    """None: people do not log in here (dev and proxy mode)."""
    provider: Provider | None
    """None: switched off."""
    storage: Storage
    volumes: Volumes
    ssh_keys: SSHKeys
    companions: Companions
    shells: Shells
    create_pod: CreatePod
    delete_pod: DeletePod
    describe_pod: DescribePod
    extend_pod: ExtendPod
    deletions: Deletions
    restarts: Restarts
    restart_pod: RestartPod
    save_image: SaveImage
    issue_kubeconfig: IssueKubeconfig
    collecting: Collecting
    draining: bool = field(default=False, init=False)

    def drain(self) -> None:
        """Send clients away: no longer ready, and all streams end."""
        self.draining = True
        self.overview.end_streams()
        self.shells.drain()
        self.follows.close()

    @property
    def synced(self) -> bool:
        """Whether every cache has had its first complete list; stays so when the API server goes away."""
        knows_restarts = self.restarts.cache.is_ready or not self.identity.is_needed
        return all(cache.is_ready for cache in self.caches) and knows_restarts and self.identity.is_ready

    def require_synced(self) -> None:
        """Raises Unavailable before the first sync: an empty list would be a lie."""
        if not self.synced:
            raise Unavailable("the cluster has not been listed yet", retry_after=1)


Injected: TypeAlias = NamedDependency[Services]
"""A handler's argument `services`."""


@asynccontextmanager
async def running(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Services]:
    """Start the caches and the metrics refresher; end them on the way out."""
    async with KubeClient.connect(settings.kubernetes) as kube, Identity.running(kube, settings, clock) as identity:
        pods = Cache(kube, PODS, indexes={NODE_INDEX: by_node, BY_NAMESPACE: lambda pod: (pod.metadata.namespace,)})
        nodes = Cache(kube, NODES)
        namespaces = Cache(kube, NAMESPACES)
        device_info = device_info_cache(kube) if settings.gpu.ascend_device_info else None
        dynamic = DynamicResources(kube)
        facts = Facts(nodes, pods, dynamic=dynamic, device_info=device_info)
        overview = OverviewService(facts, settings.gpu.available_types, _reader(settings), clock=clock)
        is_device = counts_devices(kind.resource_name for kind in settings.gpu.available_types)
        tenancy = Tenancy(
            kube,
            settings,
            namespaces=namespaces,
            is_disabled=identity.people.is_disabled,
            serves_claims=lambda: dynamic.group.version is not None,
        )
        # while it holds its room, a creation makes a few calls and waits some seconds; clocks differ by some more
        lifetime = timedelta(seconds=30 + 5 * settings.kubernetes.request_timeout_seconds)
        quota = Quota(kube, is_device, clock, lifetime)
        templates = ClaimTemplates(kube, dynamic.group, clock, lifetime)
        restarts = Restarts(kube, identity.records)
        deletions = Deletions(kube, is_device, clock, namespaces=namespaces)
        ssh_keys = SSHKeys(kube, identity.records, tenancy, is_disabled=identity.people.is_disabled, clock=clock)
        companions = Companions(
            kube,
            settings,
            pods=pods,
            namespaces=namespaces,
            keys=ssh_keys,
            clock=clock,
            is_restarting=restarts.is_restarting,
            templates=templates.resource,
        )
        upstream = Upstream(settings.oauth, clock) if settings.auth.mode == "oauth" else None
        recheck = Recheck(identity.people, upstream, settings, clock)
        provider = Provider.over(settings, identity, recheck, clock)
        histories = Histories(_prometheus(settings), clock)
        usage = UsageReports(
            overview.ledger,
            _prometheus(settings, 10.0),
            idle_after=timedelta(minutes=settings.lifecycle.idle.minutes),
            clock=clock,
        )
        reclaiming = Reclaiming(Reclaim(kube, settings.storage, clock), pods)
        storage = Storage(kube, settings.storage, clock, unused=reclaiming.soon)
        collect = CollectEvidence(
            kube,
            settings,
            pods=pods,
            nodes=nodes,
            namespaces=namespaces,
            dynamic=dynamic,
            restarts=restarts,
            volume=storage.volume,
            is_device=is_device,
            clock=clock,
        )
        save_image = SaveImage(kube, settings.commit, pods=pods, restarts=restarts, clock=clock)
        restart_pod = RestartPod.over(
            kube,
            settings,
            records=identity.records,
            restarts=restarts,
            quota=quota,
            companions=companions,
            storage=storage,
            pods=pods,
            looks_after=tenancy.looks_after,
            see_that_it_may_end=save_image.see_that_none_runs,
            is_device=is_device,
            clock=clock,
        )
        show_pod_use = ShowPodUse(kube, _prometheus(settings, 1.5), overview.ledger, overview.moment, clock)
        services = Services(
            settings=settings,
            clock=clock,
            volumes=Volumes(kube, settings.storage, storage, clock),
            caches=(pods, nodes, namespaces),
            nodes=nodes,
            namespaces=namespaces,
            pods=Pods(
                kube, settings, pods=pods, namespaces=namespaces, restarts=restarts, is_device=is_device, clock=clock
            ),
            uses=Uses(is_device),
            logs=Logs(kube),
            follows=Follows(kube, pods=pods, clock=clock),
            show_pod_use=show_pod_use,
            shared_gpus=SharedGPUs(overview.ledger),
            overview=overview,
            gauges=Gauges(overview.ledger),
            show_node=ShowNode(kube, nodes, overview.ledger, histories, clock),
            usage=usage,
            monitor=Monitor(
                facts, overview, namespaces=namespaces, records=identity.cache, restarts=restarts.cache, clock=clock
            ),
            tenancy=tenancy,
            identity=identity,
            login=Login(upstream, identity.sealer, settings, clock) if upstream else None,
            provider=provider,
            collecting=Collecting.over(kube, identity.records, settings.oidc_provider.ttl, clock),
            storage=storage,
            ssh_keys=ssh_keys,
            companions=companions,
            shells=Shells.over(kube, settings),
            create_pod=CreatePod(
                kube,
                settings,
                tenancy=tenancy,
                storage=storage,
                quota=quota,
                pods=pods,
                nodes=nodes,
                places=Places(settings, nodes=nodes, devices=overview.devices),
                templates=templates,
                companions=companions,
                clock=clock,
            ),
            delete_pod=DeletePod(kube, pods=pods, cancel=restart_pod.cancel, deletions=deletions),
            deletions=deletions,
            describe_pod=DescribePod(collect, clock),
            extend_pod=ExtendPod(
                kube, settings.lifecycle, pods=pods, is_restarting=restarts.is_restarting, clock=clock
            ),
            restarts=restarts,
            restart_pod=restart_pod,
            save_image=save_image,
            issue_kubeconfig=IssueKubeconfig(
                settings,
                records=identity.records,
                tenancy=tenancy,
                people=identity.people,
                recheck=recheck,
                grants=provider.grants if provider else None,
                signing=Signing(kube, clock),
                allowance=Allowance(identity.records, settings.kubeconfig.cert.per_user_and_hour, clock),
            ),
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(cache.run()) for cache in (*services.caches, restarts.cache)]
            rooms = (facts, overview, services.gauges, companions, restart_pod, reclaiming, save_image)
            tasks += [group.create_task(room.run()) for room in rooms]
            if provider is not None:
                tasks.append(group.create_task(provider.keys.run()))
            if identity.is_needed:
                tasks.append(group.create_task(services.collecting.run()))
            try:
                yield services
            finally:
                await services.shells.close()
                for task in tasks:
                    task.cancel()
                await show_pod_use.close()
                await histories.close()
                await usage.close()
                if upstream is not None:
                    upstream.close()


def _reader(settings: Settings) -> Reader | None:
    if not settings.prometheus_url:
        return None
    return Reader(Orders(settings.prometheus_url, settings.lifecycle.idle.utilization_percent))


def _prometheus(settings: Settings, timeout_seconds: float = 5.0) -> Prometheus | None:
    """A client for one room: each asks one question at a time."""
    return Prometheus(settings.prometheus_url, timeout_seconds=timeout_seconds) if settings.prometheus_url else None
