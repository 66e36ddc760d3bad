"""Roll out a release to every region at once, and stop at the first that fails."""

import asyncio
import logging
from collections.abc import Iterable, MutableMapping
from typing import Literal, Protocol

log = logging.getLogger(__name__)

WITHDRAW_SECONDS = 30

type Stage = Literal["deploying", "live", "withdrawn"]


class Region(Protocol):
    """A place where hosts run."""

    @property
    def name(self) -> str:
        """Return what the operators call it."""
        ...

    async def deploy(self, version: str) -> None:
        """Start a version on all hosts."""
        ...

    async def withdraw(self, version: str) -> None:
        """Stop all that was started of a version."""
        ...


async def roll_out(
    version: str, regions: Iterable[Region], stages: MutableMapping[str, Stage]
) -> None:
    """Deploy a version to all regions at once.

    Args:
        version: What to deploy.
        regions: Where to; each has a name of its own.
        stages: Told how far each region has come, whatever the end: those that are
            ``"live"`` can be rolled back, and one that is still ``"deploying"`` could
            not be withdrawn.

    Raises:
        ExceptionGroup: If regions failed. A note on each failure names its region.
        CancelledError: If the caller or one deployment alone was cancelled.

    Examples:
        >>> import asyncio
        >>> class Fake:
        ...     name = "eu"
        ...
        ...     async def deploy(self, version: str) -> None: ...
        ...     async def withdraw(self, version: str) -> None: ...
        >>> stages: dict[str, Stage] = {}
        >>> asyncio.run(roll_out("v2", [Fake()], stages))
        >>> stages
        {'eu': 'live'}
    """
    # --8<-- [start:answer]
    async with asyncio.TaskGroup() as group:
        deployments = [
            group.create_task(_deploy(version, region, stages)) for region in regions
        ]
    # --8<-- [end:answer]
    for deployment in deployments:
        deployment.result()  # raises for one cancelled alone, which fails no group


async def _deploy(
    version: str, region: Region, stages: MutableMapping[str, Stage]
) -> None:
    """Deploy to one region, and undo it here: the group cancels this task only once."""
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
    """Undo a deployment, or leave its stage as it is."""
    try:
        async with asyncio.timeout(WITHDRAW_SECONDS):
            await region.withdraw(version)
    except Exception:
        # raised from here, it would replace the failure or cancellation under way
        log.exception("%s: %s could not be withdrawn", region.name, version)
    else:
        stages[region.name] = "withdrawn"
