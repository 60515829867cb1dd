"""Volumes over HTTP: what a person has, and how it grows."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter

from genet.errors import NotFound
from genet.storage import model
from genet.web.body import Body, BodyDTO
from genet.web.guards import AnyRequest
from genet.web.ownership import Owner, whose
from genet.web.problems import refusals
from genet.web.services import Injected


class VolumesController(Controller):
    path = "/api/volumes"
    tags = ("volumes",)

    @get(name="volumes:list", summary="List volumes", responses=refusals(401, 403, 404, 503))
    async def list_volumes(self, request: AnyRequest, services: Injected, owner: Owner = None) -> model.VolumeList:
        """The volumes that pods of the person mount, whether they are made yet or not."""
        user = whose(request, owner, services)
        await services.tenancy.find(user)
        return await services.volumes.of(user, services.pods.of(user.identifier))

    @post(
        "/{name:str}/resize",
        name="volumes:resize",
        summary="Let a volume grow",
        dto=BodyDTO,
        return_dto=None,
        status_code=200,
        responses=refusals(401, 403, 404, 409, 413, 415, 503),
    )
    async def resize_volume(
        self,
        request: AnyRequest,
        services: Injected,
        name: Annotated[str, PathParameter(description="of `storage.volumes`")],
        data: JSONBody[Body[model.VolumeResize]],
        owner: Owner = None,
    ) -> model.Volume:
        """Ask for more room; the cluster gives it in its own time."""
        user = whose(request, owner, services)
        wanted = data.checked()
        if await services.tenancy.find(user) is None:
            raise NotFound("no such volume, or it is made with your first pod")
        await services.tenancy.ready(user)  # its quota may be that of an older configuration
        await services.volumes.resize(user, name, wanted.size)
        everything = await services.volumes.of(user, services.pods.of(user.identifier))
        return next(volume for volume in everything.volumes if volume.name == name)
