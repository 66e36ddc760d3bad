"""Roll out a release to every region at once, and stop at the first that fails."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

WITHDRAW_SECONDS = 30


class Region(Protocol):
    """A place where hosts run."""

    @property
    def name(self) -> str:
        """Return what the operators call it."""
        ...

    async def deploy(self, version: str) -> int:
        """Start a version, and return how many hosts serve it."""
        ...

    async def withdraw(self, version: str) -> None:
        """Stop all that was started of a version."""
        ...


async def roll_out(version: str, regions: Iterable[Region]) -> dict[str, int]:
    """Deploy a version to all regions at once.

    However it ends, no deployment is running any more, and those that were not
    finished are withdrawn: the caller can roll the others back.

    Args:
        version: What to deploy.
        regions: Where to; each has a name of its own.

    Returns:
        The number of hosts that serve the version, by region.

    Raises:
        ExceptionGroup: If regions failed. A note on each failure names its region.

    Examples:
        >>> import asyncio
        >>> class Fake:
        ...     name = "eu"
        ...
        ...     async def deploy(self, version: str) -> int:
        ...         return {"v2": 3}[version]
        ...
        ...     async def withdraw(self, version: str) -> None: ...
        >>> asyncio.run(roll_out("v2", [Fake()]))
        {'eu': 3}
    """
    async with asyncio.TaskGroup() as group:
        deployments = {
            region.name: group.create_task(_deploy(version, region))
            for region in regions
        }
    # Only reached when no task has failed; result() raises for one cancelled alone.
    return {name: task.result() for name, task in deployments.items()}


async def _deploy(version: str, region: Region) -> int:
    """Deploy to one region, and undo it here: the group cancels this task only once."""
    try:
        return await region.deploy(version)
    except BaseException as error:  # a sibling's failure comes as CancelledError
        error.add_note(f"deploying {version} to {region.name}")
        async with asyncio.timeout(WITHDRAW_SECONDS):
            await region.withdraw(version)
        raise
