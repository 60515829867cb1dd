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
        if pod.metadata.deletion_timestamp is not None:
            return
        meta = pod.metadata
        # by uid: a pod that was made anew under the same name is another pod
        left = await self._kube.delete(PODS, meta.name, meta.namespace, uid=meta.uid)
        if left is None:
            self._pods.forget(pod)
        else:
            self._pods.merge(left)
