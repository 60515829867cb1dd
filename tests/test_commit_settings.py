"""Settings of saving pods as images that would fail with the first pod, or share what people save, stop the start."""

import pytest

from genet.settings.sources import ConfigurationError, load

GOOD = {
    "enabled": True,
    "repository": "registry.example.com/people/{userIdentifier}",
    "image": "registry.example.com/genet/nerdctl:2",
}


def of(**changes):
    return load({"GENET_AUTH__MODE": "dev"}, defaults={"commit": {**GOOD, **changes}}).commit


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"repository": "localhost:5000/{userIdentifier}"},
        {"repository": "registry.example.com:5000/a_b/{userIdentifier}/images"},
        {"repository": "docker.io/lab/{userIdentifier}"},
        {"push_secret": None},
        {"pushSecret": "genet-push.lab"},
        {"socket": "/run/k3s/containerd/containerd.sock", "containerdNamespace": "k8s.io"},
        {"enabled": False, "repository": None, "image": None},
    ],
)
def test_what_can_work_is_taken(changes):
    changes.pop("push_secret", None)
    assert of(**changes).enabled == changes.get("enabled", True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("repository", None),
        ("repository", "registry.example.com/people"),
        ("repository", "registry.example.com/people/x-{userIdentifier}"),
        ("repository", "registry.example.com/{userIdentifier}/{userIdentifier}"),
        ("repository", "registry.example.com/a-{userIdentifier}/{userIdentifier}"),
        ("repository", "{userIdentifier}/people"),
        ("repository", "people/{userIdentifier}"),
        ("repository", "registry.example.com/People/{userIdentifier}"),
        ("repository", "registry.example.com/people/{userIdentifier}:latest"),
        ("repository", "registry.example.com/people/{userIdentifier}/"),
        ("repository", "registry.example.com/people/../{userIdentifier}"),
        ("repository", "registry.example.com/people/{name}/{userIdentifier}"),
        ("repository", "https://registry.example.com/people/{userIdentifier}"),
        ("repository", "--insecure-registry=x.y/{userIdentifier}"),
        ("image", None),
        ("image", "Not An Image"),
        ("namespace", "user-alice-alice"),
        ("namespace", "Genet"),
        ("namespace", ""),
        ("pushSecret", "../token"),
        ("pushSecret", ""),
        ("socket", "run/containerd.sock"),
        ("socket", "/run/../etc/shadow"),
        ("socket", "/"),
        ("socket", "/run/containerd.sock\n"),
        ("containerdNamespace", "--debug"),
        ("containerdNamespace", ""),
    ],
)
def test_what_cannot_work_stops_the_start(key, value):
    with pytest.raises(ConfigurationError, match=rf"^commit\.{key}: "):
        of(**{key: value})
