"""Search a log with grep, and run what somebody typed."""

import asyncio
import os
import subprocess
from pathlib import Path


def search_in_quotes(log: Path, text: str) -> list[str]:
    # --8<-- [start:answer]
    # expect: ruff[S602]
    # expect: test[a_quote_in_the_text_ends_the_quoting_and_starts_a_command]
    done = subprocess.run(
        f"grep --fixed-strings --max-count=1000 '{text}' {log}",
        shell=True,
        capture_output=True,
        check=False,
    )
    # --8<-- [end:answer]
    return done.stdout.decode().splitlines()


def search_in_repr(log: Path, text: str) -> list[str]:
    # expect: ruff[S605] mypy[deprecated] pyright[reportDeprecated]
    # expect: test[repr_chooses_the_quotes_in_which_the_shell_runs_commands]
    with os.popen(f"grep --fixed-strings --max-count=1000 {text!r} {log}") as found:
        return found.read().splitlines()


async def search_in_an_asyncio_shell(log: Path, text: str) -> list[str]:
    # expect: test[asyncio_has_a_shell_too_and_nobody_reports_it]
    grep = await asyncio.create_subprocess_shell(
        f"grep --fixed-strings --max-count=1000 '{text}' {log}",
        stdout=asyncio.subprocess.PIPE,
    )
    found, _ = await grep.communicate()
    return found.decode().splitlines()


def search_where_options_go(log: Path, text: str) -> list[str]:
    # expect: ruff[S603]
    # expect: test[a_text_that_is_an_option_prints_every_file_of_the_folder]
    done = subprocess.run(
        # expect: ruff[S607]
        # expect: test[the_first_folder_on_path_says_what_grep_is]
        ["grep", "--fixed-strings", "--max-count=1000", text, log],
        capture_output=True,
        check=False,
    )
    return done.stdout.decode().splitlines()
