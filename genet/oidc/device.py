"""Login by a code that is typed elsewhere (RFC 8628): what a machine without a browser asks, and what a person decides.

A question of a device writes nothing: it goes back and forth sealed, as the device code and in the complete address.
The first thing written is the record of a person who has logged in and has said yes or no; it is named by an HMAC of
the user code, so that neither the name nor anything in it is worth anything. Where the code was typed, nobody knows yet
which device asked: the record then waits, and the device tells the next time it polls, before the person decides.

Traps:
- Whoever gets somebody to approve a code is logged in as that person: always show what asked, and from where.
- A record of the same user code may be about another device: the id of the question must be the same.
- `redeem` is the one step that only one of any number of callers takes.
"""

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from genet.auth.sealing import Purpose, Sealer, Unsealable
from genet.errors import AlreadyExists, Conflict, NotFound, RateLimited
from genet.kube.records import Kind, Record, Records
from genet.oidc.messages import OAuthError

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so no words; nothing that looks like something else (RFC 8628 section 6.1)."""
LIFETIME: Final = timedelta(minutes=10)
INTERVAL: Final = 5
"""Seconds between two questions of one device, unless it asks more often."""
MOST_PER_USER: Final = 8
"""Codes that one person may try, as long as they live."""

_LETTERS: Final = 8
_LONGEST_AGENT: Final = 200
_REMEMBERED: Final = 4096
_IGNORED = re.compile(r"[\s.-]+")
_USER_CODE = re.compile(f"[{ALPHABET}]{{{_LETTERS}}}")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a device has asked for."""

    id: str
    user_code: str
    client_id: str
    scope: tuple[str, ...]
    address: str
    """Where from, as far as Genet can see."""
    user_agent: str
    asked_at: datetime
    expires_at: datetime


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a user code that a person has typed or decided on."""

    status: Literal["typed", "approved", "denied", "redeemed"]
    user: str
    """userIdentifier of the person."""
    epoch: int
    """The person's, so that ending everything ends this as well."""
    question: Question | None
    """None: typed, and the device has not polled since."""
    authenticated_at: datetime | None
    expires_at: datetime


DEVICE: Final = Kind("device", Device)

_DEVICE_CODE: Final = Purpose("device code", Question)
_COMPLETE: Final = Purpose("device question in an address", Question)


