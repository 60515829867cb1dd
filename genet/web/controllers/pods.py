"""Pods over HTTP: whose pods are meant is decided here, everything else in the rooms below."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import Parameter

from genet import naming
from genet.auth.user import User
from genet.errors import FieldError, Forbidden, Invalid, NotFound
from genet.limits import limits_of
from genet.pods import model
from genet.quota import use
from genet.web.body import Body, BodyDTO
from genet.web.guards import current_user
from genet.web.services import Services

Owner = Annotated[str | None, Parameter(query="owner", description="userIdentifier to act for; admins only")]


class PodsController(Controller):
    path = "/api/pods"
    tags = ("pods",)

    @get(name="pods:list")
    async def list_pods(
        self,
        request: Request[Any, Any, Any],
        services: Services,
        *,
        owner: Owner = None,
        everybody: Annotated[bool, Parameter(query="all")] = False,
    ) -> model.PodList:
        """Own pods, or with `all=true` those of everybody (admins), and what the caller has used of the quota."""
        services.require_synced()
        user = _caller(request)
        whose = await _whose(user, owner, services)
        own = list(services.pods.of(whose))
        if everybody:
            if not user.is_admin:
                raise Forbidden("only administrators see everybody's pods")
            found = services.pods.of_everybody()
            pods = tuple(seen for name, pod in found for seen in services.pods.view(name, [pod]))
        else:
            pods = services.pods.view(whose, own)
        used, limits = (
            use(own, services.pods.is_device),
            limits_of(services.pods.namespace_of(whose), services.settings),
        )
        return model.PodList(pods, model.QuotaUse(used.pods, limits.pods, used.gpus, limits.gpus))

    @post(name="pods:create", dto=BodyDTO, return_dto=None)
    async def create_pod(
        self,
        request: Request[Any, Any, Any],
        services: Services,
        data: Body[model.PodRequest],
        owner: Owner = None,
    ) -> Response[model.Pod]:
        services.require_synced()
        user = _caller(request)
        if owner not in (None, user.identifier):
            raise Invalid("pods are made by their owners", errors=[FieldError("owner", "expected yourself")])
        pod = await services.create_pod(user, data.value, data.errors)
        seen = services.pods.view(user.identifier, [pod])[0]
        return Response(seen, headers={"Location": f"/api/pods/{seen.id}"})

    @get("/{pod_id:str}", name="pods:get")
    async def show_pod(
        self, request: Request[Any, Any, Any], services: Services, pod_id: str, owner: Owner = None
    ) -> model.Pod:
        whose = await _whose(_caller(request), owner, services)
        return services.pods.view(whose, [await services.pods.get(whose, pod_id)])[0]

    @delete("/{pod_id:str}", name="pods:delete")
    async def delete_pod(
        self, request: Request[Any, Any, Any], services: Services, pod_id: str, owner: Owner = None
    ) -> None:
        whose = await _whose(_caller(request), owner, services)
        await services.delete_pod(await services.pods.get(whose, pod_id))

    @post("/{pod_id:str}/extend", name="pods:extend", dto=BodyDTO, return_dto=None, status_code=200)
    async def extend_pod(
        self,
        request: Request[Any, Any, Any],
        services: Services,
        pod_id: str,
        data: Body[model.ExtendRequest],
        owner: Owner = None,
    ) -> model.Pod:
        whose = await _whose(_caller(request), owner, services)
        pod = await services.pods.get(whose, pod_id)
        return services.pods.view(whose, [await services.extend_pod(pod, data.checked())])[0]

    @get("/{pod_id:str}/events", name="pods:events")
    async def show_events(
        self, request: Request[Any, Any, Any], services: Services, pod_id: str, owner: Owner = None
    ) -> model.PodEvents:
        whose = await _whose(_caller(request), owner, services)
        return await services.pods.events(await services.pods.get(whose, pod_id))

    @get("/{pod_id:str}/logs", name="pods:logs")
    async def show_logs(
        self,
        request: Request[Any, Any, Any],
        services: Services,
        pod_id: str,
        *,
        owner: Owner = None,
        tail_lines: Annotated[int, Parameter(query="tailLines", ge=0, le=100_000)] = 500,
        since_seconds: Annotated[int | None, Parameter(query="sinceSeconds", ge=1)] = None,
        container: str | None = None,
        previous: bool = False,
    ) -> model.PodLogs:
        whose = await _whose(_caller(request), owner, services)
        return await services.pods.logs(
            await services.pods.get(whose, pod_id),
            tail_lines=tail_lines,
            since_seconds=since_seconds,
            container=container,
            previous=previous,
        )


def _caller(request: Request[Any, Any, Any]) -> User:
    user = current_user(request)
    assert user is not None, "the gate lets nobody in here"  # noqa: S101 # the policy table says LOGGED_IN
    return user


async def _whose(user: User, owner: str | None, services: Services) -> str:
    """The userIdentifier whose pods are meant: the caller's own, or the one an administrator names.

    Raises:
        NotFound: not an administrator, or no such user: both look the same.
        NamespaceTaken: the namespace of the caller's name is somebody else's.
    """
    if owner is None or owner == user.identifier:
        await services.tenancy.check(user)
        return user.identifier
    namespace = services.namespaces.get(naming.namespace(owner)) if user.is_admin else None
    if namespace is None or namespace.metadata.labels.get(naming.USER) != owner:
        raise NotFound("no such pod")
    return owner
