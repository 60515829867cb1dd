"""Pods as the API has them: which one is meant, and what can be done with it.

What the server said is kept as it came, for `-o json`; what is read here of it is what tables and sentences need, so a
newer server may say more.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from genet.client.api import Api, segment
from genet.client.errors import ClientError, Refused

Document = dict[str, Any]

PATH: Final = "/api/pods"
NOT_FOUND: Final = 404


class Connection(msgspec.Struct, frozen=True, rename="camel"):
    ssh: str | None = None


class Pod(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is used of the API's Pod; `document` is all of it."""

    id: str
    name: str
    namespace: str = ""
    user_identifier: str = ""
    managed: bool = True
    status: str = ""
    message: str | None = None
    image: str = ""
    gpu_count: int = 0
    gpu_type: str | None = None
    node_name: str | None = None
    node_ip: str | None = msgspec.field(name="nodeIP", default=None)
    ssh_port: int | None = None
    created_at: datetime | None = None
    protected_until: datetime | None = None
    deletes_at: datetime | None = None
    restarts: int = 0
    connection: Connection = Connection()
    document: Document = {}


class Quota(msgspec.Struct, frozen=True, rename="camel"):
    pod_used: int
    pod_limit: int
    gpu_used: int
    gpu_limit: int


class PodList(msgspec.Struct, frozen=True):
    pods: list[Document]
    quota: Quota


class Executed(msgspec.Struct, frozen=True, rename="camel"):
    exit_code: int | None
    stdout: str
    stderr: str
    truncated: bool = False
    timed_out: bool = False
    process_left: bool = False


class Logs(msgspec.Struct, frozen=True):
    logs: str
    container: str
    truncated: bool


class NoSuchPod(ClientError):
    """There is none of that name, or it is not clear which one is meant."""


class Pods:
    """The pods of the person, or of the one whom the API was told to act for."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def known(self, *, everybody: bool = False) -> tuple[list[Pod], Quota]:
        found = self._api.get(PATH, PodList, {"all": "true"} if everybody else None)
        return [pod_of(document) for document in found.pods], found.quota

    def find(self, name: str) -> Pod:
        """By its id or its short name.

        Raises:
            NoSuchPod: there is none, or there are several.
        """
        found = [pod for pod in self.known()[0] if name in (pod.id, pod.name)]
        if len(found) > 1:
            raise NoSuchPod(
                f"{name!r} could be several pods", hint=f"Name one of them: {', '.join(pod.id for pod in found)}"
            )
        if found:
            return found[0]
        try:
            return self.get(name)  # made a moment ago, perhaps
        except Refused as refusal:
            if refusal.status != NOT_FOUND:
                raise
        raise NoSuchPod(f"there is no pod {name!r}", hint="Those there are: genet pods list")

    def get(self, id_: str) -> Pod:
        return pod_of(self._api.get(_path(id_), Document))

    def create(self, request: Mapping[str, Any]) -> Pod:
        return pod_of(self._api.post(PATH, request, Document))

    def delete(self, pod: Pod) -> None:
        self._api.delete(_path(pod.id))

    def extend(self, pod: Pod, request: Mapping[str, Any]) -> Pod:
        return pod_of(self._api.post(f"{_path(pod.id)}/extend", request, Document))

    def restart(self, pod: Pod) -> Pod:
        return pod_of(self._api.post(f"{_path(pod.id)}/restart", None, Document))

    def describe(self, pod: Pod) -> Document:
        return self._api.get(f"{_path(pod.id)}/describe", Document)

    def events(self, pod: Pod) -> Document:
        return self._api.get(f"{_path(pod.id)}/events", Document)

    def logs(self, pod: Pod, query: Mapping[str, str | int | None]) -> Logs:
        return self._api.get(f"{_path(pod.id)}/logs", Logs, query)

    def execute(self, pod: Pod, command: list[str], timeout_seconds: int, container: str | None) -> Executed:
        body = {"command": command, "timeoutSeconds": timeout_seconds, "container": container}
        return self._api.post(f"{_path(pod.id)}/exec", body, Executed, seconds=timeout_seconds + 30.0)

    def volumes(self) -> list[str]:
        """Where things stay when a pod goes."""
        config = self._api.get("/api/config", _Config)
        return [volume.mount_path for volume in config.volumes]


class _Volume(msgspec.Struct, rename="camel"):
    mount_path: str


class _Config(msgspec.Struct):
    volumes: list[_Volume]


def pod_of(document: Document) -> Pod:
    """Raises ClientError for what is no pod."""
    try:
        pod = msgspec.convert(document, Pod)
    except msgspec.ValidationError as error:
        raise ClientError(f"the server says something else of a pod than expected ({error})") from None
    return msgspec.structs.replace(pod, document=document)


def path_of(pod: Pod) -> str:
    return _path(pod.id)


def _path(id_: str) -> str:
    return f"{PATH}/{segment(id_)}"
