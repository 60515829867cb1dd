"""Give a pod back. Who deletes a pod that is being restarted means that it does not come back."""

from collections.abc import Awaitable, Callable

from genet.errors import NotFound
from genet.flows.deletions import Deletions
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Pod


class DeletePod:
    """Call it with the pod to delete; asking again while it terminates is fine."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        pods: Cache[Pod],
        cancel: Callable[[str, str], Awaitable[bool]],
        deletions: Deletions,
    ) -> None:
        """`cancel` ends the restart of the pod of that namespace and name, and says whether there was one."""
        self._kube = kube
        self._pods = pods
        self._cancel = cancel
        self._deletions = deletions

    async def __call__(self, pod: Pod, *, by: str) -> None:
        """The API server decides what is there: what the cache calls terminating may have been made anew elsewhere.

        Args:
            pod: as far as it is known.
            by: userIdentifier of who wants it.

        Raises:
            NotFound: it is gone.
        """
        name, namespace = pod.metadata.name, pod.metadata.namespace
        try:
            left = await self._kube.delete(PODS, name, namespace)
        except NotFound:
            if not await self._cancel(namespace, name):
                raise
            await self._deletions.note(pod, "by_person", by=by)
            return
        if left is None:
            self._pods.forget(pod)
        else:
            self._pods.merge(left)
        # afterwards: a restart looks at the pod after its record is there, so of the two one sees the other
        await self._cancel(namespace, name)
        if pod.metadata.deletion_timestamp is None:
            await self._deletions.note(pod, "by_person", by=by)
