"""Working in a pod from the page: the ways in, a shell, what it prints as it comes, beginning anew."""

import re
import secrets
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo
from tests.processes import until

pytestmark = pytest.mark.browser

_PATIENCE = 30_000


@pytest.fixture
def worker(demo: Demo) -> Iterator[str]:
    """Somebody with one running pod, `work`, who leaves nothing."""
    name = f"worker{secrets.token_hex(3)}"
    demo.api("POST", "/api/pods", name, {"name": "work", "image": "docker.io/library/ubuntu:24.04"})
    until(lambda: demo.pods(name)[0]["status"] == "Running", what="the pod runs")
    yield name
    for pod in demo.pods(name):
        demo.api("DELETE", f"/api/pods/{pod['id']}", name)


def _drawer(demo: Demo, visit: Visit, worker: str, tab: str) -> tuple[Page, Locator]:
    [pod] = demo.pods(worker)
    page = visit(demo.page("/pods", worker, pod=pod["id"]))
    drawer = page.get_by_role("dialog", name="work")
    drawer.get_by_role("tab", name=tab).click()
    return page, drawer


def test_a_shell_is_typed_into_and_answers(demo: Demo, visit: Visit, worker):
    page, drawer = _drawer(demo, visit, worker, "Terminal")
    expect(drawer.get_by_role("status")).to_contain_text("Connected")
    page.keyboard.type('echo "gr""üße" "你""好"\r')
    screen = drawer.get_by_test_id("terminal")
    expect(screen).to_contain_text("grüße 你好")
    page.keyboard.type("exit 3\r")
    expect(drawer.get_by_role("status")).to_contain_text("The shell has ended (3).")
    drawer.get_by_role("button", name="Open a new shell").click()
    expect(drawer.get_by_role("status")).to_contain_text("Connected")
    expect(screen).not_to_contain_text("grüße")


def test_a_shell_has_a_tab_of_its_own(demo: Demo, visit: Visit, worker):
    page, drawer = _drawer(demo, visit, worker, "Terminal")
    with page.expect_popup() as opened:
        drawer.get_by_role("link", name="In a tab of its own").click()
    alone = opened.value
    expect(alone).to_have_title(re.compile("^work · "))
    expect(alone.get_by_role("status")).to_contain_text("Connected")
    alone.keyboard.type('echo "here""-too"\r')
    expect(alone.get_by_test_id("terminal")).to_contain_text("here-too")


def test_a_log_is_shown_as_it_grows(demo: Demo, visit: Visit, worker):
    command = ["sh", "-c", "while true; do echo tick; sleep 1; done"]
    body = {"name": "clock", "image": "docker.io/library/ubuntu:24.04", "command": command}
    pod = demo.api("POST", "/api/pods", worker, body)["id"]
    page = visit(demo.page("/pods", worker, pod=pod))
    drawer = page.get_by_role("dialog", name="clock")
    drawer.get_by_role("tab", name="Logs").click()
    log = drawer.get_by_role("log")
    expect(log).to_have_text(re.compile(r"(tick\s*){3}"), timeout=_PATIENCE)
    seen = len(log.inner_text().splitlines())
    until(lambda: len(log.inner_text().splitlines()) >= seen + 3, what="three more lines")
    with page.expect_download() as saved:
        drawer.get_by_role("link", name="Download").click()
    assert len(saved.value.path().read_text().splitlines()) >= seen + 3


def test_the_ways_in_are_ready_to_be_copied(demo: Demo, visit: Visit, worker):
    _, drawer = _drawer(demo, visit, worker, "Connect")
    [pod] = demo.pods(worker)
    assert pod["connection"]["ssh"]
    expect(drawer.get_by_role("region", name="SSH").first).to_contain_text(pod["connection"]["ssh"])
    expect(drawer.get_by_role("link", name="Open in VS Code")).to_have_attribute("href", pod["connection"]["vscode"])
    expect(drawer).to_contain_text(f"HostKeyAlias {pod['id']}")


def test_a_restart_says_what_it_costs_and_keeps_the_name(demo: Demo, visit: Visit, worker):
    [before] = demo.pods(worker)
    page = visit(demo.page("/pods", worker))
    page.get_by_role("button", name="Restart work").click()
    dialog = page.get_by_role("dialog", name="Restart work?")
    expect(dialog).to_contain_text("Lost for good")
    expect(dialog).to_contain_text("/workspace")
    dialog.get_by_role("button", name="Restart", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="work is being restarted.")).to_be_visible()

    def anew() -> bool:
        [now] = demo.pods(worker)
        return bool(now["status"] == "Running" and now["createdAt"] != before["createdAt"])

    until(anew, what="the pod runs again")
    expect(page.get_by_test_id("pod-work")).to_contain_text("Running", timeout=_PATIENCE)
    [after] = demo.pods(worker)
    assert (after["id"], after["sshPort"]) == (before["id"], before["sshPort"])


def test_volumes_are_listed_with_who_uses_them(demo: Demo, visit: Visit, worker):
    page = visit(demo.page("/pods", worker))
    volume = page.get_by_test_id("volume-workspace")
    expect(volume).to_contain_text("/workspace")
    expect(volume).to_contain_text("used by work")


def test_an_ssh_key_is_added_looked_at_and_removed(demo: Demo, visit: Visit, worker, complaints):
    key = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    page = visit(demo.page("/account", worker))
    panel = page.get_by_role("region", name="SSH keys")
    expect(panel).to_contain_text("You have no SSH keys.")
    panel.get_by_role("button", name="Add a key").click()
    dialog = page.get_by_role("dialog", name="Add a key")
    field = dialog.get_by_role("textbox", name="Public key")
    field.fill("-----BEGIN OPENSSH PRIVATE KEY-----")
    dialog.get_by_role("button", name="Add a key").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    complaints.remove("422 POST /api/profile/ssh-keys")

    field.fill(f"{key} laptop")
    dialog.get_by_role("button", name="Add a key").click()
    expect(dialog).to_be_hidden()
    [known] = demo.api("GET", "/api/profile/ssh-keys", worker)["keys"]
    row = panel.get_by_role("row").filter(has_text="laptop")
    expect(row).to_contain_text(known["fingerprint"])
    row.get_by_role("button", name="Revoke laptop").click()
    page.get_by_role("dialog", name="Remove laptop?").get_by_role("button", name="Revoke").click()
    expect(panel).to_contain_text("You have no SSH keys.")
