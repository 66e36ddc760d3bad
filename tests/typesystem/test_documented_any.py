import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from mypy import api

from proof.testing.basics import Observe, untyped
from proof.testing.record import Evidence
from snippets.typesystem import (
    documented_any,
    documented_any_avoid,
    documented_any_types,
)
from snippets.typesystem.documented_any import Payment, connect, payments

COUNTEREXAMPLE = Path(documented_any_avoid.__file__)
RECOMMENDED = Path(documented_any.__file__)
WRITTEN = 'error: Explicit "Any" is not allowed  [explicit-any]'


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Hold two payments; the one of an import has text for cents."""
    path = tmp_path / "payments of may #5.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE payment (number TEXT, cents INTEGER)")
        connection.execute("INSERT INTO payment VALUES ('A1', 990)")
    return path


@pytest.fixture
def connection(ledger: Path) -> Generator[sqlite3.Connection]:
    with closing(sqlite3.connect(ledger)) as opened:
        yield opened


def add(connection: sqlite3.Connection, *row: object) -> None:
    connection.execute("INSERT INTO payment VALUES (?, ?)", row)


def test_payments_are_read_in_the_order_of_their_numbers(
    connection: sqlite3.Connection,
) -> None:
    add(connection, "C3", 120)
    add(connection, "B2", -990)
    assert payments(connection) == [
        Payment("A1", 990),
        Payment("B2", -990),
        Payment("C3", 120),
    ]


@pytest.mark.parametrize(
    "row",
    [
        ("B2", "12,50"),
        ("B2", None),
        ("B2", 12.5),
        (None, 1250),
        ("B2", b"1250"),
        ("", 1250),
    ],
)
def test_a_row_that_is_no_payment_is_refused(
    connection: sqlite3.Connection, row: tuple[object, object]
) -> None:
    add(connection, *row)
    with pytest.raises(ValueError, match="no payment") as refused:
        payments(connection)
    assert str(refused.value) == f"no payment: {row!r}"


def test_of_a_large_row_eighty_characters_are_told(
    connection: sqlite3.Connection,
) -> None:
    add(connection, "B2", "x" * 1_000_000)
    with pytest.raises(ValueError, match="no payment") as refused:
        payments(connection)
    assert str(refused.value) == "no payment: ('B2', '" + "x" * 72


def test_a_file_that_is_no_database_is_an_sqlite_error(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear customer, " * 100, encoding="utf-8")
    with closing(connect(path)) as opened, pytest.raises(sqlite3.Error):
        payments(opened)


@pytest.mark.parametrize("name", ["\0", "\ud800"])
def test_a_path_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises((sqlite3.Error, ValueError)):
        connect(Path(name))


def test_a_file_of_payments_is_opened_for_reading_only(ledger: Path) -> None:
    with closing(connect(ledger)) as connection:
        assert payments(connection) == [Payment("A1", 990)]
        with pytest.raises(sqlite3.OperationalError, match="attempt to write"):
            add(connection, "B2", 120)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        connect(missing)
    assert not missing.exists()


def test_a_uri_is_declared_as_one_however_sqlite_was_built(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = Mock(wraps=sqlite3.connect)
    monkeypatch.setattr(sqlite3, "connect", opening)
    connect(ledger).close()
    address = f"{ledger.as_uri()}?mode=ro"
    opening.assert_called_once_with(address, uri=True)


def test_a_relative_path_is_opened_too(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ledger.parent)
    with closing(connect(Path(ledger.name))) as connection:
        assert payments(connection) == [Payment("A1", 990)]


def test_the_options_of_sqlite3_are_handed_on(ledger: Path) -> None:
    with closing(connect(ledger, isolation_level="IMMEDIATE")) as connection:
        assert connection.isolation_level == "IMMEDIATE"
    with pytest.raises(TypeError, match="timeuot"):
        connect(ledger, timeuot=5)


def test_both_checkers_refuse_to_hand_on_options_of_type_object(ledger: Path) -> None:
    def connect(path: Path, **options: object) -> sqlite3.Connection:
        # ignored because it is the claim: each checker reports the options
        return sqlite3.Connection(path, **options)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    with closing(connect(ledger, timeout=1)) as connection:
        assert payments(connection) == [Payment("A1", 990)]


def test_mypy_reports_a_result_that_any_arguments_made_any(ledger: Path) -> None:
    def connect(path: Path, options: dict[str, Any]) -> sqlite3.Connection:
        # ignored because it is the claim: mypy reports the result, pyright does not
        return sqlite3.connect(path, **options)  # type: ignore[no-any-return]

    with closing(connect(ledger, {"timeout": 1})) as connection:
        assert payments(connection) == [Payment("A1", 990)]


def test_the_pattern_of_an_integer_matches_a_boolean_too() -> None:
    row: object = json.loads('["A1", true]')
    match row:
        case (str(), int(cents)):
            assert cents is True
        case _:
            pytest.fail("no match")


def test_a_table_that_is_strict_refuses_text_for_an_integer(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "strict.db")) as connection:
        connection.execute("CREATE TABLE payment (number TEXT, cents INTEGER) STRICT")
        with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT value"):
            add(connection, "B2", "12,50")


def test_both_checkers_refuse_to_use_an_object_before_it_is_narrowed() -> None:
    amount: object = json.loads("990")
    # ignored because it is the claim: each checker reports the operator
    assert amount + 1 == 991  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]


def test_a_payment_can_not_be_changed() -> None:
    payment = Payment("A1", 990)
    with pytest.raises(AttributeError, match="cannot assign to field 'cents'"):
        # ignored because it is the claim: each checker reports the assignment
        payment.cents = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_what_both_checkers_infer_is_so(connection: sqlite3.Connection) -> None:
    documented_any_types.from_the_standard_library(connection)
    documented_any_types.that_spreads(connection)
    documented_any_types.that_chooses_no_overload(timeout=1)
    for text in ("990", "null"):
        documented_any_types.that_ends(connection, text)
    group = re.fullmatch(r"([A-Z])(\d)?", "A")
    assert group is not None
    documented_any_types.that_stands_for_none(group)


def test_no_checker_says_that_a_group_may_be_none() -> None:
    found = re.fullmatch(r"([A-Z])(\d)?", "A")
    assert found is not None
    with pytest.raises(AttributeError, match="'NoneType' object has no"):
        found[2].zfill(3)


def test_a_flag_of_mypy_reports_each_line_on_which_any_is_written(
    tmp_path: Path, evidence: Evidence
) -> None:
    alone = ["--config-file=", "--follow-imports=skip", f"--cache-dir={tmp_path}"]
    both = [str(COUNTEREXAMPLE), str(RECOMMENDED)]
    printed, _, _ = api.run([*alone, "--disallow-any-explicit", *both])
    reported = sorted(
        (name, Path(folder, name).read_text(encoding="utf-8").splitlines()[int(at) - 1])
        for folder, name, at in re.findall(
            r"^(.*/)?(.+):(\d+): error: .* \[explicit-any\]$", printed, re.MULTILINE
        )
    )
    told = [f"{line}\n    {WRITTEN}" for name, line in reported if "avoid" in name]
    evidence.add("mypy --disallow-any-explicit", "\n".join(told))
    assert reported == [
        ("documented_any.py", "def connect("),
        (
            "documented_any_avoid.py",
            "def fetch(connection: sqlite3.Connection) -> Any:",
        ),
        (
            "documented_any_avoid.py",
            "def total_silenced(rows: list[dict[str, Any]]) -> int:",
        ),
    ]
    assert printed.count(WRITTEN) == 3


def test_pyright_knows_the_unknown_and_is_silent_where_any_is_written(
    tmp_path: Path, evidence: Evidence
) -> None:
    copy = tmp_path / COUNTEREXAMPLE.name
    copy.write_text(COUNTEREXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    strict = {"typeCheckingMode": "strict", "pythonVersion": "3.13"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(strict), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - a fixed command, without a shell
        [sys.executable, "-m", "pyright", "--outputjson", "--project", str(tmp_path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    lines = copy.read_text(encoding="utf-8").splitlines()
    reported = [
        f"{lines[int(each['range']['start']['line'])]}\n    {each['rule']}"
        for each in json.loads(done.stdout)["generalDiagnostics"]
        if each["severity"] == "error"
    ]
    evidence.add("pyright, strict", "\n".join(reported))
    assert reported == [
        "def count_bare(rows: list) -> int:\n    reportUnknownParameterType",
        "def count_bare(rows: list) -> int:\n    reportMissingTypeArgument",
        "    return len(rows)\n    reportUnknownArgumentType",
    ]


def test_text_in_a_column_of_integers_passes_for_cents(
    connection: sqlite3.Connection, observe: Observe
) -> None:
    add(connection, "B2", "12,50")
    believed = documented_any_avoid.payments(connection)[1]
    observe(believed)
    cents: object = believed.cents
    assert cents == "12,50"


def test_a_bare_list_that_both_checkers_refuse_runs(observe: Observe) -> None:
    counted = untyped(documented_any_avoid.__name__).count_bare([("A1", 990)])
    observe(counted)
    assert counted == 1


def test_a_misspelt_key_is_found_at_run_time(observe: Observe) -> None:
    with pytest.raises(KeyError) as failure:
        documented_any_avoid.total_silenced([{"number": "A1", "cents": 990}])
    observe(failure.value)
    assert str(failure.value) == "'cent'"
