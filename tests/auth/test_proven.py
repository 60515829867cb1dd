"""Who somebody is, by what a provider says of them."""

import pytest

from genet.auth.proven import OddClaimError, check_allowed, proven, user_of
from genet.auth.user import User
from genet.errors import Forbidden
from genet.settings import Admins, Allow, Auth, OAuth

ISSUER = "https://login.example.org"
SAID = {
    "sub": "42",
    "preferred_username": "alice",
    "email": "alice@example.org",
    "email_verified": True,
    "groups": ["staff"],
}


def of(*sources, **settings):
    return proven(ISSUER, sources or (SAID,), OAuth(**settings))


def test_the_identity_is_issuer_and_subject():
    who = of()
    assert (who.owner, who.subject) == (f"{ISSUER}|42", "42")
    user = user_of(who, Auth(mode="oauth", admins=Admins(groups=("staff",))))
    assert (user.identifier, user.owner, user.groups, user.is_admin) == ("alice-alice", who.owner, ("staff",), True)
    assert not user_of(who, Auth(mode="oauth")).is_admin


def test_claims_are_where_the_settings_say():
    said = {"id": 7, "login": "bob", "mail": "bob@example.org", "realm_access": {"roles": ["ops"]}}
    who = of(
        said,
        subject_claim="id",
        username_claim="login",
        email_claim="mail",
        groups_claim="realm_access.roles",
    )
    assert (who.subject, who.username, who.email, who.groups) == ("7", "bob", "bob@example.org", ("ops",))


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({"preferred_username": None}, "preferred_username.*usernameClaim"),
        ({"preferred_username": ""}, "preferred_username"),
        ({"preferred_username": 5}, "preferred_username"),
        ({"preferred_username": ["alice"]}, "preferred_username"),
        ({"preferred_username": "a\0b"}, "preferred_username"),
        ({"preferred_username": "a\nb"}, "preferred_username"),
        ({"preferred_username": "a" * 257}, "preferred_username"),
        ({"email": None}, "email.*emailClaim"),
        ({"email": {"address": "x"}}, "email"),
        ({"sub": None}, "sub.*subjectClaim"),
        ({"sub": True}, "sub"),
        ({"groups": {"a": 1}}, "groups.*groupsClaim"),
        ({"groups": ["a", 1]}, "groups"),
        ({"groups": 5}, "groups"),
    ],
)
def test_a_claim_that_is_missing_or_odd_is_named(change, claim):
    with pytest.raises(OddClaimError, match=claim):
        of(SAID | change)


def test_no_groups_are_no_groups_and_one_name_is_one():
    assert of({name: value for name, value in SAID.items() if name != "groups"}).groups == ()
    assert of(SAID | {"groups": "staff"}).groups == ("staff",)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (({"email_verified": True},), True),
        (({"email_verified": False},), False),
        (({"email_verified": None},), None),
        (({"email_verified": "true"},), None),
        (({"email_verified": 1},), None),
    ],
)
def test_an_address_is_verified_where_the_provider_says_so(sources, expected):
    assert of(SAID | sources[0]).email_verified is expected


def test_what_one_answer_says_of_its_address_holds_for_no_other():
    token = {"sub": "42", "preferred_username": "alice", "email_verified": True}
    userinfo = {"sub": "42", "email": "root@example.org"}
    assert of(token, userinfo).email_verified is None
    upn = SAID | {"upn": "root@example.org"}
    assert of(upn, email_claim="upn").email_verified is None


def test_of_two_answers_about_one_address_the_id_token_s_counts():
    assert of(SAID | {"email_verified": False}, SAID | {"email_verified": True}).email_verified is False
    assert of(SAID | {"email_verified": True}, SAID | {"email_verified": False}).email_verified is True


def alice(email="alice@example.org", groups=("staff",)):
    return User("alice", email, "alice-alice", "o", is_admin=False, groups=groups)


LAB = Allow(email_domains=("Example.org",))


@pytest.mark.parametrize(
    ("allow", "email", "verified", "is_in"),
    [
        (Allow(), "a@anywhere.example", None, True),
        (LAB, "alice@example.org", True, True),
        (LAB, "alice@EXAMPLE.ORG", True, True),
        (LAB, "alice@example.org", False, False),
        (LAB, "alice@example.org", None, False),
        (LAB, "alice@sub.example.org", True, False),
        (LAB, "alice@notexample.org", True, False),
        (LAB, "alice@example.org.evil.example", True, False),
        (LAB, "alice@evil.example@example.org", True, False),
        (LAB, "example.org", True, False),
        (Allow(groups=("staff",)), "x@y.z", None, True),
        (Allow(groups=("ops",)), "x@y.z", True, False),
        (Allow(users=("alice-alice",)), "x@y.z", None, True),
        (Allow(users=("alice",)), "x@y.z", True, False),
        (Allow(users=("bob",), groups=("staff",)), "x@y.z", None, True),
    ],
)
def test_who_may_log_in(allow, email, verified, is_in):
    if is_in:
        check_allowed(alice(email), allow, email_verified=verified)
    else:
        with pytest.raises(Forbidden, match="may not log in"):
            check_allowed(alice(email), allow, email_verified=verified)
