"""The person's page of the main job, and the development provider people sign in at for it.

Each is a process of its own, as the page is in a deployment; both end with whoever started them.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from services.deployment.development import PageAddresses
from services.deployment.launch import bound
from services.preferences.settings import split_address
from services.server import AddressTaken

_STOP_S = 10.0
_AGAIN_S = 0.05
_PROVIDER = "services.preferences.development_provider"


@asynccontextmanager
async def running_page(
    config: Path, dataset: str, addresses: PageAddresses
) -> AsyncIterator[dict[str, asyncio.Task[int]]]:
    """The page and its provider while the block runs.

    Args:
        config: the deployment's configuration; logs go beside it, "preferences.log".
        dataset: the imported data set, whose people may sign in.
        addresses: where both listen; see ``must_be_free``.

    Yields:
        What is done when one of them has ended, by its name.
    """
    with (config.parent / "preferences.log").open("a") as output:
        commands = {
            "the person's page": ("services", "preferences", str(config)),
            "the development provider": (_PROVIDER, str(config), dataset),
        }
        processes = {
            name: await asyncio.create_subprocess_exec(
                *bound(sys.executable, "-m", *command), stdout=output, stderr=output, start_new_session=True
            )
            for name, command in commands.items()
        }
    ended = {name: asyncio.create_task(process.wait()) for name, process in processes.items()}
    try:
        listening: asyncio.Future[Any] = asyncio.gather(
            _listens(addresses.process), _listens(addresses.provider)
        )
        awaited: list[asyncio.Future[Any]] = [listening, *ended.values()]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        yield ended
    finally:
        for task in ended.values():
            task.cancel()  # that they end now is nobody's news
        await asyncio.gather(*(_stop(process) for process in processes.values()))


def must_be_free(addresses: PageAddresses) -> None:
    """Looks where the page is to be before anything of it is started.

    Raises:
        AddressTaken: something else listens where it, or what belongs to it, should.
    """
    for address in (addresses.page, addresses.provider, addresses.process):
        try:
            socket.create_server(split_address(address)).close()
        except OSError:
            raise AddressTaken(
                f"the person's page can not listen on {address}; is it taken? --page HOST:PORT takes another"
            ) from None


async def _listens(address: str) -> None:
    """Returns when somebody listens at an address."""
    while True:
        try:
            _, writer = await asyncio.open_connection(*split_address(address))
        except OSError:
            await asyncio.sleep(_AGAIN_S)
        else:
            writer.close()
            await writer.wait_closed()
            return


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
