import ast
import codecs
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe, lacking
from snippets.pitfalls.text_encoding import NotUtf8Error, audit_log, load, save

ROOT = Path(__file__).parents[2]
TOO_LONG_SECONDS = 30
DECIDES_THE_LOCALE = ("LANG", "LANGUAGE", "LC_", "LOCPATH", "PYTHONUTF8", "PYTHONIO")
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
HALF_A_PAIR: str = json.loads(r'"\udcff"')

# coverage.py runs in the child as well, but only here is known which test asks
CHILD = """
import ast, importlib, sys
from pathlib import Path
from coverage import Coverage

for line in sys.stdin:
    test, module, path, code = ast.literal_eval(line)
    if measured := Coverage.current():
        measured.switch_context(f"{test}|run")
    try:
        names = vars(importlib.import_module(f"snippets.pitfalls.{module}"))
        print(ascii(eval(code, {**names, "path": Path(path)})), flush=True)
    except Exception as error:
        print(ascii(f"{type(error).__name__}: {error}"), flush=True)
"""

STARTED: dict[str, subprocess.Popen[str]] = {}


@pytest.fixture(scope="module", autouse=True)
def _children() -> Iterator[None]:
    """Start a Python for each locale once, and end them all with the module."""
    yield
    for child in STARTED.values():
        child.communicate(timeout=TOO_LONG_SECONDS)
    assert [child.returncode for child in STARTED.values()] == [0] * len(STARTED)
    STARTED.clear()


def python(
    locale: Mapping[str, str], module: str, code: str, path: Path, *options: str
) -> object:
    """Evaluate an expression in a Python of that locale; give its value or error."""
    key = repr((locale, options))
    if key not in STARTED:
        neutral = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(DECIDES_THE_LOCALE)
        }
        STARTED[key] = subprocess.Popen(  # noqa: S603 - the interpreter itself
            # in the C locale Python would choose its UTF-8 mode by itself
            [sys.executable, "-X", "utf8=0", *options, "-c", CHILD],
            cwd=ROOT,
            env={**neutral, **locale},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
        )
    child = STARTED[key]
    assert child.stdin is not None
    assert child.stdout is not None
    test = os.environ["PYTEST_CURRENT_TEST"].removesuffix(" (call)")
    child.stdin.write(f"{(test, module, str(path), code)!a}\n")
    child.stdin.flush()
    value: object = ast.literal_eval(child.stdout.readline())
    return value


