"""What is wrong with a request is said cleanly: every bad field by its name, and never with a traceback."""

from contextlib import suppress

import httpx
import pytest

GOOD = {"image": "docker.io/library/ubuntu:24.04"}

BAD_FIELDS = [
    ("image", 7),
    ("image", ""),
    ("image", "no image at all"),
    ("gpuType", "abacus"),
    ("gpuType", 1),
    ("gpuCount", -1),
    ("gpuCount", "2"),
    ("gpuCount", 1.5),
    ("gpuCount", True),
    ("cpu", 4),
    ("cpu", "many"),
    ("cpu", "-1"),
    ("cpu", "100000"),
    ("memory", "16 GB"),
    ("memory", "0"),
    ("memory", "99999Gi"),
    ("nodeName", "no-such-node"),
    ("nodeName", []),
    ("gpuDevices", [0]),
    ("gpuDevices", "0"),
    ("name", "Not A Name"),
    ("name", "n" * 29),
    ("name", "newline\n"),
    ("command", "sleep"),
    ("workingDir", "relative"),
    ("shmSize", "lots"),
    ("env", {"A": "b"}),
    ("colour", "red"),
]
BAD_ELEMENTS = [
    ("gpuDevices", [0, -1], "gpuDevices[1]"),
    ("command", ["sleep", 1], "command[1]"),
    ("command", ["a\0b"], "command[0]"),
    ("env", [{"name": "A"}], "env[0].value"),
    ("env", [{"name": "A", "value": "b"}, {"name": "1", "value": "c"}], "env[1].name"),
    ("env", [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}], "env[0].name"),
    ("env", [{"name": "A", "value": "b", "secret": "c"}], "env[0].secret"),
]


def named(response: httpx.Response) -> set[str]:
    """The fields that a refusal names, after a look at its form."""
    assert response.status_code == 422, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert all(error["message"] for error in problem["errors"])
    return {error["field"] for error in problem["errors"]}


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "Traceback" not in response.text
    assert "genet/" not in response.text


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS, ids=lambda value: repr(value)[:30])
def test_a_bad_field_is_named(client, field, value):
    assert named(client.post("/api/pods", json={**GOOD, field: value})) == {field}


@pytest.mark.parametrize(("field", "value", "path"), BAD_ELEMENTS, ids=lambda value: repr(value)[:30])
def test_a_bad_element_is_named_with_its_place(client, field, value, path):
    assert path in named(client.post("/api/pods", json={**GOOD, field: value}))


def test_a_missing_image_is_named(client):
    assert named(client.post("/api/pods", json={})) == {"image"}


def test_a_count_without_a_type_names_the_type(client):
    assert named(client.post("/api/pods", json={**GOOD, "gpuCount": 1})) == {"gpuType"}


def test_all_bad_fields_are_named_at_once(client):
    wrong = {"image": 7, "gpuCount": "2", "cpu": "many", "name": "Not A Name", "nodeName": "nowhere", "colour": "red"}
    assert named(client.post("/api/pods", json=wrong)) == set(wrong)


def test_nothing_is_made_of_bad_requests(client):
    client.post("/api/pods", json={"image": 7})
    assert client.get("/api/pods").json()["pods"] == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"{'image': 'x'}", b"[" * 100_000, b'{"image": NaN}'])
def test_what_is_not_json_is_malformed(client, body):
    refused(client.post("/api/pods", content=body, headers={"Content-Type": "application/json"}), 400, "malformed_json")


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "7"])
def test_json_that_is_no_object_is_invalid(client, body):
    named(client.post("/api/pods", content=body, headers={"Content-Type": "application/json"}))


def test_ten_megabytes_are_too_much(client):
    body = b'{"image": "' + b"x" * 10_000_000 + b'"}'
    refused(client.post("/api/pods", content=body, headers={"Content-Type": "application/json"}), 413, "body_too_large")


def test_ten_megabytes_in_chunks_are_too_much(client):
    def chunks():
        for _ in range(160):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    with suppress(httpx.WriteError):  # the server hung up on us: as good
        refused(client.post("/api/pods", content=chunks(), headers=headers), 413, "body_too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_a_body_that_does_not_claim_to_be_json_is_not_read(client, kind):
    headers = {"Content-Type": kind} if kind else {}
    refused(client.post("/api/pods", content=b"{}", headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/no/such/thing", 404, "not_found"),
        ("GET", "/api/pods/pod-of-nobody", 404, "not_found"),
        ("GET", "/api/pods/%2e%2e%2fsecrets", 404, "not_found"),
        ("GET", "/api/pods/a%00b", 404, "not_found"),
        ("GET", "/api/pods/a%0ab", 404, "not_found"),
        ("DELETE", "/api/pods/pod-of-nobody", 404, "not_found"),
        ("PUT", "/api/pods", 405, "method_not_allowed"),
        ("GET", "/api/pods?all=perhaps", 422, "invalid"),
        ("GET", "/api/pods?all=true", 403, "forbidden"),
        ("GET", "/api/pods?owner=alice-alice", 404, "not_found"),
        ("GET", f"/api/pods?user={'x' * 100}", 422, "invalid"),
    ],
)
def test_requests_for_what_is_not_there_are_refused(replica, method, path, status, code):
    headers = {"Content-Type": "application/json"} if method == "PUT" else {}
    refused(replica.client().request(method, path, headers=headers), status, code)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "hours"),
        ({"hours": 1, "until": None}, "hours"),
        ({"hours": 0}, "hours"),
        ({"hours": "1"}, "hours"),
        ({"hours": 1e9}, "hours"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "tomorrow"}, "until"),
        ({"until": "2030-01-01T00:00:00"}, "until"),
        ({"days": 1}, "days"),
    ],
    ids=repr,
)
def test_a_protection_that_cannot_be_is_refused(client, body, field):
    pod = client.get("/api/pods").json()["pods"] or [client.post("/api/pods", json=GOOD).json()]
    response = client.post(f"/api/pods/{pod[0]['id']}/extend", json=body)
    client.delete(f"/api/pods/{pod[0]['id']}")
    assert field in named(response)
