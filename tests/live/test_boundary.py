"""A web page in the same browser cannot do anything on a developer's machine."""

import http.client
from urllib.parse import urlsplit

import pytest

POD = b'{"image": "docker.io/library/ubuntu:24.04"}'


def post(replica, *headers):
    """As raw as a browser that an attacker's page steers: only the headers given."""
    connection = http.client.HTTPConnection(urlsplit(replica.url).netloc)
    connection.putrequest("POST", "/api/pods?user=victim", skip_host=True, skip_accept_encoding=True)
    for name, value in (*headers, ("Content-Length", str(len(POD)))):
        connection.putheader(name, value)
    connection.endheaders(POD)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def headers_of(replica, **changed):
    own = urlsplit(replica.url).netloc
    usual = {"Host": own, "Content-Type": "application/json"}
    found = usual | {name.replace("_", "-"): value.format(own=own) for name, value in changed.items()}
    return list(found.items())


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Origin": "https://evil.example"}, "csrf"),
        ({"Origin": "null"}, "csrf"),
        ({"Origin": "http://{own}.evil.example"}, "csrf"),
        ({"Origin": "https://{own}"}, "csrf"),
        ({"Origin": "http://localhost:1"}, "csrf"),
        ({"Sec_Fetch_Site": "cross-site"}, "csrf"),
        ({"Sec_Fetch_Site": "same-site"}, "csrf"),
        ({"Origin": "http://{own}", "Sec_Fetch_Site": "cross-site"}, "csrf"),
        ({"Origin": "https://evil.example", "Sec_Fetch_Site": "same-origin"}, "csrf"),
        ({"Host": "evil.example"}, "forbidden"),
        ({"Host": "evil.example", "Origin": "http://evil.example", "Sec_Fetch_Site": "same-origin"}, "forbidden"),
        ({"Host": "127.0.0.1.evil.example"}, "forbidden"),
        ({"Host": ""}, "forbidden"),
    ],
    ids=str,
)
def test_a_foreign_page_makes_no_pod(replica, changed, code):
    status, body = post(replica, *headers_of(replica, **changed))
    assert status == 403
    assert f'"code":"{code}"' in body
    assert replica.client("victim").get("/api/pods").json()["pods"] == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"])
def test_a_form_makes_no_pod(replica, kind):
    assert post(replica, *headers_of(replica, Content_Type=kind))[0] == 415
    assert replica.client("victim").get("/api/pods").json()["pods"] == []


def test_two_host_names_are_none(replica):
    status, _ = post(replica, *headers_of(replica), ("Host", "evil.example"))
    assert status in {400, 403}
    assert replica.client("victim").get("/api/pods").json()["pods"] == []


def test_a_rebound_name_reads_nothing(replica):
    response = replica.client().get("/api/pods", headers={"Host": "evil.example"})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("changed", [{"Origin": "http://{own}"}, {"Sec_Fetch_Site": "same-origin"}, {}], ids=str)
def test_the_own_page_and_programs_on_this_machine_may(replica, changed):
    status, body = post(replica, *headers_of(replica, **changed))
    assert status == 201, body
    client = replica.client("victim")
    for pod in client.get("/api/pods").json()["pods"]:
        client.delete(f"/api/pods/{pod['id']}")
