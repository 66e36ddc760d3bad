"""The ledger is whole or absent, and trusted only where it was written."""

import fcntl
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest

from proof.ground import digests
from proof.ground.alone import alone
from proof.ground.digests import key_of
from proof.ground.files import write
from proof.ledger.records import (
    Claim,
    Diagnostic,
    Executed,
    Ledger,
    Machine,
    Unit,
    Verdict,
)
from proof.ledger.store import LEDGER, load, save

FULL = Ledger(
    machine=Machine.here(),
    tools={
        "ruff": Verdict(
            version="1",
            files={"snippets/a.py": "s"},
            diagnostics=[
                Diagnostic(path="a", line=1, tool="ruff", code="B006", message="„x“")
            ],
        )
    },
    units={
        "tests/a/test_b.py": Unit(
            key="k",
            sha256="s",
            tests=[Claim(name="test_x", cases=2, observed=["é"], lines={"a": [1, 2]})],
            snippets={"a": Executed(sha256="s", statements=3, branches=0)},
        )
    },
    checked={"sources": "k"},
)
NEW = Ledger(machine=Machine.here())


def planted(root: Path, text: str | bytes) -> tuple[Ledger, str]:
    path = root / LEDGER
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(root)


def changed(change: Callable[[dict[str, object]], object]) -> str:
    whole = json.loads(FULL.model_dump_json())
    change(whole)
    return json.dumps(whole)


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    save(tmp_path, FULL)
    assert load(tmp_path) == (FULL, "")


def test_the_same_verdicts_are_the_same_bytes(tmp_path: Path) -> None:
    save(tmp_path, FULL)
    first = (tmp_path / LEDGER).read_bytes()
    save(tmp_path, load(tmp_path)[0])
    assert (tmp_path / LEDGER).read_bytes() == first


def test_without_a_ledger_a_new_one_is_begun_in_silence(tmp_path: Path) -> None:
    assert load(tmp_path) == (NEW, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the whole: Invalid JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "the whole: Input should be an object"),
        (b"\xff\xfe", "the whole: Invalid JSON: expected value at line 1 column 1"),
        (changed(lambda it: it.pop("machine")), "machine: Field required"),
        (changed(lambda it: it.update(version=2)), "version: Input should be 1"),
        (
            changed(lambda it: it.update(signed=True)),
            "signed: Extra inputs are not permitted",
        ),
        (
            changed(lambda it: it.update(units={"t": {"key": "k", "tests": []}})),
            "units.t.sha256: Field required",
        ),
    ],
    ids=["empty", "list", "bytes", "lacking", "version", "unknown", "half a unit"],
)
def test_a_ledger_of_another_form_is_named_and_made_anew(
    tmp_path: Path, text: str | bytes, why: str
) -> None:
    assert planted(tmp_path, text) == (
        NEW,
        f"{LEDGER}: can't be trusted ({why}): made anew",
    )


def test_a_truncated_ledger_is_never_trusted_wherever_it_ends(tmp_path: Path) -> None:
    text = FULL.model_dump_json()
    for end in range(len(text)):
        found, why = planted(tmp_path, text[:end])
        assert found == NEW
        assert why.startswith(f"{LEDGER}: can't be trusted (the whole: Invalid JSON:")


def test_a_ledger_of_another_machine_is_named_and_made_anew(tmp_path: Path) -> None:
    other = Machine(python="CPython 3.12.1", system="Darwin arm64")
    text = FULL.model_copy(update={"machine": other}).model_dump_json()
    assert planted(tmp_path, text) == (
        NEW,
        f"{LEDGER}: from another machine (CPython 3.12.1, Darwin arm64): made anew",
    )


def test_a_reader_never_sees_half_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, FULL)
    seen: list[Ledger] = []

    rename = os.replace

    def look(half: Path, path: Path) -> None:
        """Read at the moment when the new file is written, but not in place."""
        assert Ledger.model_validate_json(half.read_bytes()) == NEW
        seen.append(load(tmp_path)[0])
        rename(half, path)

    monkeypatch.setattr(os, "replace", look)
    save(tmp_path, NEW)
    assert [*seen, load(tmp_path)[0]] == [FULL, NEW]


def test_what_fails_while_it_is_written_leaves_the_old_and_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, FULL)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path, NEW)
    assert [path.name for path in (tmp_path / ".proof").iterdir()] == ["ledger.json"]
    assert load(tmp_path) == (FULL, "")


