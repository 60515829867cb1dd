"""What others saved runs in nobody's pod but theirs, unless administrators offer it."""

import msgspec
import pytest

from genet.images.others import complaint
from genet.settings import Settings

USER = "alice-alice"
PEOPLE = "registry.example.com/people"
HASHED = "anna-lena-x-abcdefgh27"


def settings(repository=f"{PEOPLE}/{{userIdentifier}}", allowed=(), presets=(), *, enabled=True):
    return msgspec.convert(
        {
            "auth": {"mode": "dev"},
            "commit": {"enabled": enabled, "repository": repository, "image": "nerdctl:2"},
            "pod": {"allowedImages": list(allowed)},
            "gpu": {"presetImages": [{"name": image, "image": image} for image in presets]},
        },
        Settings,
    )


@pytest.mark.parametrize(
    "image",
    [
        f"{PEOPLE}/bob-bob/torch:1",
        f"{PEOPLE}/bob-bob/lab/torch",
        f"{PEOPLE}/bob-bob/torch@sha256:{'0' * 64}",
        f"{PEOPLE}/{HASHED}/torch",
        f"{PEOPLE}/alice-alic/torch",
        f"{PEOPLE}/alice-alice2/torch",
        "Registry.Example.com/people/bob-bob/torch",
        "registry.example.com:443/people/bob-bob/torch",
        "registry.example.com:80/people/bob-bob/torch",
    ],
)
def test_what_another_may_have_saved_is_refused_whatever_its_spelling(image):
    error = complaint(image, settings(), USER)
    assert error is not None
    assert (error.field, PEOPLE in error.message, "bob" in error.message) == ("image", True, False)


@pytest.mark.parametrize(
    "image",
    [
        f"{PEOPLE}/{USER}/torch:1",
        f"registry.example.com:443/people/{USER}/torch",
        f"{PEOPLE}/shared/torch",  # nobody can be called that
        f"{PEOPLE}/bob-bob",
        "registry.example.com/people/torch",
        "registry.example.com/other/bob-bob/torch",
        "registry.example.com:5000/people/bob-bob/torch",
        "other.example.com/people/bob-bob/torch",
        "debian:13",
        "no image",
    ],
)
def test_all_else_is_no_matter_of_it(image):
    assert complaint(image, settings(), USER) is None


def test_the_person_may_stand_anywhere_in_the_path():
    first, within = settings("registry.example.com/{userIdentifier}"), settings(f"{PEOPLE}/{{userIdentifier}}/genet")
    hub = settings("docker.io/{userIdentifier}")
    assert complaint("registry.example.com/bob-bob/torch", first, USER) is not None
    assert complaint("registry.example.com/library/torch", first, USER) is None
    assert complaint(f"{PEOPLE}/bob-bob/genet/torch", within, USER) is not None
    assert complaint(f"{PEOPLE}/bob-bob/own/torch", within, USER) is None
    assert complaint("bob-bob/torch", hub, USER) is not None
    assert complaint(f"{USER}/torch", hub, USER) is None


def test_what_administrators_offer_runs():
    image = f"{PEOPLE}/bob-bob/torch:1"
    assert complaint(image, settings(presets=[image]), USER) is None
    assert complaint(image, settings(allowed=[f"{PEOPLE}/bob-bob/*"]), USER) is None
    assert complaint(image, settings(allowed=[f"{PEOPLE}/*"]), USER) is None
    assert complaint(image, settings(allowed=[f"{PEOPLE}/bob-bob/torch:1*"]), USER) is None


@pytest.mark.parametrize("entry", ["registry.example.com/*", f"{PEOPLE}/bob-bob/torch:2", f"{PEOPLE}/eve-eve/*"])
def test_an_entry_that_does_not_mean_it_offers_nothing(entry):
    assert complaint(f"{PEOPLE}/bob-bob/torch:1", settings(allowed=[entry]), USER) is not None


def test_where_nobody_saves_there_is_no_wall():
    assert complaint(f"{PEOPLE}/bob-bob/torch", settings(enabled=False), USER) is None
