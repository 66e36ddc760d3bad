import asyncio
import dis
import json
import signal
import subprocess
import sys
from asyncio import CancelledError, Queue, QueueShutDown, Task, create_task
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest

from proof.testing.basics import Observe
from snippets.pitfalls.bare_except import (
    CardDeclinedError,
    Outcome,
    charge_all,
    charge_queued,
)
from snippets.pitfalls.bare_except_avoid import CardDeclinedError as AvoidDeclinedError
from snippets.pitfalls.bare_except_avoid import Outcome as AvoidOutcome
from snippets.pitfalls.bare_except_avoid import charge_all as charge_all_bare
from snippets.pitfalls.bare_except_avoid import charge_queued as charge_queued_base

ROOT = Path(__file__).parents[2]
TOO_LONG_SECONDS = 20
ORDERS_TO_STOP = (KeyboardInterrupt, SystemExit, CancelledError, GeneratorExit)


def failing(error: BaseException) -> Callable[[str], None]:
    def charge(account: str) -> None:
        if account == "ada":
            raise error

    return charge


def press_ctrl_c_while_ada_is_charged(module: str) -> tuple[int, list[str]]:
    """Return the exit code of a real run, and the accounts that it came to."""
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            """
import importlib, signal, sys

# a parent that ignores SIGINT hands that on: start as from a terminal
signal.signal(signal.SIGINT, signal.default_int_handler)
batch = importlib.import_module(sys.stdin.readline().strip())

def charge(account):
    print(account, flush=True)
    if account == "ada":
        sys.stdin.read()

batch.charge_all(["ada", "bob"], charge, batch.Outcome())
""",
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    ) as child:
        deadline = Timer(TOO_LONG_SECONDS, child.kill)
        deadline.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(f"{module}\n")
            child.stdin.flush()
            ready = child.stdout.readline()
            child.send_signal(signal.SIGINT)
            # also ends the read of a child that the signal found just before it
            rest, _ = child.communicate()
        finally:
            deadline.cancel()
            child.kill()
    return child.returncode, (ready + rest).split()


class UnforeseenError(Exception):
    """What no library has, so that only ``except Exception`` can catch it."""


def test_an_account_that_fails_does_not_stop_the_others() -> None:
    outcome = Outcome()
    charge_all(("ada", "bob"), failing(TimeoutError("bank")), outcome)
    assert outcome == Outcome(charged=["bob"], failed=["ada"])


@pytest.mark.parametrize(
    "error", [UnforeseenError(), OSError(), ExceptionGroup("bank", [OSError()])]
)
def test_an_error_that_nobody_foresaw_is_one_accounts_failure(error: Exception) -> None:
    outcome = Outcome()
    charge_all(["ada", "bob"], failing(error), outcome)
    assert outcome == Outcome(charged=["bob"], failed=["ada"])


def test_an_unexpected_failure_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = TimeoutError("bank")
    charge_all(["ada"], failing(error), Outcome())
    [record] = caplog.records
    assert record.name == "snippets.pitfalls.bare_except"
    assert record.getMessage() == "charging ada failed"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_a_declined_card_is_an_outcome_and_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcome = Outcome()
    charge_all(["ada", "bob"], failing(CardDeclinedError()), outcome)
    assert outcome == Outcome(charged=["bob"], declined=["ada"])
    assert caplog.records == []


@pytest.mark.parametrize("kind", ORDERS_TO_STOP)
def test_an_order_to_stop_loses_no_account_that_was_begun(
    kind: type[BaseException],
) -> None:
    outcome = Outcome()
    with pytest.raises(kind):
        charge_all(["bob", "ada", "eve"], failing(kind()), outcome)
    assert outcome == Outcome(charged=["bob"], unclear=["ada"])


def test_an_error_of_the_accounts_themselves_keeps_what_was_charged() -> None:
    def accounts() -> Iterator[str]:
        yield "bob"
        raise OSError("lost connection")

    outcome = Outcome()
    with pytest.raises(OSError, match=r"^lost connection$"):
        charge_all(accounts(), failing(OSError()), outcome)
    assert outcome == Outcome(charged=["bob"])


def test_ctrl_c_ends_the_run_before_the_next_account() -> None:
    code, accounts = press_ctrl_c_while_ada_is_charged("snippets.pitfalls.bare_except")
    assert (code, accounts) == (-signal.SIGINT, ["ada"])


@pytest.mark.parametrize("kind", ORDERS_TO_STOP)
def test_except_exception_lets_every_order_to_stop_pass(
    kind: type[BaseException],
) -> None:
    with pytest.raises(kind):
        charge_all(["ada"], failing(kind()), Outcome())
    assert not issubclass(kind, Exception)


def test_a_worker_sorts_its_accounts_and_marks_each_as_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def charge(account: str) -> None:
        await asyncio.sleep(0)
        errors = {"bob": CardDeclinedError(), "eve": UnforeseenError()}
        if account in errors:
            raise errors[account]

    async def main() -> None:
        queue = Queue[str]()
        for account in ("ada", "bob", "eve"):
            queue.put_nowait(account)
        worker = create_task(charge_queued(queue, charge, outcome))
        async with asyncio.timeout(TOO_LONG_SECONDS):
            await queue.join()
        worker.cancel()

    outcome = Outcome()
    asyncio.run(main())
    assert outcome == Outcome(["ada"], ["bob"], ["eve"])
    assert [(r.getMessage(), r.exc_info is None) for r in caplog.records] == [
        ("charging eve failed", False)
    ]


