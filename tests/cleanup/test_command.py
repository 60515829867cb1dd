"""`genet cleanup` as a program: what it prints and with what code it ends."""

import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genet import naming
from genet.cleanup.command import FAILED, NOT_STARTED, OK, main
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


def run(*arguments, **environ):
    out, err = io.StringIO(), io.StringIO()
    code = main(arguments, {"GENET_AUTH__MODE": "dev", **environ}, out, err)
    return code, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


async def aside(api, tmp_path, *arguments, **environ):
    kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
    return await asyncio.to_thread(run, *arguments, KUBECONFIG=str(kubeconfig), **environ)


async def test_what_was_done_is_printed_for_programs_and_for_people(api, tmp_path):
    code, lines, said = await aside(api, tmp_path)
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


async def test_a_dry_run_says_what_it_would_delete(api, tmp_path):
    code, lines, said = await aside(api, tmp_path, "--dry-run")
    assert (code, [line["action"] for line in lines]) == (OK, ["would-delete"])
    assert said == "Clean-up: 1 would delete.\n"
    assert api.names("pods") == {"train"}


async def test_any_failure_shows_in_the_exit_code(api, tmp_path):
    api.failing["DELETE /api/v1/namespaces/user-ann-a/pods/train"] = 403
    code, lines, _ = await aside(api, tmp_path)
    assert (code, [line["action"] for line in lines]) == (FAILED, ["failed"])


async def test_an_api_server_that_does_not_answer_is_a_failure(api, tmp_path):
    await api.stop()
    code, lines, said = await aside(api, tmp_path)
    assert (code, lines) == (FAILED, [])
    assert said.startswith("Nothing was done: ")


async def test_a_clean_up_that_is_off_does_nothing(api, tmp_path):
    code, lines, said = await aside(api, tmp_path, GENET_LIFECYCLE__ENABLED="false")
    assert (code, lines) == (OK, [])
    assert "off" in said
    assert api.names("pods") == {"train"}


def test_a_bad_configuration_is_told_by_its_key():
    code, _, said = run(GENET_LIFECYCLE__TIMEZONE="Mars/Olympus")
    assert code == NOT_STARTED
    assert "lifecycle.timezone" in said


def test_the_cron_job_s_script_is_the_same_program():
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = [sys.executable, str(ROOT / "cronjobs" / "cleanup.py"), "--help"]
    done = subprocess.run(script, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "--dry-run" in done.stdout
