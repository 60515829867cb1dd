"""Save a pod's container as an image: a Job on its node, one at a time for each pod."""

from genet.images.model import CommitRequest, CommitStarted, CommitStatus
from genet.kube.objects import Pod


class SaveImage:
    """Call it with a pod to save it."""

    async def __call__(self, pod: Pod, request: CommitRequest, *, user: str) -> CommitStarted:
        """Returns when the Job is there."""
        raise NotImplementedError

    async def status(self, pod: Pod, language: str) -> CommitStatus:
        """How far it is, or how it ended."""
        raise NotImplementedError
