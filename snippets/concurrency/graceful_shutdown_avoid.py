"""Take orders over TCP, and lose those in flight when the process ends."""

import asyncio
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import FrameType

type Answer = Callable[[bytes], Awaitable[bytes]]
type Shop = AbstractAsyncContextManager[Answer]


async def talk(answer: Answer, reader: StreamReader, writer: StreamWriter) -> None:
    while order := await reader.readline():
        writer.write(await answer(order))
        await writer.drain()
    writer.close()


async def serve_until_killed(listening: socket.socket, shop: Shop) -> None:
    async with shop as answer:
        server = await asyncio.start_server(partial(talk, answer), sock=listening)
        # expect: test[the_process_is_killed_with_an_order_in_flight]
        await server.serve_forever()


def leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


async def serve_until_exit(listening: socket.socket, shop: Shop) -> None:
    # expect: test[an_exit_in_the_handler_drops_the_order_and_reports_success]
    signal.signal(signal.SIGTERM, leave)
    async with shop as answer:
        server = await asyncio.start_server(partial(talk, answer), sock=listening)
        await server.serve_forever()


async def serve_until_all_have_left(listening: socket.socket, shop: Shop) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with shop as answer:
        server = await asyncio.start_server(partial(talk, answer), sock=listening)
        # --8<-- [start:answer]
        await stopping.wait()
        server.close()
        # expect: test[one_client_that_stays_keeps_the_process_from_ending]
        await server.wait_closed()
        # --8<-- [end:answer]
