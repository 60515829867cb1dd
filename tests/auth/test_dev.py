import pytest

from genet.auth.dev import dev_user
from genet.errors import Invalid
from genet.settings import Admins, Auth, Settings

SETTINGS = Settings(auth=Auth(mode="dev", admins=Admins(users=("root-root",))))


def test_the_name_makes_mail_identifier_and_owner():
    user = dev_user("alice", SETTINGS)
    assert (user.username, user.email, user.identifier) == ("alice", "alice@dev.invalid", "alice-alice")
    assert (user.owner, user.is_admin) == ("dev|alice", False)


def test_without_a_name_it_is_dev_user():
    assert dev_user(None, SETTINGS).username == "dev-user"


def test_admins_are_named_by_their_identifier():
    assert dev_user("root", SETTINGS).is_admin
    assert not dev_user("root-root", SETTINGS).is_admin


@pytest.mark.parametrize("pair", [("a-b", "a--b"), ("Alice", "alice"), ("é", "e\u0301"), ("a b", "a_b")])
def test_two_names_are_never_one_user(pair):
    one, other = (dev_user(name, SETTINGS) for name in pair)
    assert one.identifier != other.identifier
    assert one.owner != other.owner


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "a\0b", "\x1b[31m", "\u202eecila"])
def test_names_that_cannot_be_read_are_refused(name):
    with pytest.raises(Invalid):
        dev_user(name, SETTINGS)
