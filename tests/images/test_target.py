"""What an image may be called: in the person's own part of the registry, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet import references
from genet.errors import Invalid
from genet.images.target import own, own_images, target

REPOSITORY = "registry.example.com:5000/people/{userIdentifier}"
OWN = "registry.example.com:5000/people/alice-a"


def called(text, user="alice-a", repository=REPOSITORY):
    return target(text, repository, user)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("torch", f"{OWN}/torch:latest"),
        ("torch:2.9-Mine_1", f"{OWN}/torch:2.9-Mine_1"),
        ("lab/torch:1", f"{OWN}/lab/torch:1"),
        (f"{OWN}/torch", f"{OWN}/torch:latest"),
        (f"{OWN}/lab/torch:1", f"{OWN}/lab/torch:1"),
        ("Registry.Example.COM:5000/people/alice-a/torch:1", f"{OWN}/torch:1"),
        ("people/bob-b/torch", f"{OWN}/people/bob-b/torch:latest"),
    ],
)
def test_a_name_is_in_the_own_part_of_the_registry(text, whole):
    assert called(text) == whole


@pytest.mark.parametrize(
    "text",
    [
        "registry.example.com:5000/people/bob-b/torch",
        "registry.example.com:5000/people/alice-a",
        "registry.example.com:5000/people/alice-ab/torch",
        "registry.example.com:5000/people/alice-a/../bob-b/torch",
        "registry.example.com/people/alice-a/torch",
        "registry.example.com:5000./people/alice-a/torch",
        "docker.io/library/debian",
        "localhost/torch",
        "evil.example/people/alice-a/torch",
        f"{OWN}@sha256:{'0' * 64}",
        f"torch@sha256:{'0' * 64}",
        "torch@x",
        "../bob-b/torch",
        "torch/../../bob-b",
        "./torch",
        "/torch",
        "torch/",
        "lab//torch",
        "Torch",
        "-torch",
        "--insecure-registry",
        "torch:",
        "torch:-x",
        ":1",
        "torch:1:2",
        "torch 1",
        "torch\n",
        "torch:1\n",
        "torch;id",
        "$(id)",
        "`id`",
        "torch:{userIdentifier}",
        "{userIdentifier}",
        "\N{CYRILLIC SMALL LETTER O}",
        "\N{FULLWIDTH LATIN SMALL LETTER A}",
        "ipfs://bafy",
        "http://registry.example.com:5000/people/alice-a/torch",
        "a" * 128 + ":" + "b" * 128,
        "",
    ],
)
def test_other_names_are_refused_by_the_field(text):
    with pytest.raises(Invalid) as refused:
        called(text)
    assert [error.field for error in refused.value.errors] == ["image"]


def test_a_name_may_have_255_characters_and_no_more():
    name = "a" * (255 - len(f"{OWN}/:latest"))
    assert len(called(name)) == 255
    with pytest.raises(Invalid, match="cannot be called"):
        called(f"{name}a")


@given(text=st.one_of(st.text(), st.text(alphabet="ab.:/@-_{}", max_size=40), st.from_regex(r"[a-z./:-]+/alice-a/x")))
def test_whatever_is_asked_for_is_refused_or_below_the_own_part(text):
    try:
        whole = called(text)
    except Invalid:
        return
    read = references.read(whole)
    assert read is not None
    assert whole == f"{read.repository}:{read.tag}"
    assert read.repository.startswith(f"{OWN}/")
    assert own_images(REPOSITORY, "alice-a").covers(read)


def test_the_own_part_is_nobody_elses():
    mine = own_images(REPOSITORY, "alice-a")
    assert own(REPOSITORY, "alice-a") == OWN
    for other in ("bob-b/x", "alice-ab/x", "alice/x", "alice-a", "x"):
        read = references.read(f"registry.example.com:5000/people/{other}")
        assert read is not None
        assert not mine.covers(read)


def test_on_dockers_hub_people_have_their_own_part_and_none_of_its_library():
    assert called("torch:1", "alice-a", "docker.io/{userIdentifier}") == "docker.io/alice-a/torch:1"
