"""Give a person their kubeconfig. The order is the safety: first a namespace with its walls and rights, then the file.

What a person gets is decided by `kubeconfig.mode`. With `oidc` the file holds no secret, except in the form for
programs without plugins, which holds the refresh token of a grant of its own and therefore is a download only: no page
and no script of one ever sees it. With `cert` it holds a certificate and its key, both made for this one answer.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from genet.auth.people import People
from genet.auth.sessions import is_still_there
from genet.auth.user import User
from genet.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Unavailable
from genet.kube.records import Records
from genet.kubeconfig import auth_provider, certificate, document, offer
from genet.kubeconfig import exec as exec_form
from genet.kubeconfig.allowance import Allowance
from genet.kubeconfig.document import Kubeconfig
from genet.kubeconfig.exec import CLIENT_ID, SCOPES, Plugin
from genet.kubeconfig.signing import Signing
from genet.oidc.discovery import issuer_of
from genet.oidc.grants import Grants
from genet.oidc.holders import Recheck
from genet.oidc.messages import OAuthError
from genet.settings import Settings
from genet.tenancy.service import Tenancy

log = logging.getLogger(__name__)

DOWNLOADS: Final = "/downloads/"
"""Where the server offers its own command line."""

_CERTIFICATE_INSTRUCTIONS: Final = (
    "Save the file and name it: export KUBECONFIG=/path/to/the/file",
    "Keep it to yourself: it holds a key that cannot be revoked, and is made only once",
    "When it has ended, make another one",
)


class UsePost(Conflict):
    code = "use_post"


class UseDownload(Conflict):
    code = "use_download"


@dataclass(frozen=True)
class File:
    name: str
    text: str


class IssueKubeconfig:
    def __init__(
        self,
        settings: Settings,
        *,
        records: Records,
        tenancy: Tenancy,
        people: People,
        recheck: Recheck,
        grants: Grants | None,
        signing: Signing,
        allowance: Allowance,
    ) -> None:
        self._settings = settings
        self._issuer = issuer_of(settings)
        self.mode = offer.mode(settings, self._issuer)
        url = settings.server.public_url
        self._downloads = f"{url}{DOWNLOADS}" if url else None
        self._records = records
        self._tenancy = tenancy
        self._people = people
        self._recheck = recheck
        self._grants = grants
        self._signing = signing
        self._allowance = allowance

    async def show(
        self, user: User, form: Literal["exec", "auth-provider"] = "exec", plugin: Plugin | None = None
    ) -> Kubeconfig:
        """The file that holds no secret, with what to do with it.

        Raises:
            NotFound: there are no kubeconfigs here.
            UsePost: they hold certificates.
            UseDownload: this form holds a token.
            Invalid: this form is not offered.
            Forbidden, NamespaceTaken, Conflict, Unavailable: as `Tenancy.ready`.
        """
        issuer = self._login()
        if form == "auth-provider":
            self._check_auth_provider()
            raise UseDownload("this form holds a token: GET /api/kubeconfig/download?form=auth-provider")
        await self._tenancy.ready(user)
        plugin = plugin or self._settings.kubeconfig.plugin
        return Kubeconfig(
            mode="oidc",
            form="exec",
            kubeconfig=self._text(user, exec_form.user(issuer, plugin, self._settings.kubeconfig, self._downloads)),
            expires_at=None,
            instructions=exec_form.instructions(plugin, self._downloads),
        )

    async def download(
        self,
        user: User,
        form: Literal["exec", "auth-provider"] = "exec",
        plugin: Plugin | None = None,
        *,
        auth_time: datetime | None,
        session_id: str | None = None,
    ) -> File:
        """As `show`, for all forms; `auth_time`: when the person last proved who they are; `session_id`: where.

        Raises:
            Forbidden: also where the session has ended meanwhile.
        """
        issuer = self._login()
        name = document.file_name(self._settings.cluster)
        if form == "exec":
            return File(name, (await self.show(user, form, plugin)).kubeconfig)
        self._check_auth_provider()
        if self._grants is None:
            raise NotFound("this installation has no OpenID Provider")
        await self._tenancy.ready(user)
        granted = f"kubeconfig of {self._settings.cluster.name}"
        try:
            issued = await self._grants.issue(
                user, CLIENT_ID, SCOPES, name=granted, auth_time=auth_time, session_id=session_id
            )
        except OAuthError as error:
            raise Forbidden("your session has ended; log in again") from error
        if issued.refresh_token is None:
            raise Unavailable("the provider gave no refresh token")
        credentials = auth_provider.user(issuer, issued.refresh_token, self._settings.kubeconfig.issuer_ca_data)
        log.info("kubeconfig with a grant", extra={"user": user.identifier, "grant": issued.grant_id})
        return File(name, f"{_comment(auth_provider.INSTRUCTIONS)}{self._text(user, credentials)}")

    async def issue(self, user: User, *, session_id: str | None = None) -> Kubeconfig:
        """A file with a certificate of its own; `session_id`: in which session it was asked for.

        Raises:
            NotFound: there are no kubeconfigs here.
            Conflict: they hold no certificates.
            RateLimited: the person has had enough of them for this hour.
            SignerIgnoresExpiry, Unavailable: the cluster makes none, or not such as may be handed out.
            Forbidden, NamespaceTaken: as `Tenancy.ready`; or the person is not who they were any more, or the session
                has ended.
        """
        if self._on() != "cert":
            raise Conflict("kubeconfigs hold no certificates here: GET /api/kubeconfig")
        settings = self._settings.kubeconfig.cert
        name = certificate.common_name(self._settings.oidc_provider.username_prefix, user.identifier)
        person = await self._people.seen(user)
        await self._recheck.current(user.identifier)
        await self._tenancy.ready(user)
        await self._allowance.take(user.identifier)
        # last of all: the namespace may have taken a while, and nothing takes a certificate back
        if not await is_still_there(self._records, session_id, person):
            raise Forbidden("your session has ended; log in again")
        key = certificate.new_key()
        lifetime = timedelta(hours=settings.max_hours)
        issued = await self._signing.sign(key, name, lifetime, identifier=user.identifier)
        until = issued.not_after.isoformat().replace("+00:00", "Z")
        log.info(
            "certificate issued",
            extra={"user": user.identifier, "commonName": name, "serial": f"{issued.serial:x}", "notAfter": until},
        )
        return Kubeconfig(
            mode="cert",
            form="certificate",
            kubeconfig=self._text(user, certificate.user(issued, key)),
            expires_at=until,
            instructions=_CERTIFICATE_INSTRUCTIONS,
        )

    def _on(self) -> Literal["oidc", "cert"]:
        if self.mode == "off":
            raise NotFound("this installation gives out no kubeconfigs")
        return self.mode

    def _login(self) -> str:
        """Where people log in. Raises where the answer to a GET cannot be a kubeconfig."""
        if self._on() == "cert":
            raise UsePost("kubeconfigs hold a certificate here, made for each of them: POST /api/kubeconfig")
        assert self._issuer is not None, "the offer says so"  # noqa: S101 # or the mode would be off
        return self._issuer

    def _check_auth_provider(self) -> None:
        if not self._settings.kubeconfig.auth_provider:
            wrong = FieldError("form", "this installation offers `exec` alone; see kubeconfig.authProvider")
            raise Invalid("this form is not offered", errors=[wrong])

    def _text(self, user: User, credentials: dict[str, object]) -> str:
        return document.text(self._settings.cluster, user.identifier, credentials)


def _comment(lines: tuple[str, ...]) -> str:
    return "".join(f"# {line}.\n" for line in lines)
