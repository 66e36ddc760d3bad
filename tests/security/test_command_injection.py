import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.clock import REAL_ASYNCIO
from proof.testing.record import Attack
from snippets.security import command_injection
from snippets.security.command_injection import SearchError, search
from snippets.security.command_injection_avoid import (
    search_in_an_asyncio_shell,
    search_in_quotes,
    search_in_repr,
    search_where_options_go,
)

ADA = "ada: paid $5, it's *fine*"
BOB = "bob: 5 left"
steady = settings(derandomize=True, database=None, deadline=None, max_examples=10)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return REAL_ASYNCIO


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a log of two lines in the working folder, beside a file with a secret."""
    (tmp_path / "secrets.env").write_text("API_KEY=hunter2\n", encoding="utf-8")
    log = tmp_path / "shop.log"
    log.write_text(f"{ADA}\n{BOB}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return log


def pwned() -> bool:
    """Tell whether the attacker's command ran."""
    return Path("pwned").exists()


@pytest.fixture
def planted(log: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a grep that is none on PATH; what it leaves if it runs is returned."""
    folder = log.parent / "bin"
    folder.mkdir()
    grep = folder / "grep"
    grep.write_text("#!/bin/sh\n: >planted-grep-ran\n", encoding="utf-8")
    grep.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.defpath}")
    return log.parent / "planted-grep-ran"


@pytest.mark.parametrize(
    ("text", "found"),
    [("paid", [ADA]), ("5", [ADA, BOB]), ("eve", []), ("ada.", []), ("it's *", [ADA])],
)
def test_a_text_is_found_character_by_character(
    log: Path, text: str, found: list[str]
) -> None:
    assert search(log, text) == found


@pytest.mark.parametrize(
    "text",
    ["'; touch pwned; '", "$(touch pwned)", "`touch pwned`", "| touch pwned", "&", "*"],
)
def test_a_command_is_found_like_any_other_text(log: Path, text: str) -> None:
    log.write_text(f"ada: typed {text}\n", encoding="utf-8")
    assert search(log, text) == [f"ada: typed {text}"]
    assert not pwned()


@pytest.mark.parametrize("text", ["-rve", "-r", "--help", "--", "-", "-f/etc/passwd"])
def test_an_option_is_found_like_any_other_text(log: Path, text: str) -> None:
    log.write_text(f"ada: typed {text}\n", encoding="utf-8")
    assert search(log, text) == [f"ada: typed {text}"]


@pytest.mark.parametrize("name", ["-c", "--", "-", "-rve"])
def test_a_log_named_like_an_option_is_still_a_file(log: Path, name: str) -> None:
    assert search(log.rename(name), "ada") == [ADA]


def test_the_text_is_an_options_value_and_the_options_end_before_the_log(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, b"", b"")

    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", run)
    assert search(log, "-r") == []
    assert [command[-4:] for command in commands] == [["-e", "-r", "--", str(log)]]


def test_grep_itself_reads_its_standard_input_for_a_dash(log: Path) -> None:
    log.rename("-")
    found = subprocess.run(
        ["/usr/bin/grep", "-e", "ada", "--", "-"],
        input=b"ada: from elsewhere\n",
        capture_output=True,
        check=True,
    )
    assert found.stdout == b"ada: from elsewhere\n"


PRINTABLE = [each for each in map(chr, range(0x21, 0x3000)) if each.isprintable()]


@given(st.text(PRINTABLE, min_size=1))
@example("-")
@steady
def test_any_printable_text_is_found_in_the_line_that_holds_it(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    log = tmp_path_factory.getbasetemp() / "any.log"
    log.write_text(f"first\n<{text}>\n", encoding="utf-8")
    assert f"<{text}>" in search(log, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada\n",
        "ada\nx",
        "\n",
        "a\0",
        "\r",
        "\x1b",
        "\u2028",
        "\ud800",
        1001 * "a",
        1_000_000 * "a",
    ],
    ids=lambda text: ascii(text[:9]),
)
def test_a_text_that_is_no_single_short_line_is_refused(log: Path, text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^search for 1 to 1000 characters in one line$"
    ):
        search(log, text)


@pytest.mark.parametrize("letter", ["a", "\U0001f600"])
def test_the_longest_text_is_found(log: Path, letter: str) -> None:
    log.write_text(1000 * letter + "\n", encoding="utf-8")
    assert search(log, 1000 * letter) == [1000 * letter]


def test_the_first_thousand_lines_are_returned(log: Path) -> None:
    log.write_text("".join(f"ada {at}\n" for at in range(1001)), encoding="utf-8")
    assert search(log, "a") == [f"ada {at}" for at in range(1000)]


def test_grep_itself_would_find_everything_that_way() -> None:
    found = subprocess.run(
        ["/usr/bin/grep", "--fixed-strings", "-e", "eve\n"],
        input=f"{ADA}\n{BOB}\n".encode(),
        capture_output=True,
        check=True,
    )
    assert found.stdout.decode().splitlines() == [ADA, BOB]


def test_bytes_that_are_no_text_hide_nothing(log: Path) -> None:
    log.write_bytes(b"\0\xff ada: login\nbob: login\n")
    assert search(log, "login") == ["\0\ufffd ada: login", "bob: login"]


def test_a_carriage_return_in_the_log_forges_no_line(log: Path) -> None:
    line = "eve: login\rada: logout\u2028bob: login"
    log.write_text(f"{line}\n", encoding="utf-8", newline="\n")
    assert search(log, "login") == [line]


def test_a_log_that_is_not_there_is_an_error_and_not_an_empty_result(log: Path) -> None:
    log.unlink()
    with pytest.raises(SearchError, match=r"shop\.log: No such file or directory\Z"):
        search(log, "ada")


def test_an_error_that_is_no_text_is_still_told(tmp_path: Path) -> None:
    log = tmp_path / os.fsdecode(b"\xff.log")
    with pytest.raises(SearchError, match=r"\ufffd[.]log: "):
        search(log, "ada")


def test_a_search_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command_injection.SECONDS == 5
    monkeypatch.setattr(command_injection, "SECONDS", 0.01)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # nobody ever writes to it: grep waits in open()
    with pytest.raises(
        SearchError, match=r"^pipe was not searched in 0\.01 s$"
    ) as given_up:
        search(pipe, "ada")
    assert isinstance(given_up.value.__cause__, subprocess.TimeoutExpired)


@pytest.mark.parametrize(
    ("grep", "log", "why"),
    [
        ("/no/such/grep", "shop.log", "No such file or directory"),
        ("/usr/bin/grep", "x" * 200_000, "Argument list too long"),
    ],
    ids=["no grep", "a path that is too long"],
)
def test_a_grep_that_does_not_start_is_a_search_error(
    grep: str, log: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_injection, "GREP", grep)
    with pytest.raises(SearchError) as refused:
        search(Path(log), "ada")
    assert str(refused.value) == f"{grep} did not start: {why}"
    assert isinstance(refused.value.__cause__, OSError)


@pytest.mark.parametrize("name", ["shop\0.log", "\ud800.log"], ids=ascii)
def test_a_path_that_can_not_be_one_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"null byte|surrogates not allowed"):
        search(Path(name), "ada")


def test_a_grep_planted_on_path_is_not_the_one_that_runs(
    log: Path, planted: Path
) -> None:
    assert search(log, "ada") == [ADA]
    assert not planted.exists()


@pytest.mark.parametrize("text", ["ada", "-rve", "'; touch pwned; '", "$(touch pwned)"])
def test_where_a_shell_is_needed_its_positional_parameters_take_the_text(
    log: Path, text: str
) -> None:
    log.write_text(f"{text}\n{text}\n", encoding="utf-8")
    script = 'grep --fixed-strings -e "$1" -- "$2" | sort -u'
    done = subprocess.run(  # noqa: S603 - a fixed script; the text is a parameter
        ["/bin/sh", "-c", script, "sh", text, log], capture_output=True, check=True
    )
    assert done.stdout.decode() == f"{text}\n"
    assert not pwned()


@pytest.mark.parametrize("text", ["it's", "$(touch pwned)", "a b", "*", "", "\n", "~"])
def test_a_shell_reads_what_shlex_quotes_as_one_word(log: Path, text: str) -> None:
    script = f"printf '<%s>' {shlex.quote(text)}"
    done = subprocess.run(  # noqa: S603 - shlex.quote is what is tested
        ["/bin/sh", "-c", script], capture_output=True, check=True, cwd=log.parent
    )
    assert done.stdout.decode() == f"<{text}>"


@pytest.mark.parametrize(
    "search_by_shell",
    [search_in_quotes, search_in_repr, search_where_options_go],
)
def test_every_one_of_them_works_in_the_demonstration(
    log: Path, search_by_shell: Callable[[Path, str], list[str]]
) -> None:
    assert search_by_shell(log, "paid") == [ADA]


def test_a_quote_in_the_text_ends_the_quoting_and_starts_a_command(
    log: Path, attack: Attack, observe: Observe
) -> None:
    text = "' /dev/null; touch pwned #"
    attack.sent(text)
    assert search_in_quotes(log, text) == []
    assert pwned()
    observe("no lines, and a file called pwned")
    attack.happened("the shell ran: touch pwned")
    Path("pwned").unlink()
    assert search(log, text) == []
    assert not pwned()
    attack.now("no line holds that text, and nothing ran")


def test_repr_chooses_the_quotes_in_which_the_shell_runs_commands(
    log: Path, observe: Observe
) -> None:
    text = "it's $(touch pwned)"
    assert search_in_repr(log, text) == [ADA]
    assert pwned()
    observe(f"ran: grep --fixed-strings {text!r} shop.log")


@pytest.mark.anyio
async def test_asyncio_has_a_shell_too_and_nobody_reports_it(
    log: Path, observe: Observe
) -> None:
    assert await search_in_an_asyncio_shell(log, "paid") == [ADA]
    text = "' /dev/null; touch pwned #"
    assert await search_in_an_asyncio_shell(log, text) == []
    assert pwned()
    observe("no lines, and a file called pwned")


def test_a_text_that_is_an_option_prints_every_file_of_the_folder(
    log: Path, attack: Attack, observe: Observe
) -> None:
    attack.sent("-rve")
    found = sorted(search_where_options_go(log, "-rve"))
    observe(found)
    assert found == [
        "secrets.env:API_KEY=hunter2",
        f"shop.log:{ADA}",
        f"shop.log:{BOB}",
    ]
    attack.happened(f"{found[0]}, and every other line of every file")
    assert search(log, "-rve") == []
    attack.now("no line holds that text")


def test_the_first_folder_on_path_says_what_grep_is(
    log: Path, planted: Path, observe: Observe
) -> None:
    assert search_where_options_go(log, "ada") == []
    assert planted.exists()
    observe("ran the file grep in a folder of the attacker's")
