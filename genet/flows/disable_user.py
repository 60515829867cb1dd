"""Shuts a person out: nobody is let in, nothing of theirs counts any more, and kubectl may do nothing in their name.

In this order: the preparation of a namespace, which gives the rights, looks at the record once more when it is done.
Pods stay, as they may hold work that others need; the nightly run takes them when their time is over.
"""

from genet.auth.people import People
from genet.tenancy.service import Tenancy


class DisableUser:
    def __init__(self, people: People, tenancy: Tenancy) -> None:
        self._people = people
        self._tenancy = tenancy

    async def __call__(self, identifier: str) -> dict[str, int]:
        """May be done again where it was interrupted. Returns how many records of each kind were deleted.

        Raises:
            NotFound: there is no such person.
        """
        ended = await self._people.disable(identifier)
        await self._tenancy.shut_out(identifier)
        return ended
