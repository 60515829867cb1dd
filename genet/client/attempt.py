"""One login by browser: the request that is sent, and whether what comes back answers it. Pure but for the random.

What comes back may come from anybody: any page can send a browser to a port of this machine, and any program of this
machine can call it. The state (32 random bytes) tells who knows the request; PKCE makes the code worthless to whoever
sees it; `iss` (RFC 9207) tells that it is the answer of the server that was asked, and not of another one that the
browser had been lured to.
"""

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from genet.client.errors import ClientError, OAuthRefused
from genet.client.provider import Metadata

_ENTROPY_BYTES = 32


class NotOurs(Exception):
    """It answers no request of this login; whoever sent it, waiting goes on."""


class Attempt(NamedTuple):
    metadata: Metadata
    client_id: str
    redirect_uri: str
    state: str
    nonce: str
    verifier: str

    @property
    def url(self) -> str:
        """Where the browser is sent."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": self.redirect_uri,
                "scope": self.metadata.scope,
                "state": self.state,
                "nonce": self.nonce,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )
        endpoint = self.metadata.authorization_endpoint
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"

    def code(self, query: str) -> str:
        """The code that a query string brings.

        Raises:
            NotOurs: it is no answer to this request.
            OAuthRefused: the server says no.
            ClientError: it comes from another server than was asked.
        """
        pairs = parse_qsl(query, keep_blank_values=True)
        answer = dict(pairs)
        if len(answer) != len(pairs) or not hmac.compare_digest(answer.get("state", "").encode(), self.state.encode()):
            raise NotOurs
        issuer = answer.get("iss")
        if issuer is None and self.metadata.authorization_response_iss_parameter_supported:
            raise ClientError("the answer does not say which server it comes from; nothing of it was used")
        if issuer is not None and issuer != self.metadata.issuer:
            raise ClientError("the answer comes from another server than was asked; nothing of it was used")
        if "error" in answer:
            raise OAuthRefused(answer["error"], answer.get("error_description", ""))
        if not answer.get("code"):
            raise NotOurs
        return answer["code"]

    def pasted_code(self, text: str) -> str:
        """The code in the address that somebody copied from a browser elsewhere; raises as `code` does."""
        address, _, query = text.strip().partition("?")
        if address.rstrip("/") != self.redirect_uri.rstrip("/"):
            raise NotOurs
        return self.code(query.partition("#")[0])


def begin(metadata: Metadata, client_id: str, redirect_uri: str) -> Attempt:
    state, nonce, verifier = (secrets.token_urlsafe(_ENTROPY_BYTES) for _ in range(3))
    return Attempt(metadata, client_id, redirect_uri, state, nonce, verifier)