def test_a_cancelled_worker_ends_and_keeps_its_account_as_unclear() -> None:
    async def main() -> None:
        async def charge(account: str) -> None:
            events.append(account)
            charging.set()
            await asyncio.Event().wait()

        charging = asyncio.Event()
        queue = Queue[str]()
        queue.put_nowait("ada")
        outcome = Outcome()
        worker: Task[None] = create_task(charge_queued(queue, charge, outcome))
        async with asyncio.timeout(TOO_LONG_SECONDS):
            await charging.wait()
            worker.cancel()
            with pytest.raises(CancelledError):
                await worker
            await queue.join()
        assert outcome == Outcome(unclear=["ada"])

    events: list[str] = []
    asyncio.run(main())
    assert events == ["ada"]


def test_ctrl_c_is_swallowed_and_the_next_account_is_charged(
    observe: Observe,
) -> None:
    outcome = AvoidOutcome()
    charge_all_bare(("ada", "bob"), failing(KeyboardInterrupt()), outcome)
    assert outcome == AvoidOutcome(charged=["bob"], failed=["ada"])
    code, accounts = press_ctrl_c_while_ada_is_charged(
        "snippets.pitfalls.bare_except_avoid"
    )
    observe(f"charged after Ctrl-C: {accounts[1:]}, exit code {code}")
    assert (code, accounts) == (0, ["ada", "bob"])


def test_the_exit_code_of_sys_exit_is_lost(observe: Observe) -> None:
    def charge(account: str) -> None:
        if account == "ada":
            sys.exit(3)

    outcome = AvoidOutcome()
    charge_all_bare(["ada", "bob"], charge, outcome)
    observe(f"charged: {outcome.charged}, failed: {outcome.failed}")
    assert outcome == AvoidOutcome(charged=["bob"], failed=["ada"])


def test_a_cancelled_worker_charges_the_next_account(observe: Observe) -> None:
    async def main() -> None:
        async def charge(account: str) -> None:
            charging.set()
            if account == "ada":
                await asyncio.Event().wait()

        charging = asyncio.Event()
        queue = Queue[str]()
        for account in ("ada", "bob"):
            queue.put_nowait(account)
        worker = create_task(charge_queued_base(queue, charge, outcome))
        async with asyncio.timeout(TOO_LONG_SECONDS):
            await charging.wait()
            worker.cancel()
            await queue.join()
        assert not worker.done()
        worker.cancel()

    outcome = AvoidOutcome()
    asyncio.run(main())
    observe(f"charged: {outcome.charged}, failed: {outcome.failed}")
    assert outcome == AvoidOutcome(charged=["bob"], failed=["ada"])


def test_a_queue_that_is_shut_down_ends_the_worker() -> None:
    async def main() -> None:
        async def charge(account: str) -> None:
            await asyncio.sleep(0)
            raise AssertionError(account)

        queue = Queue[str]()
        queue.shutdown()
        async with asyncio.timeout(TOO_LONG_SECONDS):
            with pytest.raises(QueueShutDown):
                await charge_queued(queue, charge, Outcome())

    asyncio.run(main())


def test_the_counterexample_tells_a_declined_card_from_a_failure_as_well() -> None:
    async def charge(account: str) -> None:
        await asyncio.sleep(0)
        raise AvoidDeclinedError(account)

    async def main() -> None:
        queue = Queue[str]()
        queue.put_nowait("eve")
        queue.shutdown()
        worker = create_task(charge_queued_base(queue, charge, outcome))
        async with asyncio.timeout(TOO_LONG_SECONDS):
            await asyncio.wait([worker])
        assert isinstance(worker.exception(), QueueShutDown)

    outcome = AvoidOutcome()
    charge_all_bare(["ada"], failing(AvoidDeclinedError()), outcome)
    asyncio.run(main())
    assert outcome == AvoidOutcome(declined=["ada", "eve"])


@pytest.mark.parametrize(
    ("clause", "handler", "codes"),
    [
        ("except:", "pass", ["E722"]),
        ("except:", "log.exception('')", ["E722"]),
        ("except BaseException:", "pass", ["BLE001"]),
        ("except BaseException:", "log.exception('')", []),
    ],
)
def test_ble001_overlooks_a_bare_except_and_a_handler_that_logs(
    clause: str, handler: str, codes: list[str]
) -> None:
    code = "import logging\nlog = logging.getLogger()\ntry:\n    open('a')\n"
    code += f"{clause}\n    {handler}\n"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache"]
    command += ["--select=BLE001,E722", "--output-format=json", "-"]
    done = subprocess.run(  # noqa: S603 - a fixed command, without a shell
        command,
        input=code,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=TOO_LONG_SECONDS,
    )
    assert [each["code"] for each in json.loads(done.stdout)] == codes


def test_a_bare_except_has_no_instruction_that_looks_at_the_type() -> None:
    named = [step.opname for step in dis.get_instructions(charge_all)]
    bare = [step.opname for step in dis.get_instructions(charge_all_bare)]
    # both name the declined card, and one names the rest
    assert named.count("CHECK_EXC_MATCH") == 2
    assert bare.count("CHECK_EXC_MATCH") == 1
