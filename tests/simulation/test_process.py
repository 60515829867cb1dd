import asyncio
import json
import signal
import stat
import sys
from pathlib import Path

import aiohttp


async def start(*options: str) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "genet.simulation", "--scenario", "empty", *options)
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout
    return process, json.loads(await asyncio.wait_for(process.stdout.readline(), 30))


async def test_the_process_says_where_it_serves_and_ends_on_term(tmp_path: Path):
    kubeconfig = tmp_path / "kubeconfig"
    process, ready = await start("--kubeconfig", str(kubeconfig))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{ready['server']}/api/v1/nodes") as response:
            assert [node["metadata"]["name"] for node in (await response.json())["items"]] == ["node1"]
        async with session.get(f"{ready['prometheus']}/-/healthy") as response:
            assert response.status == 200
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    assert json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"] == ready["server"]
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_the_process_ends_with_its_parent():
    process, _ = await start("--until-stdin-closes")
    assert process.stdin
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0
