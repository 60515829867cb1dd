"""Pods over HTTP: whose pods are meant is decided here, everything else in the rooms below."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec.structs import replace

from genet.errors import Forbidden
from genet.limits import limits_of
from genet.pods import model
from genet.web.body import Body, BodyDTO
from genet.web.guards import AnyRequest
from genet.web.language import spoken
from genet.web.ownership import Owner, PodId, caller, find, whose
from genet.web.problems import refusals
from genet.web.services import Injected


class PodsController(Controller):
    path = "/api/pods"
    tags = ("pods",)

    @get(name="pods:list", summary="List pods and quota", responses=refusals(401, 403, 404, 503))
    async def list_pods(
        self,
        request: AnyRequest,
        services: Injected,
        *,
        owner: Owner = None,
        everybody: Annotated[bool, QueryParameter(name="all", description="everybody's; admins only")] = False,
    ) -> model.PodList:
        """Own pods, or with `all=true` those of everybody (admins), and what the caller has used of the quota.

        Pods made with kubectl are among them, with `managed` false. Complete within two seconds of any change.
        """
        services.require_synced()
        if everybody and not caller(request).is_admin:
            raise Forbidden("only administrators see everybody's pods")
        user = whose(request, owner, services)
        namespace = services.tenancy.known(user)
        # without a namespace there are none, and of one not heard of yet it is not known whose it is
        own = services.pods.of(user.identifier) if namespace is not None else ()
        counted = services.pods.counted(user.identifier) if namespace is not None else ()
        used = services.uses.of(user.identifier, counted)
        language = spoken(request)
        pods = (
            services.pods.view_everybody(language) if everybody else services.pods.view(user.identifier, own, language)
        )
        limits = limits_of(namespace, services.settings)
        return model.PodList(pods, model.QuotaUse(used.pods, limits.pods, used.gpus, limits.gpus))

    @post(
        name="pods:create",
        summary="Create a pod",
        dto=BodyDTO,
        return_dto=None,
        responses=refusals(401, 403, 404, 409, 413, 415, 503),
    )
    async def create_pod(
        self,
        request: AnyRequest,
        services: Injected,
        data: JSONBody[Body[model.PodRequest]],
        owner: Owner = None,
    ) -> Response[model.Pod]:
        """All is checked before anything is made, and all bad fields are named at once.

        The answer does not wait for a node: look at `status` and `message` of the pod.
        """
        services.require_synced()
        user = whose(request, owner, services)
        made = await services.create_pod(user, data.value, data.errors)
        seen = services.pods.view(user.identifier, [made.pod], spoken(request))[0]
        if made.waits is not None and seen.node_name is None:
            seen = replace(seen, message=made.waits)
        query = f"?owner={user.identifier}" if owner is not None else ""
        return Response(seen, headers={"Location": f"/api/pods/{seen.id}{query}"})

    @get("/{pod_id:str}", name="pods:get", summary="One pod", responses=refusals(401, 403, 404, 503))
    async def show_pod(self, request: AnyRequest, services: Injected, pod_id: PodId, owner: Owner = None) -> model.Pod:
        """As it stands now; `message` says what keeps it from running."""
        user, pod = await find(request, owner, pod_id, services)
        return services.pods.view(user, [pod], spoken(request))[0]

    @delete("/{pod_id:str}", name="pods:delete", summary="Delete a pod", responses=refusals(401, 403, 404, 503))
    async def delete_pod(self, request: AnyRequest, services: Injected, pod_id: PodId, owner: Owner = None) -> None:
        """Gives its GPUs back. Everything outside of its volumes is lost. 204 again while it ends, then 404."""
        _, pod = await find(request, owner, pod_id, services)
        await services.delete_pod(pod, by=caller(request).identifier)

    @post(
        "/{pod_id:str}/extend",
        name="pods:extend",
        summary="Change a pod's protection",
        dto=BodyDTO,
        return_dto=None,
        status_code=200,
        responses=refusals(401, 403, 404, 409, 413, 415, 503),
    )
    async def extend_pod(
        self,
        request: AnyRequest,
        services: Injected,
        pod_id: PodId,
        data: JSONBody[Body[model.ExtendRequest]],
        owner: Owner = None,
    ) -> model.Pod:
        """`hours` from now, never earlier than it is protected already; `until` sets the moment exactly, null ends it.

        Both, neither, the past, or more than `lifecycle.maxProtectHours` ahead is 422.
        """
        user, pod = await find(request, owner, pod_id, services)
        extended = await services.extend_pod(pod, data.checked())
        return services.pods.view(user, [extended], spoken(request))[0]

    @get("/{pod_id:str}/events", name="pods:events", summary="A pod's events", responses=refusals(401, 403, 404, 503))
    async def show_events(
        self, request: AnyRequest, services: Injected, pod_id: PodId, owner: Owner = None
    ) -> model.PodEvents:
        """What Kubernetes said of it within about the last hour, the newest first."""
        _, pod = await find(request, owner, pod_id, services)
        return await services.pods.events(pod)
