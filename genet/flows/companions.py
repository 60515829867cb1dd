"""Objects that belong to one pod and are named after it: its Service, the Secret of its host key, its claim's template.

They are made after the pod, owned by it: the cluster deletes them when the pod is gone. A replica that dies in between
leaves a pod without them; every replica looks out for such pods (`run`) and completes them.

Traps:
- Genet may not list Secrets of people, so nothing here asks whether one is there: a create answers that.
- A restart takes them off the old pod, so that port and host key stay. What is left behind by one that never ended has
  no owner: it goes once the pod is not there and no restart is under way.
- Of a name's former pod the cluster may still be deleting things: what is gone a moment later is made again.
- A pod that has ended counts in no quota, but its Service does, and holds a port: it goes before the pod.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from genet import naming
from genet.errors import AlreadyExists, Conflict, GenetError, NotFound, QuotaRefused
from genet.flows.ssh_keys import SSHKeys
from genet.flows.unfinished import RELEASED_AT, Unfinished
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, SECRETS, SERVICES, Namespace, Pod, Resource, Secret, Service
from genet.pods import ssh, sshd
from genet.settings import Settings

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def _never(_namespace: str, _name: str) -> bool:
    return False


class Companions:
    def __init__(
        self,
        kube: KubeClient,
        settings: Settings,
        *,
        pods: Cache[Pod],
        namespaces: Cache[Namespace],
        keys: SSHKeys,
        clock: Callable[[], datetime],
        is_restarting: Callable[[str, str], bool] = _never,
        templates: Callable[[], Resource[Any] | None] = lambda: None,
    ) -> None:
        """Collaborators.

        Args:
            kube: the API server.
            settings: the configuration.
            pods: all of the cluster.
            namespaces: all of the cluster.
            keys: the public keys of people.
            clock: what time it is.
            is_restarting: whether the pod of that namespace and name is being made again just now.
            templates: where the cluster serves ResourceClaimTemplates; None: nowhere.
        """
        self._kube = kube
        self._is_on = settings.ssh.enabled
        self._pods = pods
        self._keys = keys
        self._clock = clock
        self._templates = templates
        self._unfinished = Unfinished(
            kube,
            self,
            pods=pods,
            namespaces=namespaces,
            keys=keys,
            clock=clock,
            is_restarting=is_restarting,
            is_on=self._is_on,
        )

    async def make(self, pod: Pod) -> Pod:
        """Everything that belongs to the pod, as far as it is missing; made once more it changes nothing.

        What fails is tried again by `run`: the pod is there all the same.

        Returns:
            The pod with its annotations.
        """
        try:
            return await self.adopt(pod)
        except GenetError as error:
            log.warning("pod %s/%s is not complete yet: %s", pod.metadata.namespace, pod.metadata.name, error.detail)
            self._unfinished.put_off(pod)
            return pod

    async def adopt(self, pod: Pod) -> Pod:
        """As `make`, but raises what stands in the way: for a restart, whose pod owns again what the old one had."""
        if not self._is_on:
            await self._own_template(pod)
            return pod
        user = naming.user_of(pod.metadata.namespace) or ""
        port, key = asyncio.create_task(self._service(pod)), asyncio.create_task(self._host_key(pod))
        steps = (port, key, self._own_template(pod), self._keys.publish(user))
        # all of them, also where one fails: what is done need not be done again
        for failure in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure
        return await self._note(pod, {naming.SSH_PORT: port.result(), naming.SSH_HOST_KEY: key.result()})

    async def release(self, pod: Pod) -> None:
        """Take them off the pod, which is deleted then without them; done once more it changes nothing.

        Raises:
            Unavailable, Forbidden: some of them may be the pod's still.
        """
        patch = {"metadata": {"ownerReferences": None, "annotations": {RELEASED_AT: self._clock().isoformat()}}}
        for resource, name in self._named(pod.metadata.name, template=self._template_of(pod)):
            await _unless_gone(self._kube.patch(resource, name, patch, pod.metadata.namespace))

    async def remove(self, namespace: str, pod_name: str) -> None:
        """Delete what belongs to a pod that is not there and will not come back."""
        for resource, name in self._named(pod_name, template=self._templates()):
            await _unless_gone(self._kube.delete(resource, name, namespace))

    async def close(self, pod: Pod) -> None:
        """Give the port of a pod that has ended back."""
        await _unless_gone(self._kube.delete(SERVICES, pod.metadata.name, pod.metadata.namespace))
        await self._note(pod, {naming.SSH_PORT: None})

    async def run(self) -> None:
        """Complete pods that lack something, remove what belongs to pods that are gone; until cancelled."""
        await self._unfinished.run()

    def _named(self, pod_name: str, *, template: Resource[Any] | None) -> list[tuple[Resource[Any], str]]:
        own = [(template, pod_name)] if template else []
        return [(SERVICES, pod_name), (SECRETS, ssh.host_secret(pod_name)), *own]

    def _template_of(self, pod: Pod) -> Resource[Any] | None:
        names = {claim.resource_claim_template_name for claim in pod.spec.resource_claims}
        return self._templates() if pod.metadata.name in names else None

    async def _own_template(self, pod: Pod) -> None:
        if template := self._template_of(pod):
            await self._kube.patch(template, pod.metadata.name, _owned_by(pod), pod.metadata.namespace)

    async def _service(self, pod: Pod) -> str:
        """The port at which the nodes take connections for the pod."""
        manifest = ssh.service(pod)
        made = await self._made(SERVICES, manifest, pod, self._adopted_service)
        port = next((port.node_port for port in made.spec.ports if port.name == "ssh"), None)
        if port is None:
            raise Conflict(f"the Service {made.metadata.name} has no port of the nodes")
        return str(port)

    async def _adopted_service(self, pod: Pod) -> Service:
        name, namespace = pod.metadata.name, pod.metadata.namespace
        known = await self._kube.get(SERVICES, name, namespace)
        labels = known.metadata.labels
        if labels.get(naming.MANAGED) != "true" or labels.get(naming.POD) != name:
            raise Conflict(f"there is a Service {name} that is not Genet's: delete it, and the pod gets its own")
        if ssh.is_owned_by(known, pod):
            return known
        return await self._kube.patch(SERVICES, name, _owned_by(pod), namespace)

    async def _host_key(self, pod: Pod) -> str:
        """The fingerprint of the pod's key."""
        key = sshd.new_host_key()
        made = await self._made(SECRETS, ssh.secret(pod, key), pod, self._adopted_secret)
        return sshd.host_key(made.data[ssh.HOST_KEY_FILE]).fingerprint

    async def _adopted_secret(self, pod: Pod) -> Secret:
        """With the key that it has; the rest as this version of Genet wants it."""
        name, namespace = ssh.host_secret(pod.metadata.name), pod.metadata.namespace
        patch = _owned_by(pod) | {"stringData": ssh.files()}
        known = await self._kube.patch(SECRETS, name, patch, namespace)
        try:
            sshd.host_key(known.data.get(ssh.HOST_KEY_FILE, b""))
        except ValueError:
            patch = {"stringData": {ssh.HOST_KEY_FILE: sshd.new_host_key().private}}
            return await self._kube.patch(SECRETS, name, patch, namespace)
        return known

    async def _made(
        self, resource: Resource[Any], manifest: dict[str, Any], pod: Pod, adopted: Callable[[Pod], Awaitable[Answer]]
    ) -> Answer:
        """Made, or what is there made the pod's own; what is being deleted meanwhile is made again.

        A quota that is full refuses before the name is looked at: what it counts may be the very object.
        """
        for _ in range(2):
            try:
                made: Answer = await self._kube.create(resource, manifest, pod.metadata.namespace)
            except (AlreadyExists, QuotaRefused) as refusal:
                try:
                    return await adopted(pod)
                except NotFound:
                    if isinstance(refusal, QuotaRefused):
                        raise refusal from None
                    continue
            return made
        raise Conflict(f"{resource.plural} {manifest['metadata']['name']} comes and goes")

    async def _note(self, pod: Pod, notes: dict[str, str | None]) -> Pod:
        """Write annotations of that very pod."""
        meta = pod.metadata
        if all(meta.annotations.get(key) == value for key, value in notes.items()):
            return pod
        patch = {"metadata": {"uid": meta.uid, "annotations": notes}}
        noted = await self._kube.patch(PODS, meta.name, patch, meta.namespace)
        self._pods.merge(noted)
        return noted


def _owned_by(pod: Pod) -> dict[str, Any]:
    return {"metadata": {"ownerReferences": [ssh.owner(pod)], "annotations": {RELEASED_AT: None}}}


async def _unless_gone(call: Awaitable[Any]) -> None:
    try:
        await call
    except NotFound:
        return