def dead() -> int:
    """Give the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-IS", "-c", ""]) as process:
        return process.pid


def test_the_next_run_removes_the_halves_of_killed_ones_and_nothing_else(
    tmp_path: Path,
) -> None:
    gone, lives = dead(), os.getpid()
    halves = [
        f".proof/ledger.json.{gone}.half",
        f".proof/fragments/cart/do.md.{gone}.half",
        f"docs/cart/add-item.md.{gone}.half",
        f"snippets/cart/add_item.py.{gone}.half",
        f"tests/cart/test_add_item.py.{gone}.half",
        ".proof/site.half/index.html",
        ".proof/site.old/index.html",
        "site.half/index.html",
        "site.old/index.html",
    ]
    others = [
        f".proof/fragments/cart/avoid.md.{lives}.half",
        ".proof/ledger.json",
        ".proof/site/index.html",
        "docs/glass.half",
        "site/index.html",
    ]
    for path in [*halves, *others]:
        write(tmp_path / path, "")
    with alone(tmp_path):
        pass
    left = {
        path.relative_to(tmp_path).as_posix()
        for path in tmp_path.glob("**/*")
        if path.is_file()
    }
    assert left == {*others, ".proof/lock"}


def test_a_second_run_in_the_same_folder_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting, done, order = threading.Event(), threading.Event(), list[str]()
    lock = fcntl.flock

    def flock(file: TextIO, how: int) -> None:
        if not how & fcntl.LOCK_NB:
            waiting.set()
        lock(file, how)

    def second() -> None:
        with alone(tmp_path):
            order.append("second")
        done.set()

    monkeypatch.setattr(fcntl, "flock", flock)
    with alone(tmp_path):
        threading.Thread(target=second, daemon=True).start()
        assert waiting.wait(20)
        order.append("first")
    assert done.wait(20)
    assert order == ["first", "second"]
    assert capsys.readouterr().out == "Waiting for another run in this folder.\n"


def test_a_key_does_not_depend_on_the_order_or_on_repetition(tmp_path: Path) -> None:
    write(tmp_path / "a", "1")
    write(tmp_path / "b", "2")
    one = key_of(tmp_path, ["a", "b"], {"x": "1", "y": "2"})
    other = key_of(tmp_path, ["b", "a", "b"], {"y": "2", "x": "1"})
    assert one == other


@pytest.mark.parametrize(
    ("paths", "more"),
    [
        (["a"], {"x": "1"}),
        (["a", "b", "c"], {"x": "1"}),
        (["a", "b"], {}),
        (["a", "b"], {"x": "2"}),
        (["a", "b"], {"x": "1", "y": ""}),
    ],
    ids=["less", "missing", "no more", "value", "name"],
)
def test_a_key_tells_all_inputs_apart(
    tmp_path: Path, paths: list[str], more: dict[str, str]
) -> None:
    write(tmp_path / "a", "1")
    write(tmp_path / "b", "2")
    assert key_of(tmp_path, paths, more) != key_of(tmp_path, ["a", "b"], {"x": "1"})


def test_a_key_tells_two_values_from_one_that_looks_like_both(tmp_path: Path) -> None:
    one = key_of(tmp_path, [], {"x": "1\ny=2"})
    assert one != key_of(tmp_path, [], {"x": "1", "y": "2"})


def test_a_key_tells_a_file_from_another_of_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a", "1")
    write(tmp_path / "b", "1")
    assert key_of(tmp_path, ["a"], {}) != key_of(tmp_path, ["b"], {})


def test_a_key_holds_the_bytes_and_not_their_age(tmp_path: Path) -> None:
    write(tmp_path / "a", "1")
    before = key_of(tmp_path, ["a"], {})
    os.utime(tmp_path / "a", (0, 0))
    assert key_of(tmp_path, ["a"], {}) == before
    write(tmp_path / "a", "2")
    os.utime(tmp_path / "a", (0, 0))
    assert key_of(tmp_path, ["a"], {}) != before


def test_a_key_depends_on_the_interpreter_and_on_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [key_of(tmp_path, [], {})]
    monkeypatch.setattr(sys, "version", "3.13.99")
    keys.append(key_of(tmp_path, [], {}))
    monkeypatch.setattr(platform, "platform", lambda: "Plan9")
    keys.append(key_of(tmp_path, [], {}))
    assert len(set(keys)) == len(keys)


def test_a_key_depends_on_the_packages_that_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "site-packages"
    (packages / "ruff-0.17.6.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(packages)])
    before = key_of(tmp_path, [], {})
    (packages / "ruff-0.17.6.dist-info").rename(packages / "ruff-0.17.7.dist-info")
    digests.installed.cache_clear()
    assert key_of(tmp_path, [], {}) != before
    digests.installed.cache_clear()
