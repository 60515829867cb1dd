"""The clean-up as a program: what it prints and with what code it ends."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genet import naming
from genet.cleanup.job import FAILED, OK, main
from genet.settings import Auth, Kubernetes, Lifecycle, Settings
from tests.cleanup.api import Api

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def api():
    api = Api()
    await api.start()
    api.put("namespaces", "user-ann-a", labels={naming.MANAGED: "true"})
    api.put("pods", "train", "user-ann-a", creationTimestamp="2026-06-01T20:00:00Z")
    yield api
    await api.stop()


@pytest.fixture
def run(api, tmp_path, capsys):
    async def run(*, dry_run=False, enabled=True):
        kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
        settings = Settings(
            auth=Auth(mode="dev"),
            kubernetes=Kubernetes(kubeconfig=str(kubeconfig)),
            lifecycle=Lifecycle(enabled=enabled),
        )
        code = await asyncio.to_thread(main, settings, dry_run=dry_run)
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


async def test_what_was_done_is_printed_for_programs_and_for_people(run):
    code, lines, said = await run()
    assert code == OK
    (line,) = lines
    assert line.pop("time").endswith("Z")
    assert line == {
        "action": "deleted",
        "kind": "Pod",
        "namespace": "user-ann-a",
        "name": "train",
        "reason": "unprotected",
        "protectedUntil": None,
    }
    assert said == "Clean-up: 1 deleted.\n"


async def test_a_dry_run_says_what_it_would_delete(api, run):
    code, lines, said = await run(dry_run=True)
    assert (code, [line["action"] for line in lines]) == (OK, ["would-delete"])
    assert said == "Clean-up: 1 would delete.\n"
    assert api.names("pods") == {"train"}


async def test_what_is_kept_is_counted_but_not_listed(api, run):
    api.put("pods", "train", "user-ann-a", deletionTimestamp="2026-06-01T22:59:00Z")
    assert await run() == (OK, [], "Clean-up: 1 kept.\n")


async def test_a_run_with_nothing_to_do_says_so(api, run):
    del api.objects[api.path("pods", "train", "user-ann-a")]
    assert await run() == (OK, [], "Clean-up: nothing to do.\n")


async def test_any_failure_shows_in_the_exit_code(api, run):
    api.failing["DELETE /api/v1/namespaces/user-ann-a/pods/train"] = 403
    code, lines, _ = await run()
    assert (code, [line["action"] for line in lines]) == (FAILED, ["failed"])


async def test_an_api_server_that_does_not_answer_is_a_failure(api, run):
    await api.stop()
    code, lines, said = await run()
    assert (code, lines) == (FAILED, [])
    assert said.startswith("Nothing was done: ")


async def test_a_clean_up_that_is_off_does_nothing(api, run):
    code, lines, said = await run(enabled=False)
    assert (code, lines) == (OK, [])
    assert "off" in said
    assert api.names("pods") == {"train"}


async def test_the_cron_job_s_script_cleans_up_by_the_environment(api, tmp_path):
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "GENET_AUTH__MODE": "dev",
        "GENET_KUBERNETES__KUBECONFIG": str(api.kubeconfig(tmp_path / "kubeconfig")),
    }
    script = [sys.executable, str(ROOT / "cronjobs" / "cleanup.py")]
    for arguments, left in ((["--dry-run"], {"train"}), ([], set())):
        done = await asyncio.create_subprocess_exec(*script, *arguments, env=environ, stdout=subprocess.DEVNULL)
        assert await done.wait() == OK
        assert api.names("pods") == left
