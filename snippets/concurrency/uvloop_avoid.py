"""Run a service on uvloop: everywhere, or nowhere, or so it seems."""

import asyncio
from collections.abc import Coroutine
from typing import Any

# expect: test[without_uvloop_a_module_that_imports_it_cannot_be_imported]
import uvloop


# --8<-- [start:answer]
def run[T](main: Coroutine[Any, Any, T]) -> T:
    # expect: mypy[deprecated] pyright[reportDeprecated]
    # expect: test[a_policy_changes_every_later_loop_of_the_process]
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    return asyncio.run(main)


# --8<-- [end:answer]


async def serve(stopped: asyncio.Event) -> str:
    # expect: test[installed_by_the_running_program_it_changes_nothing_for_it]
    uvloop.install()
    await stopped.wait()
    return type(asyncio.get_running_loop()).__module__
