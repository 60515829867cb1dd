"""What an image's name means, and that no spelling of another image passes for an allowed one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genet.references import Reference, is_allowed, pattern, read

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", Reference("docker.io", "library/x", "latest", None)),
        ("x:latest", Reference("docker.io", "library/x", "latest", None)),
        ("docker.io/x", Reference("docker.io", "library/x", "latest", None)),
        ("docker.io/library/x", Reference("docker.io", "library/x", "latest", None)),
        ("index.docker.io/library/x", Reference("docker.io", "library/x", "latest", None)),
        ("Docker.IO/library/x", Reference("docker.io", "library/x", "latest", None)),
        ("team/x:1", Reference("docker.io", "team/x", "1", None)),
        ("localhost/x", Reference("localhost", "x", "latest", None)),
        ("localhost:5000/x", Reference("localhost:5000", "x", "latest", None)),
        ("HOST/x", Reference("host", "x", "latest", None)),
        (f"r.example/a@{DIGEST}", Reference("r.example", "a", None, DIGEST)),
        (f"r.example/a:1@{DIGEST}", Reference("r.example", "a", "1", DIGEST)),
    ],
)
def test_one_image_has_one_meaning_however_it_is_spelled(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "a b", "a\n", "-a", "a-", "a:", "a:b c", "ä", "A/B", "a/B", "a//b", "a/", "/a", "a/./b", "a/../b"),
        *("https://r.example/a", "user@r.example/a", "user:word@r.example/a", f"user@r.example/a@{DIGEST}"),
        *("r.example./a", ".r.example/a", "r..example/a", "-r.example/a", "r.example:/a", "r.example:123456/a"),
        *("a@sha256:0", f"a@{DIGEST}0", f"a@{DIGEST.upper()}", f"a@{DIGEST}@{DIGEST}", "a@sha512:" + "0" * 128),
        *(DIGEST, "sha256:abcd", "sha256", "sha512:ab", "0" * 64),
        *("r.example/a..b", "r.example/a___b", "r.example/a/", "[::1]/a", "r.example/%2e%2e/a", "r.example\\a"),
    ],
)
def test_what_runtimes_would_not_take_or_read_as_something_else_is_refused(text):
    assert read(text) is None


def allows(entry, text):
    image, allowed = read(text), pattern(entry)
    assert allowed is not None
    return image is not None and is_allowed(image, [allowed], ())


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("r.example/team/torch", "r.example/team/torch"),
        ("r.example/team/torch", "R.Example/team/torch:2"),
        ("r.example/team/torch", f"r.example/team/torch@{DIGEST}"),
        ("r.example/team/*", "r.example/team/torch"),
        ("r.example/team/*", "r.example/team/a/b:1"),
        ("r.example/*", "r.example/anything"),
        ("docker.io/*", "x"),
        ("docker.io/library/*", "x:1"),
        ("debian", "docker.io/library/debian:13"),
        ("debian:12*", "debian:12.5"),
        ("debian:*-slim", "debian:13-slim"),
        (f"r.example/a@{DIGEST}", f"r.example/a:1@{DIGEST}"),
    ],
)
def test_an_entry_covers_all_spellings_of_its_images(entry, text):
    assert allows(entry, text)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("r.example/team/torch", "r.example/team/torch/x"),
        ("r.example/team/torch", "r.example/team/torchx"),
        ("r.example/team/torch", "other.example/r.example/team/torch"),
        ("r.example/team/torch", "r.example.evil/team/torch"),
        ("r.example/team/torch", "r.example:5000/team/torch"),
        ("r.example/team/torch", "team/torch"),
        ("r.example/team/*", "r.example/team"),
        ("r.example/team/*", "r.example/team-b/x"),
        ("r.example/team/*", "r.example/team/../other/x"),
        ("r.example/*", "r.example.evil/x"),
        ("r.example/*", "r.example@evil.example/x"),
        ("debian", "evil/debian"),
        ("debian:12", "debian"),
        ("debian:12", "debian:12x"),
        ("debian:12", f"debian:12@{DIGEST}"),
        ("debian:1.2", "debian:1x2"),
        ("docker.io/library/*", "team/x"),
        ("docker.io/library/*", DIGEST),
        ("docker.io/library/*", "sha256:abcd"),
        (f"r.example/a@{DIGEST}", "r.example/a:1"),
        (f"r.example/a@{DIGEST}", "r.example/a@sha256:" + "1" * 64),
    ],
)
def test_no_other_image_passes_for_an_allowed_one(entry, text):
    assert not allows(entry, text)


@pytest.mark.parametrize(
    "text", ["", "*", "r.example/*/x", "r.example/a*", "/*", "a b", f"a:1@{DIGEST}", "https://a/b"]
)
def test_entries_that_cannot_be_meant_are_refused(text):
    assert pattern(text) is None


@given(st.text(alphabet="aA0./:@-_*\\ \n%", max_size=24))
@example("r.example/lab/a")
def test_what_an_entry_covers_is_below_it_by_every_reading(text):
    """Not by our own reader alone: the text's path, without tag and digest, begins with the entry's."""
    if allows("r.example/lab/*", text):
        assert text.lower().startswith("r.example/lab/")
        assert ".." not in text
        assert text.count("@") == 0
