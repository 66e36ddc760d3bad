"""Take orders over TCP, and answer those in flight before the process ends."""

import asyncio
import logging
import signal
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing

log = logging.getLogger(__name__)

GRACE_SECONDS = 20  # less than the 30 s that Kubernetes gives before SIGKILL

type Answer = Callable[[bytes], Awaitable[bytes]]
type Shop = AbstractAsyncContextManager[Answer]


async def serve(
    listening: socket.socket, shop: Shop, *, grace: float = GRACE_SECONDS
) -> bool:
    """Answer orders, one a line, until SIGTERM or Ctrl-C.

    Args:
        listening: Where clients connect; closed at the signal.
        shop: Opens what orders need, answers them, and is closed after the last.
        grace: Seconds from the signal on for the orders in flight.

    Returns:
        Whether all of them were answered.

    Examples:
        >>> import asyncio
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
    """
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    deadline = asyncio.timeout(None)
    async with shop as answer:
        clients = _Clients(answer)
        try:
            # the end of the group waits for orders whose client has gone, too
            async with deadline, asyncio.TaskGroup() as talks:
                server = await asyncio.start_server(
                    lambda reader, writer: talks.create_task(
                        clients.talk(reader, writer)
                    ),
                    sock=listening,
                )
                with closing(server):
                    await stopping.wait()
                log.info("no new clients; %s s for the orders in flight", grace)
                deadline.reschedule(loop.time() + grace)
                clients.dismiss()
                try:
                    await server.wait_closed()  # until the last byte is sent
                finally:
                    server.abort_clients()  # none is left, unless time is up
        except TimeoutError:
            log.warning("orders in flight given up after %s s", grace)
            return False
    return True


class _Clients:
    """Those connected, and which of them have no order in flight."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._idle = set[StreamWriter]()
        self._dismissed = False

    async def talk(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer one client's orders until it leaves or is dismissed."""
        try:
            while order := await self._next(reader, writer):
                writer.write(await self._answer(order))
                await writer.drain()
        except Exception:
            log.exception("a client was lost")
        finally:
            writer.close()

    async def _next(self, reader: StreamReader, writer: StreamWriter) -> bytes:
        """Wait for a whole order; empty if none is to be answered any more."""
        if self._dismissed:
            return b""
        self._idle.add(writer)
        try:
            order = await reader.readline()
        finally:
            self._idle.remove(writer)
        taken = order.endswith(b"\n") and not writer.is_closing()
        return order if taken else b""

    def dismiss(self) -> None:
        """Close the idle connections now, and the others after their answer."""
        self._dismissed = True
        for writer in self._idle:
            writer.close()
