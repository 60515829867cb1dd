"""Give a pod back."""

from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Pod


class DeletePod:
    """Call it with the pod to delete; asking again while it terminates is fine."""

    def __init__(self, kube: KubeClient, *, pods: Cache[Pod]) -> None:
        self._kube = kube
        self._pods = pods

    async def __call__(self, pod: Pod) -> None:
        """The API server decides what is there: what the cache calls terminating may have been made anew elsewhere.

        Raises:
            NotFound: it is gone.
        """
        left = await self._kube.delete(PODS, pod.metadata.name, pod.metadata.namespace)
        if left is None:
            self._pods.forget(pod)
        else:
            self._pods.merge(left)