class Devices:
    """Of one replica.

    Args:
        records: where decisions are kept.
        sealer: seals the questions.
        keys: of the HMACs, the present one first.
        clock: the time.
    """

    def __init__(
        self, records: Records, sealer: Sealer, keys: Callable[[], Sequence[bytes]], clock: Callable[[], datetime]
    ) -> None:
        self._records = records
        self._sealer = sealer
        self._keys = keys
        self._clock = clock
        self._polls = _Polls()

    def ask(
        self, client_id: str, scope: tuple[str, ...], *, address: str, user_agent: str
    ) -> tuple[Question, str, str]:
        """The question, its device code, and it as part of the complete address. Writes nothing."""
        now = self._clock()
        question = Question(
            id=secrets.token_urlsafe(12),
            user_code="".join(secrets.choice(ALPHABET) for _ in range(_LETTERS)),
            client_id=client_id,
            scope=scope,
            address=address,
            user_agent=user_agent[:_LONGEST_AGENT],
            asked_at=now,
            expires_at=now + LIFETIME,
        )
        # readable for longer than it counts: an old one is told from a wrong one
        device_code = self._sealer.seal(_DEVICE_CODE, question, 2 * LIFETIME)
        return question, device_code, self._sealer.seal(_COMPLETE, question, LIFETIME)

    def opened(self, complete: str) -> Question | None:
        """The question of a complete address; None: it is not there any more, or never was."""
        try:
            return self._sealer.open(_COMPLETE, complete)
        except Unsealable:
            return None

    async def type(self, user_code: str, user: str, *, epoch: int) -> None:
        """Note that this person has typed a code, so that the device can say who it is.

        Raises:
            Conflict: the code is somebody else's, or has been decided on.
            RateLimited: too many tries.
        """
        known = await self._find(user_code)
        if known is not None and known.value.expires_at > self._clock():
            if known.value.user == user and known.value.status == "typed":
                return
            raise _taken()
        value = Device(
            status="typed",
            user=user,
            epoch=epoch,
            question=None,
            authenticated_at=None,
            expires_at=self._clock() + LIFETIME,
        )
        await self._create(known, user_code, value)

    async def typed(self, user_code: str, user: str) -> Device | None:
        """What is known of a code that this person has typed and not decided on; None: nothing."""
        known = await self._find(user_code)
        if known is None or (known.value.user, known.value.status) != (user, "typed"):
            return None
        return known.value if known.value.expires_at > self._clock() else None

    async def decide(
        self,
        question: Question,
        user: str,
        *,
        epoch: int,
        authenticated_at: datetime | None,
        is_approved: bool,
    ) -> None:
        """Keep the person's yes or no.

        Raises:
            NotFound: the question is too old.
            Conflict: the code has been decided on.
            RateLimited: too many tries.
        """
        if question.expires_at <= self._clock():
            raise NotFound("this code is too old: begin again on the device")
        value = Device(
            status="approved" if is_approved else "denied",
            user=user,
            epoch=epoch,
            question=question,
            authenticated_at=authenticated_at,
            expires_at=question.expires_at,
        )
        known = await self._find(question.user_code)
        if known is None or known.value.expires_at <= self._clock():
            await self._create(known, question.user_code, value)
            return
        noted = known.value
        if (noted.user, noted.status) != (user, "typed") or noted.question not in {None, question}:
            raise _taken()
        await self._records.replace(known, value)

    async def poll(self, device_code: str, client_id: str) -> Record[Device]:
        """The record of a person who said yes.

        Raises:
            OAuthError: not yet, too soon, no, too late, or nothing that was asked here.
        """
        question = self._question(device_code, client_id)
        if self._polls.is_too_soon(question.id, self._clock()):
            raise OAuthError("slow_down", "5 seconds longer between two questions from now on")
        record = await self._find(question.user_code)
        if record is None:
            raise _pending()
        decided = record.value
        if decided.status == "typed":
            if decided.question is None:
                await self._introduce(record, question)
            raise _pending()
        if decided.question is None or decided.question.id != question.id:
            raise _pending()  # about another device that was given the same code
        if decided.status == "denied":
            raise OAuthError("access_denied", "the person said no")
        if decided.status == "redeemed":
            raise OAuthError("invalid_grant", "this code was used already")
        return record

    async def redeem(self, record: Record[Device]) -> None:
        """Raises OAuthError where somebody else was faster."""
        try:
            await self._records.replace(record, msgspec.structs.replace(record.value, status="redeemed"))
        except (Conflict, NotFound) as error:
            raise OAuthError("invalid_grant", "this code was used already") from error

    def _question(self, device_code: str, client_id: str) -> Question:
        try:
            question = self._sealer.open(_DEVICE_CODE, device_code)
        except Unsealable as error:
            raise OAuthError("invalid_grant", "no such device code") from error
        if question.client_id != client_id:
            raise OAuthError("invalid_grant", "no such device code")
        if question.expires_at <= self._clock():
            raise OAuthError("expired_token", "the device code is too old")
        return question

    async def _introduce(self, record: Record[Device], question: Question) -> None:
        """The device says who it is, to the person who has typed its code."""
        try:
            await self._records.replace(record, msgspec.structs.replace(record.value, question=question))
        except (Conflict, NotFound):
            return  # it asks again

    async def _create(self, stale: Record[Device] | None, user_code: str, value: Device) -> None:
        if stale is not None:
            await self._records.delete(stale)
        live = [one for one in await self._records.of(DEVICE, value.user) if one.value.expires_at > self._clock()]
        if len(live) >= MOST_PER_USER:
            raise RateLimited("too many codes at once: wait some minutes", retry_after=LIFETIME.total_seconds())
        try:
            await self._records.create(DEVICE, _name(self._keys()[0], user_code), value, user=value.user)
        except AlreadyExists as error:
            raise _taken() from error

    async def _find(self, user_code: str) -> Record[Device] | None:
        """Under any of the keys: one may have come between the typing and the poll."""
        for key in self._keys():
            if (record := await self._records.find(DEVICE, _name(key, user_code))) is not None:
                return record
        return None


def read_user_code(text: str) -> str | None:
    """A code as people type it: small letters, with or without the hyphen. None: it cannot be one."""
    code = _IGNORED.sub("", text).upper()
    return code if _USER_CODE.fullmatch(code) else None


def shown(user_code: str) -> str:
    half = _LETTERS // 2
    return f"{user_code[:half]}-{user_code[half:]}"


class _Polls:
    """When each device asked last, on this replica; the others count for themselves."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def is_too_soon(self, id_: str, now: datetime) -> bool:
        last, interval = self._last.pop(id_, (None, INTERVAL))
        # a second is what networks and clocks may take away from a device that waits as it should
        is_early = last is not None and now - last < timedelta(seconds=interval - 1)
        self._last[id_] = now, interval + INTERVAL * is_early
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
        return is_early


def _name(key: bytes, user_code: str) -> str:
    return hmac.new(key, user_code.encode(), hashlib.sha256).hexdigest()[:40]


def _pending() -> OAuthError:
    return OAuthError("authorization_pending", "nobody has decided yet")


def _taken() -> Conflict:
    return Conflict("this code cannot be used: begin again on the device")
