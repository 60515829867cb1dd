"""What somebody types becomes what the API is asked."""

from datetime import datetime

import pytest

from genet.client import asked
from genet.client.asked import Mistyped


def test_options_go_before_the_file():
    file = {"image": "debian:12", "cpu": "1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    request = asked.pod_request(file, {"image": "debian:13", "gpuCount": 2, "cpu": None, "env": ["B=x=y", "C="]})
    assert request == {
        "image": "debian:13",
        "cpu": "1",
        "gpuCount": 2,
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "x=y"}, {"name": "C", "value": ""}],
    }


def test_no_gpus_can_be_asked_for():
    assert asked.pod_request({}, {"image": "x", "gpuCount": 0})["gpuCount"] == 0


def test_an_image_is_needed():
    with pytest.raises(Mistyped, match="--image"):
        asked.pod_request({}, {"image": None})


def test_a_variable_without_a_value_is_not_repeated_as_it_may_be_a_secret():
    with pytest.raises(Mistyped) as found:
        asked.pod_request({}, {"image": "x", "env": ["NAME"]})
    assert "NAME=VALUE" in str(found.value)


@pytest.mark.parametrize("text", [b"[]", b"1", b"{", b"\xff"])
def test_a_file_that_is_no_json_object_is_refused_by_its_name(text):
    with pytest.raises(Mistyped, match=r"request\.json"):
        asked.request_file(text, "request.json")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172800)])
def test_times_are_read(text, seconds):
    assert asked.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "8", "h", "-8h", "8h ", "8 h", "0s", "1.5h", "99999999d", "8H", "٨h"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(Mistyped):
        asked.seconds_of(text)


def test_extensions_are_hours_a_moment_or_none():
    assert asked.extension("8h") == {"hours": 8.0}
    assert asked.extension("none") == {"until": None}
    here = datetime(2026, 1, 31, 18).astimezone().isoformat()
    assert asked.extension("until 2026-01-31T18:00") == {"until": here} == asked.extension("2026-01-31 18:00")
    moment = datetime.fromisoformat(asked.extension("until 2026-01-31T18:00Z")["until"])
    assert moment == datetime.fromisoformat("2026-01-31T18:00+00:00")
    for wrong in ("until", "until soon", "2026-13-01", "soon"):
        with pytest.raises(Mistyped):
            asked.extension(wrong)


def test_a_refused_field_is_named_with_its_option():
    said = asked.refused([("gpuCount", "too many"), ("env[0].name", "no name"), ("colour", "no such field")])
    assert said.splitlines() == [
        "  gpuCount (--gpus): too many",
        "  env[0].name (--env): no name",
        "  colour: no such field",
    ]
