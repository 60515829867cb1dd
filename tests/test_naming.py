import base64
import hashlib
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet import naming

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@pytest.mark.parametrize(
    ("username", "email", "expected"),
    [
        ("zhangsan", "zs@corp.example", "zhangsan-zs"),
        ("alice", "alice@dev.invalid", "alice-alice"),
        ("a" * 15, "b" * 14, "a" * 15 + "-" + "b" * 14),
    ],
)
def test_plain_form_where_it_cannot_collide(username, email, expected):
    assert naming.user_identifier(username, email) == expected


@pytest.mark.parametrize(
    ("username", "email", "slug"),
    [
        ("dev-user", "dev-user@dev.invalid", "dev-user"),
        ("Zhang San", "zs@corp.example", "zhang-san"),
        ("a" * 16, "b" * 14, "a" * 16),
        ("张三", "zs@corp.example", "u"),
        ("", "zs@corp.example", "u"),
        ("alice", "al.ice@corp.example", "alice"),
        ("abcdefghijklmnop-rest", "x@y", "abcdefghijklmnop"),
    ],
)
def test_everything_else_is_hashed(username, email, slug):
    name = naming.user_identifier(username, email)
    assert re.fullmatch(re.escape(slug) + "-x-[a-z2-7]{10}", name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a-b", "c@x"), ("a", "b-c@x")),
        (("alice", "a@one.example"), ("Alice", "a@one.example")),
        (("al.ice", "a@x"), ("al-ice", "a@x")),
        (("a-b", "c@one.example"), ("a-b", "c@two.example")),
        (("", "a@x"), ("u", "a-@x")),
        (("a.", "b@x"), ("a", ".b@x")),
        (("Alice", "a@x"), ("ALICE", "a@x")),
        (("a.b", "C@x"), ("a.b", "c@x")),
    ],
)
def test_people_who_look_alike_get_different_names(one, other):
    assert naming.user_identifier(*one) != naming.user_identifier(*other)


def test_a_name_stays_what_it_is_in_every_release():
    """Namespaces are called so: another hash would take everybody's from them."""
    digest = base64.b32encode(hashlib.sha256(b"Zhang San\0zs@corp.example").digest()).decode().lower()
    assert naming.user_identifier("Zhang San", "zs@corp.example") == f"zhang-san-x-{digest[:10]}"


def test_a_nul_cannot_move_the_border_between_the_two_parts():
    with pytest.raises(ValueError, match="NUL"):
        naming.user_identifier("a\0b", "c")


people = st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40), st.emails())


@given(st.lists(people, min_size=2, max_size=8, unique=True))
def test_no_name_is_shared_and_every_name_fits(crowd):
    names = {}
    for username, email in crowd:
        name = naming.user_identifier(username, email)
        assert name == naming.user_identifier(username, email)
        assert naming.is_user_identifier(name)
        for text in (naming.namespace(name), naming.pod(name, "p" * 28), naming.pvc(name, "v" * 32)):
            assert len(text) <= 63
            assert DNS_LABEL.fullmatch(text)
        names[username, email] = name
    for one, other in itertools.combinations(names, 2):
        # the plain form looks at the mail prefix alone: same user name, same prefix is the same person to it
        if names[one] == names[other]:
            assert one[0] == other[0]
            assert one[1].partition("@")[0] == other[1].partition("@")[0]


def test_pod_suffix_leaves_foreign_names_whole():
    assert naming.pod_suffix("zhangsan-zs", "pod-zhangsan-zs-train") == "train"
    assert naming.pod_suffix("zhangsan-zs", "debug") == "debug"


def test_generated_names_are_valid_pod_names():
    assert re.match(naming.POD_NAME_PATTERN, naming.generated_pod_name(1706520000, b"\0\xff\x7f"))


@pytest.mark.parametrize(
    "text", ["", "library", "-", "a-", "-a", "a-b-c", "a_b", "A-b", "a-b\n", "a" * 15 + "-" + "b" * 15]
)
def test_nobody_is_called_that(text):
    assert not naming.is_user_identifier(text)
