import pytest

from genet.client.addresses import safe_url, server_url
from genet.client.errors import ClientError


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("genet.example.org", "https://genet.example.org"),
        ("https://genet.example.org/", "https://genet.example.org"),
        ("https://genet.example.org:8443/path", "https://genet.example.org:8443/path"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_what_people_type_becomes_an_address(typed, url):
    assert server_url(typed) == url


def test_an_address_of_the_page_is_no_address_of_a_server():
    with pytest.raises(ClientError, match=r"before the question mark\nUse http://127\.0\.0\.1:8080/$"):
        server_url("http://127.0.0.1:8080/?user=alice")


@pytest.mark.parametrize(
    "url",
    [
        "http://genet.example.org",
        "http://127.0.0.1.example.org",
        "http://localhost@example.org",
        "http://example.org#@localhost",
        "http://0.0.0.0",
        "HTTP://example.org",
        "ftp://localhost",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_tokens_go_nowhere_where_they_could_be_read_on_the_way(url):
    with pytest.raises(ClientError):
        safe_url(url, "the issuer")


@pytest.mark.parametrize(
    "url", ["", "https://", "https://a:b@c", "https://x/#y", "https://x:99999", "https://x/\x1b[2J"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ClientError, match="is no URL"):
        safe_url(url, "the issuer")
