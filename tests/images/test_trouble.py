"""What nerdctl's last words mean. They are its own and containerd's, from reports of people who met them."""

import pytest

from genet.images.trouble import trouble
from genet.images.wording import CODES


def fatal(text):
    return f'time="2026-01-31T08:00:00Z" level=warning msg="Image lacks label"\ntime="…" level=fatal msg="{text}"\n'


DIGEST = "sha256:602d8ad51b8130f3fcd71cb936dea612ebc799666136abf2e5914585b3178a4a"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"failed to create a tmp single-platform image: content digest {DIGEST}: not found", "baseless"),
        (
            'container "c" lacks image (wasn\'t created by nerdctl?): image "docker.io/library/x:1": not found',
            "baseless",
        ),
        ("failed to export layer: write /var/lib/containerd/ingest/1/data: no space left on device: unknown", "space"),
        ("no such container abab", "gone"),
        ("failed to mount /var/lib/containerd/tmpmounts/m1: mount options is too long: unknown", "layers"),
        ("cannot access containerd socket '/run/containerd/containerd.sock': no such file or directory", "socket"),
        ("something nobody has heard of", "failed"),
        ("", "failed"),
    ],
)
@pytest.mark.parametrize("is_push", [True, False])
def test_what_goes_wrong_in_either_step(text, code, is_push):
    assert trouble(fatal(text), is_push=is_push) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("unexpected status from POST request to https://r.example/v2/a/blobs/uploads/: 401 Unauthorized", "denied"),
        ("failed to authorize: failed to fetch oauth token: unexpected status: 403 Forbidden", "denied"),
        ("push access denied, repository does not exist or may require authorization: insufficient_scope", "denied"),
        ("server message: denied: exceeded quota of project", "denied"),
        ("failed to do request: Head https://r.example/v2/: dial tcp: lookup r.example: no such host", "unreachable"),
        ("failed to do request: Head https://r.example/v2/: dial tcp 10.0.0.1:443: i/o timeout", "unreachable"),
        ("failed to do request: http: server gave HTTP response to HTTPS client", "plain"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "plain"),
        ("unexpected status from PUT request: 429 Too Many Requests", "busy"),
        ("unexpected status from PUT request: 503 Service Unavailable", "unreachable"),
    ],
)
def test_what_goes_wrong_with_the_registry(text, code):
    assert trouble(fatal(text), is_push=True) == code
    assert trouble(fatal(text), is_push=False) == "failed"


def test_the_last_line_that_is_fatal_counts_before_warnings():
    said = 'level=warning msg="403 Forbidden, trying another way"\n' + fatal("no space left on device")
    assert trouble(said, is_push=True) == "space"


def test_of_missing_layers_nobody_is_told_to_start_another_pod():
    """A pull does not fetch layers that are unpacked."""
    en, zh = CODES["baseless"]
    assert ("the job could not fetch them" in en, "docs/save-image.md" in en, "docs/save-image.md" in zh) == (True,) * 3
    assert "start a pod" not in en.lower()


def test_numbers_in_a_digest_are_no_answers_of_a_registry():
    said = fatal(f"something about sha256:{'401' * 21}a and layer 4031")
    assert trouble(said, is_push=True) == "failed"
