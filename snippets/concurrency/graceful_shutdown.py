"""Take orders over TCP, and answer those in flight before the process ends."""

import asyncio
import faulthandler
import logging
import signal
import socket
from asyncio import Event, StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing

log = logging.getLogger(__name__)

# Together less than Kubernetes' 30 s, of which its preStop hook takes its part.
GRACE_SECONDS = 15
CLOSE_SECONDS = 5

type Answer = Callable[[bytes], Awaitable[bytes]]
type Idle = set[StreamWriter]
type Shop = AbstractAsyncContextManager[Answer]


async def serve(listening: socket.socket, shop: Shop) -> bool:
    """Answer orders, one a line, until SIGTERM or Ctrl-C.

    Orders in flight have ``GRACE_SECONDS`` from the moment when the loop sees the
    signal. A process that isn't over ``CLOSE_SECONDS`` later writes the stacks of its
    threads to the standard error, and exits with status 1.

    Args:
        listening: Where clients connect; closed at the signal.
        shop: Opens what orders need, answers them, and is closed after the last.

    Returns:
        Whether all of them were answered.

    Raises:
        RuntimeError: If this is not the main thread.
        Exception: What opening or closing the shop or the socket raises.

    Examples:
        >>> import asyncio
        >>> import faulthandler
        >>> import signal
        >>> import socket
        >>> from contextlib import nullcontext
        >>> async def pack(order: bytes) -> bytes:
        ...     return await asyncio.sleep(0, b"packed " + order)
        >>> async def main(listening: socket.socket) -> bool:
        ...     loop = asyncio.get_running_loop()
        ...     loop.call_soon(signal.raise_signal, signal.SIGTERM)
        ...     return await serve(listening, nullcontext(pack))
        >>> asyncio.run(main(socket.create_server(("127.0.0.1", 0))))
        True
        >>> faulthandler.cancel_dump_traceback_later()  # this process goes on
    """
    loop, stop = asyncio.get_running_loop(), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    deadline, idle = asyncio.timeout(None), set[StreamWriter]()
    async with shop as answer:
        try:
            # its end waits for orders whose client has gone, too
            async with deadline, asyncio.TaskGroup() as talks:
                server = await asyncio.start_server(
                    lambda reader, writer: talks.create_task(
                        _talk(answer, stop, idle, reader, writer)
                    ),
                    sock=listening,
                )
                # --8<-- [start:answer]
                with closing(server):
                    await stop.wait()
                log.info("no new clients; %s s for the orders in flight", GRACE_SECONDS)
                deadline.reschedule(loop.time() + GRACE_SECONDS)
                all_in_all = GRACE_SECONDS + CLOSE_SECONDS
                faulthandler.dump_traceback_later(all_in_all, exit=True)
                for writer in idle:
                    writer.close()
                try:
                    await server.wait_closed()  # until the last byte is sent
                finally:
                    server.abort_clients()  # none is left, unless time is up
                # --8<-- [end:answer]
        except TimeoutError:
            log.warning("orders in flight given up after %s s", GRACE_SECONDS)
    return not deadline.expired()


async def _talk(
    answer: Answer, stop: Event, idle: Idle, reader: StreamReader, writer: StreamWriter
) -> None:
    """Answer one client's orders until it leaves, or the process has to end."""
    try:
        while not stop.is_set():
            idle.add(writer)
            order = await reader.readline()
            idle.remove(writer)
            if writer.is_closing() or not order.endswith(b"\n"):
                break  # let go while it was idle, or gone in the middle of an order
            writer.write(await answer(order))
            await writer.drain()
    except Exception:
        log.exception("a client was lost")
    finally:
        idle.discard(writer)
        writer.close()
