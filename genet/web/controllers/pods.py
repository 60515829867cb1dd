"""Pods over HTTP: whose pods are meant is decided here, everything else in the rooms below."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from genet.auth.user import User
from genet.errors import Forbidden, NotFound
from genet.kube import objects
from genet.limits import limits_of
from genet.pods import model
from genet.quota import use
from genet.web.body import Body, BodyDTO
from genet.web.guards import AnyRequest, current_user
from genet.web.problems import refusals
from genet.web.services import Injected, Services

Owner = Annotated[str | None, QueryParameter(name="owner", description="userIdentifier to act for; admins only")]


class PodsController(Controller):
    path = "/api/pods"
    tags = ("pods",)

    @get(name="pods:list", responses=refusals(401, 403, 404, 503))
    async def list_pods(
        self,
        request: AnyRequest,
        services: Injected,
        *,
        owner: Owner = None,
        everybody: Annotated[bool, QueryParameter(name="all")] = False,
    ) -> model.PodList:
        """Own pods, or with `all=true` those of everybody (admins), and what the caller has used of the quota."""
        services.require_synced()
        if everybody and not _caller(request).is_admin:
            raise Forbidden("only administrators see everybody's pods")
        whose = _whose(request, owner, services)
        namespace = services.tenancy.known(whose)
        # without a namespace there are none, and of one not heard of yet it is not known whose it is
        own = services.pods.of(whose.identifier) if namespace is not None else ()
        pods = services.pods.view_everybody() if everybody else services.pods.view(whose.identifier, own)
        used, limits = use(own, services.pods.is_device), limits_of(namespace, services.settings)
        return model.PodList(pods, model.QuotaUse(used.pods, limits.pods, used.gpus, limits.gpus))

    @post(name="pods:create", dto=BodyDTO, return_dto=None, responses=refusals(401, 403, 404, 409, 413, 415, 503))
    async def create_pod(
        self,
        request: AnyRequest,
        services: Injected,
        data: JSONBody[Body[model.PodRequest]],
        owner: Owner = None,
    ) -> Response[model.Pod]:
        services.require_synced()
        whose = _whose(request, owner, services)
        pod = await services.create_pod(whose, data.value, data.errors)
        seen = services.pods.view(whose.identifier, [pod])[0]
        query = f"?owner={whose.identifier}" if owner is not None else ""
        return Response(seen, headers={"Location": f"/api/pods/{seen.id}{query}"})

    @get("/{pod_id:str}", name="pods:get", responses=refusals(401, 403, 404, 503))
    async def show_pod(
        self, request: AnyRequest, services: Injected, pod_id: FromPath[str], owner: Owner = None
    ) -> model.Pod:
        whose, pod = await _find(request, owner, pod_id, services)
        return services.pods.view(whose, [pod])[0]

    @delete("/{pod_id:str}", name="pods:delete", responses=refusals(401, 403, 404, 503))
    async def delete_pod(
        self, request: AnyRequest, services: Injected, pod_id: FromPath[str], owner: Owner = None
    ) -> None:
        _, pod = await _find(request, owner, pod_id, services)
        await services.delete_pod(pod)

    @post(
        "/{pod_id:str}/extend",
        name="pods:extend",
        dto=BodyDTO,
        return_dto=None,
        status_code=200,
        responses=refusals(401, 403, 404, 409, 413, 415, 503),
    )
    async def extend_pod(
        self,
        request: AnyRequest,
        services: Injected,
        pod_id: FromPath[str],
        data: JSONBody[Body[model.ExtendRequest]],
        owner: Owner = None,
    ) -> model.Pod:
        whose, pod = await _find(request, owner, pod_id, services)
        return services.pods.view(whose, [await services.extend_pod(pod, data.checked())])[0]

    @get("/{pod_id:str}/events", name="pods:events", responses=refusals(401, 403, 404, 503))
    async def show_events(
        self, request: AnyRequest, services: Injected, pod_id: FromPath[str], owner: Owner = None
    ) -> model.PodEvents:
        _, pod = await _find(request, owner, pod_id, services)
        return await services.pods.events(pod)

    @get("/{pod_id:str}/logs", name="pods:logs", responses=refusals(401, 403, 404, 409, 503))
    async def show_logs(
        self,
        request: AnyRequest,
        services: Injected,
        pod_id: FromPath[str],
        *,
        owner: Owner = None,
        tail_lines: Annotated[int, QueryParameter(name="tailLines", ge=0, le=100_000)] = 500,
        since_seconds: Annotated[int | None, QueryParameter(name="sinceSeconds", ge=1)] = None,
        container: FromQuery[str | None] = None,
        previous: FromQuery[bool] = False,
    ) -> model.PodLogs:
        _, pod = await _find(request, owner, pod_id, services)
        return await services.pods.logs(
            pod, tail_lines=tail_lines, since_seconds=since_seconds, container=container, previous=previous
        )


def _caller(request: AnyRequest) -> User:
    user = current_user(request)
    assert user is not None, "the gate lets nobody in here"  # noqa: S101 # the policy table says LOGGED_IN
    return user


def _whose(request: AnyRequest, owner: str | None, services: Services) -> User:
    """Whose pods are meant: the caller's own, or those of the one whom an administrator names.

    Raises:
        NotFound: not an administrator, or no such user: both look the same.
    """
    caller = _caller(request)
    if owner is None or owner == caller.identifier:
        return caller
    meant = services.tenancy.resident(owner) if caller.is_admin else None
    if meant is None:
        raise NotFound("no such user")
    return meant


async def _find(request: AnyRequest, owner: str | None, pod_id: str, services: Services) -> tuple[str, objects.Pod]:
    """The userIdentifier of whose pods are meant, and the one of that id.

    Raises:
        NotFound: there is none, or it is somebody else's: both look the same.
        NamespaceTaken: the namespace of the user's name is somebody else's.
    """
    whose = _whose(request, owner, services)
    if await services.tenancy.find(whose) is None:
        raise NotFound("no such pod")
    return whose.identifier, await services.pods.get(whose.identifier, pod_id)