@pytest.fixture(scope="module")
def latin_1(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name a Latin-1 locale: macOS has one, and glibc compiles one without root."""
    if sys.platform == "darwin":
        return {"LC_ALL": "en_US.ISO8859-1"}
    localedef = shutil.which("localedef") or lacking("localedef")
    folder = tmp_path_factory.mktemp("locales")
    codes = "".join(f"<U{code:04X}> /x{code:02x}\n" for code in range(256))
    charmap = (
        f"<code_set_name> ISO-8859-1\n<escape_char> /\nCHARMAP\n{codes}END CHARMAP\n"
    )
    (folder / "charmap").write_text(charmap, encoding="ascii")
    (folder / "source").write_text("LC_CTYPE\nEND LC_CTYPE\n", encoding="ascii")
    # it ends with 1, as it misses the categories that don't matter here
    subprocess.run(  # noqa: S603 - found on PATH, with text from here
        [localedef, "-c", "-f", "charmap", "-i", "source", "./latin-1"],
        cwd=folder,
        check=False,
        capture_output=True,
        timeout=TOO_LONG_SECONDS,
    )
    assert (folder / "latin-1" / "LC_CTYPE").is_file()
    return {"LOCPATH": str(folder), "LC_CTYPE": "latin-1"}


@pytest.fixture(params=["ascii", "latin_1"])
def foreign(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "ascii":
        return ASCII
    locale: dict[str, str] = request.getfixturevalue("latin_1")
    return locale


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.txt"
    path.write_bytes("Ada\nZoë\nBob\n".encode())
    return path


@settings(derandomize=True, database=None, deadline=None, max_examples=20)
@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_characters="\n\r\ufeff"), min_size=1
        )
    )
)
@example(
    [
        "Ada",
        "Zoë",
        "Åsa",
        "Łukasz",
        "张伟",
        "a\x85b",
        "a\ufeff",
        " ",
        "\0",
        "\N{GRINNING FACE}",
    ]
)
def test_every_name_survives_the_file(names: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "customers.txt")
        save(path, iter(names))
        assert load(path) == names
        assert [each.name for each in Path(folder).iterdir()] == ["customers.txt"]


def test_the_list_is_read_alike_in_every_locale(
    customers: Path, foreign: dict[str, str]
) -> None:
    names = python(foreign, "text_encoding", "load(path)", customers)
    assert names == ["Ada", "Zoë", "Bob"]


def test_the_list_is_written_alike_in_every_locale(
    customers: Path, foreign: dict[str, str]
) -> None:
    code = r"save(path, ('Zo\xeb', '\u5f20\u4f1f'))"
    python(foreign, "text_encoding", code, customers)
    assert customers.read_bytes() == b"Zo\xc3\xab\n\xe5\xbc\xa0\xe4\xbc\x9f\n"


def test_a_spreadsheets_byte_order_mark_is_no_part_of_a_name(customers: Path) -> None:
    customers.write_bytes(codecs.BOM_UTF8 + b"Ada\r\n\r\nBob")
    assert load(customers) == ["Ada", "Bob"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Ada\nZo\xeb\nB\xf6b\n", "customers.txt, line 2: byte 0xeb is not UTF-8"),
        (b"\x80", "customers.txt, line 1: byte 0x80 is not UTF-8"),
        (b"\n\xfc", "customers.txt, line 2: byte 0xfc is not UTF-8"),
        (
            b"\xef\xbb\xbfA\n\n\n\x0a\xff",
            "customers.txt, line 5: byte 0xff is not UTF-8",
        ),
    ],
)
def test_a_list_in_another_encoding_is_refused_with_its_line(
    customers: Path, content: bytes, message: str
) -> None:
    customers.write_bytes(content)
    with pytest.raises(NotUtf8Error) as refused:
        load(customers)
    assert str(refused.value) == message
    assert isinstance(refused.value, ValueError)
    assert isinstance(refused.value.__cause__, UnicodeDecodeError)


def test_a_name_that_is_no_text_leaves_the_old_list_whole(customers: Path) -> None:
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        save(customers, ["Ada", HALF_A_PAIR])
    assert load(customers) == ["Ada", "Zoë", "Bob"]


@pytest.mark.parametrize("name", ["", "a\nb", "a\rb", "\n", "\ufeffAda", "Ada\n"])
def test_a_name_that_load_would_not_give_back_is_refused(
    customers: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=r"^not a name on one line: ") as refused:
        save(customers, ["Ada", name])
    assert str(refused.value) == f"not a name on one line: {name!r}"
    assert load(customers) == ["Ada", "Zoë", "Bob"]


def test_a_refused_name_is_quoted_in_short(customers: Path) -> None:
    with pytest.raises(ValueError, match=r"^not a name on one line: '\\na{39}'$"):
        save(customers, ["\n" + "a" * 1_000_000])


def test_a_full_disk_leaves_the_old_list_whole(customers: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            save(customers, ["Ada"] * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load(customers) == ["Ada", "Zoë", "Bob"]
    assert list(customers.parent.iterdir()) == [customers]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("lost connection")])
def test_names_that_end_with_an_error_leave_the_old_list_whole(
    customers: Path, error: BaseException
) -> None:
    def names() -> Iterator[str]:
        yield "Eve"
        raise error

    with pytest.raises(type(error)) as caught:
        save(customers, names())
    assert caught.value is error
    assert load(customers) == ["Ada", "Zoë", "Bob"]
    assert list(customers.parent.iterdir()) == [customers]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end_leaves_the_old_list_whole(
    customers: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(step)

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match=f"^{step}$"):
        save(customers, ["Eve"])
    assert load(customers) == ["Ada", "Zoë", "Bob"]
    assert list(customers.parent.iterdir()) == [customers]


def test_the_new_list_is_on_the_disk_before_it_takes_the_old_ones_place(
    customers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(file: int) -> None:
        seen.append((os.fstat(file).st_size, load(customers)))

    seen: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(os, "fsync", fsync)
    save(customers, ["Eve"])
    assert seen == [(len(b"Eve\n"), ["Ada", "Zoë", "Bob"])]
    assert load(customers) == ["Eve"]


def test_the_audit_log_keeps_what_is_no_text_as_an_escape(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text("Ada in\n", encoding="utf-8")
    handler = audit_log(path)
    handler.handle(logging.makeLogRecord({"msg": f"Zoë{HALF_A_PAIR} in"}))
    handler.close()
    assert path.read_text(encoding="utf-8") == "Ada in\nZoë\\udcff in\n"


RECORD_LUKASZ = (
    r"bool(audit_log(path).handle(logging.makeLogRecord({'msg': '\u0141ukasz'})))"
)


def test_the_audit_log_keeps_every_letter_in_every_locale(
    tmp_path: Path, foreign: dict[str, str]
) -> None:
    python(foreign, "text_encoding", RECORD_LUKASZ, tmp_path / "audit.log")
    assert (tmp_path / "audit.log").read_bytes() == b"\xc5\x81ukasz\n"


CALLS = ("load(path)", "save(path, ['Ada'])", "str(audit_log(path))")
STRICT = ("-X", "warn_default_encoding", "-W", "error::EncodingWarning")


@pytest.mark.parametrize("code", CALLS)
def test_python_itself_finds_no_encoding_missing(customers: Path, code: str) -> None:
    value = python({}, "text_encoding", code, customers, *STRICT)
    assert "EncodingWarning" not in str(value)


def test_a_latin_1_locale_greets_zoe_by_another_name(
    customers: Path, latin_1: dict[str, str], observe: Observe
) -> None:
    names = python(latin_1, "text_encoding_avoid", "load(path)", customers)
    observe(names)
    assert names == ["Ada", "ZoÃ«", "Bob"]


def test_a_locale_that_lacks_a_letter_cuts_the_list_off_there(
    customers: Path, foreign: dict[str, str], observe: Observe
) -> None:
    code = r"save(path, ['Ada', '\u0141ukasz', 'Bob'])"
    error = python(foreign, "text_encoding_avoid", code, customers)
    left = load(customers)
    observe(f"{error}; left in the file: {left}")
    assert left == ["Ada"]
    assert str(error).startswith("UnicodeEncodeError: ")


def test_what_a_latin_1_locale_saves_no_other_machine_can_read(
    customers: Path, latin_1: dict[str, str], observe: Observe
) -> None:
    code = r"save(path, ['Ada', 'Zo\xeb'])"
    assert python(latin_1, "text_encoding_avoid", code, customers) is None
    with pytest.raises(NotUtf8Error) as refused:
        load(customers)
    observe(refused.value)
    assert str(refused.value) == "customers.txt, line 2: byte 0xeb is not UTF-8"


def test_a_locale_that_lacks_a_letter_drops_the_record(
    tmp_path: Path, foreign: dict[str, str], observe: Observe
) -> None:
    path = tmp_path / "audit.log"
    handled = python(foreign, "text_encoding_avoid", RECORD_LUKASZ, path)
    observe(f"audit.log: {path.read_bytes()!r}")
    assert path.read_bytes() == b""
    assert handled is True  # the caller is told that the record was taken


@pytest.mark.parametrize("code", CALLS)
def test_python_itself_finds_every_encoding_that_is_missing(
    customers: Path, code: str
) -> None:
    value = python({}, "text_encoding_avoid", code, customers, *STRICT)
    assert value == "EncodingWarning: 'encoding' argument not specified"


def test_open_has_emptied_the_file_before_it_meets_the_name(customers: Path) -> None:
    with (
        pytest.raises(UnicodeEncodeError),
        customers.open("w", encoding="utf-8") as file,
    ):
        file.write(HALF_A_PAIR)
    assert customers.read_bytes() == b""


def test_ruff_overlooks_the_encoding_of_a_log_handler() -> None:
    code = "import logging\nopen('a.log')\nlogging.FileHandler('a.log')\n"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache"]
    command += ["--preview", "--select=PLW1514", "--output-format=json", "-"]
    done = subprocess.run(  # noqa: S603 - a fixed command, without a shell
        command,
        input=code,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=TOO_LONG_SECONDS,
    )
    found = json.loads(done.stdout)
    assert [(each["code"], each["location"]["row"]) for each in found] == [
        ("PLW1514", 2)
    ]
