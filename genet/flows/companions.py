"""Objects that belong to one pod and are named after it: its Service, the Secret of its host key, its claim's template.

They are made after the pod, owned by it: the cluster deletes them when the pod is gone. A replica that dies in between
leaves a pod without them; every replica looks out for such pods (`run`) and completes them.

Traps:
- Genet may not list Secrets of people, so nothing here asks whether one is there: a create answers that.
- A restart takes them off the old pod, so that port and host key stay. What is left behind by one that never ended has
  no owner: it goes once the pod is not there and no restart is under way.
- Of a name's former pod the cluster may still be deleting things: what is gone a moment later is made again.
- Who ends a restart may be late, and the name taken anew: what another pod owns is left alone, and nothing is deleted
  or released but in the very state that was judged.
- A pod that has ended counts in no quota, but its Service does, and holds a port: it goes before the pod.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, Final, TypeVar

from genet import naming
from genet.errors import AlreadyExists, Conflict, GenetError, NotFound, QuotaRefused
from genet.flows.ssh_keys import SSHKeys
from genet.flows.unfinished import RELEASED_AT, Unfinished
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, SECRETS, SERVICES, Namespace, Pod, Secret
from genet.kube.projection import KubeObject, Resource
from genet.pods import ssh, sshd
from genet.settings import Settings

log = logging.getLogger(__name__)

Companion = TypeVar("Companion", bound=KubeObject)
_TRIES: Final = 5


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
            templates=templates,
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
        meta, released = pod.metadata, {RELEASED_AT: self._clock().isoformat()}

        async def release(resource: Resource[Any], known: KubeObject) -> None:
            version = known.metadata.resource_version
            patch = {"metadata": {"resourceVersion": version, "ownerReferences": None, "annotations": released}}
            await self._kube.patch(resource, known.metadata.name, patch, meta.namespace)

        for resource, name in self._named(meta.name, template=self._template_of(pod)):
            await self._unless_of_others(resource, name, meta.namespace, {meta.uid}, release)

    async def remove(self, namespace: str, pod_name: str, *, of: Collection[str] = ()) -> None:
        """Delete what belongs to a pod that is not there and will not come back.

        Who is late finds another pod of that name, maybe: what belongs to that one stays.

        Args:
            namespace: of the pod.
            pod_name: its name.
            of: uids the pod had; what nobody owns goes as well.
        """
        for resource, name in self._named(pod_name, template=self._templates()):
            await self._unless_of_others(resource, name, namespace, of, self._delete)

    async def close(self, pod: Pod) -> None:
        """Give the port of a pod that has ended back."""
        meta = pod.metadata
        await self._unless_of_others(SERVICES, meta.name, meta.namespace, {meta.uid}, self._delete)
        await self._note(pod, {naming.SSH_PORT: None})

    async def run(self) -> None:
        """Complete pods that lack something, remove what belongs to pods that are gone; until cancelled."""
        await self._unfinished.run()

    async def _unless_of_others(
        self,
        resource: Resource[Any],
        name: str,
        namespace: str,
        uids: Collection[str],
        work: Callable[[Resource[Any], KubeObject], Awaitable[None]],
    ) -> None:
        """Do something to that very state of an object, unless there is none, or another pod than these owns it."""
        for _ in range(_TRIES):
            try:
                known = await self._there(resource, name, namespace)
                owners = {reference.uid for reference in known.metadata.owner_references}
                if owners <= set(uids) and known.metadata.labels.get(naming.MANAGED) == "true":
                    await work(resource, known)
            except NotFound:
                pass
            except Conflict:
                continue
            return
        raise Conflict(f"{resource.plural} {name} changes too often")

    async def _delete(self, resource: Resource[Any], known: KubeObject) -> None:
        meta = known.metadata
        await self._kube.delete(
            resource, meta.name, meta.namespace, uid=meta.uid, resource_version=meta.resource_version
        )

    def _named(self, pod_name: str, *, template: Resource[Any] | None) -> list[tuple[Resource[Any], str]]:
        own = [(template, pod_name)] if template else []
        return [(SERVICES, pod_name), (SECRETS, ssh.host_secret(pod_name)), *own]

    def _template_of(self, pod: Pod) -> Resource[Any] | None:
        names = {claim.resource_claim_template_name for claim in pod.spec.resource_claims}
        return self._templates() if pod.metadata.name in names else None

    async def _own_template(self, pod: Pod) -> None:
        if template := self._template_of(pod):
            await self._own(template, pod.metadata.name, pod)

    async def _service(self, pod: Pod) -> str:
        """The port at which the nodes take connections for the pod."""
        manifest = ssh.service(pod)
        made = await self._made(SERVICES, manifest, pod)
        port = next((port.node_port for port in made.spec.ports if port.name == "ssh"), None)
        if port is None:
            raise Conflict(f"the Service {made.metadata.name} has no port of the nodes")
        return str(port)

    async def _host_key(self, pod: Pod) -> str:
        """The fingerprint of the pod's key."""
        key = sshd.new_host_key()
        made = await self._made(SECRETS, ssh.secret(pod, key), pod, _kept)
        return sshd.host_key(made.data[ssh.HOST_KEY_FILE]).fingerprint

    async def _made(
        self,
        resource: Resource[Companion],
        manifest: dict[str, Any],
        pod: Pod,
        more: Callable[[Companion], dict[str, Any]] | None = None,
    ) -> Companion:
        """Made, or what is there made the pod's own; what is being deleted meanwhile is made again.

        A quota that is full refuses before the name is looked at: what it counts may be the very object.
        """
        name = manifest["metadata"]["name"]
        for _ in range(2):
            try:
                made = await self._kube.create(resource, manifest, pod.metadata.namespace)
            except (AlreadyExists, QuotaRefused) as refusal:
                try:
                    return await self._own(resource, name, pod, more)
                except NotFound:
                    if isinstance(refusal, QuotaRefused):
                        raise refusal from None
                    continue
            return made
        raise Conflict(f"{resource.plural} {name} comes and goes")

    async def _own(
        self,
        resource: Resource[Companion],
        name: str,
        pod: Pod,
        more: Callable[[Companion], dict[str, Any]] | None = None,
    ) -> Companion:
        """Make what is there the pod's own, `more` of it as well.

        Who is late would take it from the next pod of that name, and the cluster would delete it: so it is taken in the
        very state in which it was before the pod was seen to be there still.

        Raises:
            NotFound: it is not there.
            Conflict: it is not Genet's, or the pod is not there any more.
        """
        meta = pod.metadata
        for _ in range(_TRIES):
            known = await self._there(resource, name, meta.namespace)
            labels = known.metadata.labels
            if labels.get(naming.MANAGED) != "true" or labels.get(naming.POD, meta.name) != meta.name:
                raise Conflict(f"{resource.plural} {name} is not Genet's: delete it, and the pod gets its own")
            if not ssh.is_owned_by(known, pod):
                await self._see_that_it_is_there(pod)
            elif more is None:
                return known
            owned = {"ownerReferences": [ssh.owner(pod)], "annotations": {RELEASED_AT: None}}
            owned["resourceVersion"] = known.metadata.resource_version
            try:
                return await self._kube.patch(
                    resource, name, {"metadata": owned, **(more(known) if more else {})}, meta.namespace
                )
            except Conflict:
                continue
        raise Conflict(f"{resource.plural} {name} changes too often")

    async def _there(self, resource: Resource[Companion], name: str, namespace: str) -> Companion:
        """A patch of nothing tells what is there also where Genet may not get it, as with Secrets."""
        return await self._kube.patch(resource, name, {"metadata": {}}, namespace)

    async def _see_that_it_is_there(self, pod: Pod) -> None:
        try:
            now = await self._kube.get(PODS, pod.metadata.name, pod.metadata.namespace)
        except NotFound as error:
            raise Conflict("the pod is gone") from error
        if now.metadata.uid != pod.metadata.uid:
            raise Conflict("another pod has this name now")

    async def _note(self, pod: Pod, notes: dict[str, str | None]) -> Pod:
        """Write annotations of that very pod."""
        meta = pod.metadata
        if all(meta.annotations.get(key) == value for key, value in notes.items()):
            return pod
        patch = {"metadata": {"uid": meta.uid, "annotations": notes}}
        noted = await self._kube.patch(PODS, meta.name, patch, meta.namespace)
        self._pods.merge(noted)
        return noted


def _kept(known: Secret) -> dict[str, Any]:
    """The key that is there, if it can be read; the rest as this version of Genet wants it."""
    try:
        sshd.host_key(known.data.get(ssh.HOST_KEY_FILE, b""))
    except ValueError:
        return {"stringData": {**ssh.files(), ssh.HOST_KEY_FILE: sshd.new_host_key().private}}
    return {"stringData": ssh.files()}
