"""The gateway as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp

from embedded.ports import free_port
from gateway.routing import SERVICES
from gateway.testing import SECRET, Echo


async def test_it_starts_traces_what_goes_through_and_stops_when_told(tmp_path: Path) -> None:
    echo = Echo(frozenset())
    (tmp_path / "verify.pem").write_bytes(echo.key.as_pem(private=False))
    await echo.start()
    listen = f"127.0.0.1:{free_port()}"
    environment = {
        "EVERLOG_LISTEN": listen,
        "EVERLOG_SECRETS": str(tmp_path),
        "EVERLOG_SERVICES": ",".join(f"{name}={echo.url}" for name in SERVICES),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "gateway", env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with aiohttp.ClientSession() as http:
            await _until_ready(http, f"http://{listen}/readyz")
            headers = {"Authorization": f"Bearer {SECRET}"}
            async with http.get(f"http://{listen}/api/v1/deals", headers=headers) as response:
                told = await response.json()
            async with http.get(f"http://{listen}/metrics") as response:
                metrics = await response.text()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await echo.stop()
    version, trace, span, _ = told["headers"]["traceparent"].split("-")
    assert (version, len(trace), len(span)) == ("00", 32, 16)
    assert 'http_route="/api/v1/deals"' in metrics
    assert 'everlog_process_info{role="gateway",service="gateway"} 1.0' in metrics


async def _until_ready(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
