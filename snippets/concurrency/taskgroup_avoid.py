"""Roll out a release to every region at once, and leave some of them running."""

import asyncio
import logging
from collections.abc import Iterable, MutableMapping
from typing import Literal, Protocol

log = logging.getLogger(__name__)

WITHDRAW_SECONDS = 30

type Stage = Literal["deploying", "live", "withdrawn"]


class Region(Protocol):
    @property
    def name(self) -> str: ...

    async def deploy(self, version: str) -> None: ...

    async def withdraw(self, version: str) -> None: ...


async def roll_out(
    version: str, regions: Iterable[Region], stages: MutableMapping[str, Stage]
) -> None:
    # --8<-- [start:answer]
    # expect: test[gather_lets_a_sibling_go_live_after_the_roll_back]
    # expect: test[gather_drops_the_second_failure_without_a_word]
    # expect: test[a_cancelled_gather_leaves_before_the_clean_up_is_done]
    await asyncio.gather(
        *(_deploy(version, region, stages) for region in regions),
    )
    # --8<-- [end:answer]


async def _deploy(
    version: str, region: Region, stages: MutableMapping[str, Stage]
) -> None:
    stages[region.name] = "deploying"
    try:
        await region.deploy(version)
    except (Exception, asyncio.CancelledError) as error:
        error.add_note(f"deploying {version} to {region.name}")
        await _withdraw(version, region, stages)
        raise
    stages[region.name] = "live"


async def _withdraw(
    version: str, region: Region, stages: MutableMapping[str, Stage]
) -> None:
    try:
        async with asyncio.timeout(WITHDRAW_SECONDS):
            await region.withdraw(version)
    except Exception:
        log.exception("%s: %s could not be withdrawn", region.name, version)
    else:
        stages[region.name] = "withdrawn"
