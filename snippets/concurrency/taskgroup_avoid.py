"""Roll out a release to every region at once, and leave some of them running."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

WITHDRAW_SECONDS = 30


class Region(Protocol):
    @property
    def name(self) -> str: ...

    async def deploy(self, version: str) -> int: ...

    async def withdraw(self, version: str) -> None: ...


async def roll_out(version: str, regions: Sequence[Region]) -> dict[str, int]:
    # expect: test[gather_lets_a_sibling_go_live_after_the_roll_back]
    # expect: test[gather_drops_the_second_failure_without_a_word]
    # expect: test[a_cancelled_gather_leaves_before_the_clean_up_is_done]
    hosts = await asyncio.gather(*(_deploy(version, region) for region in regions))
    return {region.name: n for region, n in zip(regions, hosts, strict=True)}


async def _deploy(version: str, region: Region) -> int:
    try:
        return await region.deploy(version)
    except BaseException as error:
        error.add_note(f"deploying {version} to {region.name}")
        async with asyncio.timeout(WITHDRAW_SECONDS):
            await region.withdraw(version)
        raise
