"""Whom a proxy speaks for, and which proxy is believed."""

import pytest

from genet.auth.proxy import Proxies
from genet.errors import Forbidden
from genet.settings import Allow, Auth, Proxy, Settings

ALICE = [(b"X-Auth-Request-User", b"alice"), (b"x-auth-request-email", b"alice@example.org")]
SECRET = (b"x-genet-proxy-secret", b"s3cret")
NEAR, FAR = "127.0.0.1", "10.1.2.3"


def asked(peer, *headers, secret=None, proxy=None, **auth):
    settings = Settings(auth=Auth(mode="proxy", proxy=proxy or Proxy(secret=secret), **auth))
    return Proxies(settings).user(peer, headers)


def test_a_side_car_is_believed():
    user = asked(NEAR, *ALICE)
    assert (user.username, user.email, user.identifier) == ("alice", "alice@example.org", "alice-alice")
    assert user.owner == "proxy|alice|alice@example.org"
    assert not user.is_admin
    assert asked("::1", *ALICE) == asked("::ffff:127.0.0.1", *ALICE) == user


@pytest.mark.parametrize("peer", [FAR, "::2", "::ffff:10.1.2.3", "169.254.1.1", "0.0.0.0", "", None, "localhost"])  # noqa: S104 # no address of a side-car
def test_nobody_else_is_without_the_secret(peer):
    assert asked(peer, *ALICE) is None
    assert asked(peer, *ALICE, trusted_proxies=(FAR, "::2")) is None


def test_a_forwarded_address_is_not_the_peers():
    forwarded = [(b"x-forwarded-for", b"127.0.0.1"), (b"forwarded", b"for=127.0.0.1"), (b"x-real-ip", b"127.0.0.1")]
    assert asked(FAR, *ALICE, *forwarded) is None


@pytest.mark.parametrize("peer", [NEAR, FAR])
def test_where_there_is_a_secret_it_is_needed_from_everywhere(peer):
    assert asked(peer, *ALICE, SECRET, secret="s3cret").username == "alice"
    assert asked(peer, *ALICE, secret="s3cret") is None


@pytest.mark.parametrize("sent", [b"", b"s3cre", b"s3cret ", b"S3CRET", b"s3cret2", b"\xff"])
def test_a_wrong_secret_is_no_secret(sent):
    assert asked(NEAR, *ALICE, (SECRET[0], sent), secret="s3cret") is None


def test_nor_are_two():
    assert asked(NEAR, *ALICE, SECRET, SECRET, secret="s3cret") is None
    assert asked(NEAR, *ALICE, SECRET, (SECRET[0], b"x"), secret="s3cret") is None


def test_trusted_proxies_only_narrow():
    told = {"secret": "s3cret", "trusted_proxies": ("10.1.0.0/16", "::1")}
    assert asked(FAR, *ALICE, SECRET, **told) is not None
    assert asked("::ffff:10.1.2.3", *ALICE, SECRET, **told) is not None
    assert asked("10.2.2.3", *ALICE, SECRET, **told) is None
    assert asked(FAR, *ALICE, **told) is None
    assert asked(NEAR, *ALICE, trusted_proxies=("10.1.2.3",)) is None


def test_without_its_headers_nobody_is_logged_in():
    assert asked(NEAR) is None
    assert asked(NEAR, (b"x-auth-request-preferred-username", b"alice")) is None


def test_only_the_headers_of_the_settings_are_believed():
    own = Proxy(user_header="X-Forwarded-Preferred-Username", email_header="X-Forwarded-Email")
    forwarded = [(b"x-forwarded-preferred-username", b"alice"), (b"X-Forwarded-Email", b"alice@example.org")]
    assert asked(NEAR, *forwarded, MALLORY, ALICE[1], proxy=own).username == "alice"
    assert asked(NEAR, MALLORY, ALICE[1], proxy=own) is None
    assert asked(NEAR, *forwarded) is None


MALLORY = (b"x-auth-request-user", b"mallory")


@pytest.mark.parametrize(
    "headers",
    [
        [*ALICE, MALLORY],
        [MALLORY, *ALICE],
        [*ALICE, (b"X-AUTH-REQUEST-EMAIL", b"m@example.org")],
        ALICE[:1],
        ALICE[1:],
        [(b"x-auth-request-user", b""), ALICE[1]],
        [ALICE[0], (b"x-auth-request-email", b"")],
        [(b"x-auth-request-user", b"a\tb"), ALICE[1]],
        [(b"x-auth-request-user", b"\xff"), ALICE[1]],
        [(b"x-auth-request-user", b"a" * 257), ALICE[1]],
        [(b"x-auth-request-user", b"system:admin"), ALICE[1]],
        [(b"x-auth-request-user", b"System:masters"), ALICE[1]],
    ],
)
def test_what_it_says_twice_or_half_or_of_kubernetes_own_is_refused(headers):
    with pytest.raises(Forbidden):
        asked(NEAR, *headers)


def test_groups_from_headers_make_no_administrators():
    user = asked(NEAR, *ALICE, (b"x-auth-request-groups", b"admins"))
    assert (user.groups, user.is_admin) == ((), False)


def test_the_lists_of_who_may_log_in_count():
    with pytest.raises(Forbidden, match="may not log in"):
        asked(NEAR, *ALICE, allow=Allow(email_domains=("other.example",)))
    assert asked(NEAR, *ALICE, allow=Allow(email_domains=("example.org",))) is not None
