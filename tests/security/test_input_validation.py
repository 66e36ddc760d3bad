import os
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import StringConstraints, TypeAdapter, ValidationError

from proof.testing.basics import Observe
from proof.testing.record import Attack
from snippets.security.input_validation import (
    AccountTakenError,
    Download,
    NoDocumentError,
    SignUp,
    one_spelling,
    read,
    sign_up,
)
from snippets.security.input_validation_avoid import (
    AccountTakenError as AvoidAccountTakenError,
)
from snippets.security.input_validation_avoid import (
    NoDocumentError as AvoidNoDocumentError,
)
from snippets.security.input_validation_avoid import (
    read_by_prefix,
    read_without_dots,
    sign_up_checked_too_early,
)

FULL_WIDTH = "\uff41\uff44\uff41"  # another spelling of "ada"
CYRILLIC = "\u0430da"  # another word, which looks like it

steady = settings(derandomize=True, database=None, deadline=None, max_examples=60)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the accounts of ada, with a document, and of adam, with a secret."""
    root = tmp_path / "accounts"
    for account, document, text in [
        ("ada", "2026/march.txt", "ada's invoice"),
        ("adam", "tax.txt", "adam's tax number"),
    ]:
        path = root / account / document
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    (root / "ada" / "latest.txt").symlink_to("2026/march.txt")
    (root / "ada" / "theirs.txt").symlink_to("../adam/tax.txt")
    (root / "ada" / "all").symlink_to("..")
    return root


def ask(document: str) -> Download:
    return Download(account="ada", document=document)


@pytest.mark.parametrize(
    "document",
    ["2026/march.txt", "2026/../2026/march.txt", "./2026//march.txt", "latest.txt"],
)
def test_every_path_that_stays_in_the_folder_is_read(root: Path, document: str) -> None:
    assert read(root, ask(document)) == b"ada's invoice"


def test_the_folder_of_an_account_may_itself_be_a_link(
    root: Path, tmp_path: Path
) -> None:
    (root / "ada").rename(tmp_path / "other disk")
    (root / "ada").symlink_to(tmp_path / "other disk")
    assert read(root, ask("2026/march.txt")) == b"ada's invoice"


@pytest.mark.parametrize(
    "document",
    ["../adam/tax.txt", "2026/../../adam/tax.txt", "all/adam/tax.txt", "theirs.txt"],
)
def test_a_path_that_leaves_the_folder_is_refused(root: Path, document: str) -> None:
    assert (root / "ada" / document).read_bytes() == b"adam's tax number"
    with pytest.raises(NoDocumentError, match=f"^{re.escape(document)}$"):
        read(root, ask(document))


def test_an_absolute_path_is_refused(root: Path) -> None:
    document = str(root / "adam" / "tax.txt")
    with pytest.raises(NoDocumentError):
        read(root, ask(document))


def test_a_file_outside_and_a_file_nowhere_get_the_same_answer(root: Path) -> None:
    answers: list[tuple[Any, ...]] = []
    for document in ("../adam/tax.txt", "../adam/tea.txt", "tea.txt"):
        with pytest.raises(NoDocumentError) as refused:
            read(root, ask(document))
        answers.append(refused.value.args)
    assert answers == [("../adam/tax.txt",), ("../adam/tea.txt",), ("tea.txt",)]


@pytest.mark.parametrize("document", ["", "2026", "a\0b", "a" * 1000])
def test_what_names_no_file_is_no_document(root: Path, document: str) -> None:
    with pytest.raises(NoDocumentError):
        read(root, ask(document))


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(ValidationError, match="valid string"):
        ask("\ud800")


def test_an_account_that_is_not_there_has_no_documents(root: Path) -> None:
    with pytest.raises(NoDocumentError):
        read(root, Download(account="eve", document="tax.txt"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tree in which nothing but adam's secret can be read."""
    tree = tmp_path_factory.mktemp("accounts")
    (tree / "ada" / "2026").mkdir(parents=True)
    (tree / "ada" / "all").symlink_to("..")
    (tree / "adam").mkdir()
    (tree / "adam" / "tax.txt").write_text("adam's tax number", encoding="utf-8")
    return tree


PARTS = ["..", ".", "", "ada", "adam", "all", "2026", "tax.txt"]


@given(parts=st.lists(st.sampled_from(PARTS), max_size=6), absolute=st.booleans())
@example(parts=["..", "adam", "tax.txt"], absolute=False)
@example(parts=["adam", "tax.txt"], absolute=True)
@steady
def test_no_path_made_of_any_parts_reads_the_file_of_another(
    tree: Path, parts: list[str], *, absolute: bool
) -> None:
    document = "/".join([str(tree), *parts] if absolute else parts)
    with pytest.raises(NoDocumentError):
        read(tree, ask(document))


@pytest.mark.parametrize("typed", ["ada", "Ada", "ADA", FULL_WIDTH, "a\uff24a"])
def test_all_spellings_of_a_name_are_one_account(root: Path, typed: str) -> None:
    new = SignUp(account=typed)
    assert new.account == Download(account=typed, document="").account == "ada"
    with pytest.raises(
        AccountTakenError, match=r"^the account ada is taken$"
    ) as refused:
        sign_up(root, new)
    assert isinstance(refused.value.__cause__, FileExistsError)


def test_a_root_that_is_not_there_is_told_to_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sign_up(tmp_path / "gone", SignUp(account="ada"))


@pytest.mark.parametrize("length", [16, 500_000])  # 33 characters, and a million
@pytest.mark.parametrize("model", [SignUp, Download])
def test_a_long_name_is_refused_before_it_is_normalised(
    model: type[SignUp | Download], length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {"account": "a" + "\u0301\u0316" * length, "document": ""}
    with monkeypatch.context() as patched:
        patched.setattr(unicodedata, "normalize", None)
        with pytest.raises(ValidationError) as refused:
            model.model_validate(sent, extra="ignore")
    assert [error["type"] for error in refused.value.errors()] == ["string_too_long"]


def test_a_path_of_more_than_a_thousand_characters_is_not_followed(root: Path) -> None:
    there_and_back = "2026/../" * 123 + "2026/march.txt"
    assert read(root, ask("./" + there_and_back)) == b"ada's invoice"
    assert len("./" + there_and_back) == 1000
    with pytest.raises(ValidationError, match="at most 1000 characters"):
        ask("././" + there_and_back)


def test_a_new_account_gets_an_empty_folder(root: Path) -> None:
    folder = sign_up(root, SignUp(account="Bob42"))
    assert folder == root / "bob42"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "typed",
    [
        CYRILLIC,
        "ada\n",  # re.match with a $ would take it
        "ada\u0301",
        "..",
        "../ada",
        "/tmp/ada",  # noqa: S108 - a name that is refused, not a file
        "al",
        "1ada",
        "a" * 33,
        "",
        b"ada",
    ],
)
@pytest.mark.parametrize("model", [SignUp, Download])
def test_what_is_not_on_the_allow_list_is_no_account(
    model: type[SignUp | Download], typed: object
) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({"account": typed, "document": ""}, extra="ignore")
    assert [error["loc"] for error in refused.value.errors()] == [("account",)]


@pytest.mark.parametrize("length", [3, 32])
def test_the_shortest_and_the_longest_account_are_taken(length: int) -> None:
    assert SignUp(account="z" * length).account == "z" * length


@given(st.text())
@example(FULL_WIDTH)
@example("\N{LATIN SMALL LIGATURE FFI}")
@steady
def test_an_account_that_passed_once_passes_again_unchanged(typed: str) -> None:
    try:
        account = SignUp(account=typed).account
    except ValidationError:
        return
    assert SignUp(account=account).account == account == one_spelling(account)
    assert account.isascii()


@pytest.mark.parametrize("model", [SignUp, Download])
def test_a_field_that_nobody_asked_for_is_refused(
    model: type[SignUp | Download],
) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({"account": "ada", "document": "", "role": "admin"})
    assert ("role",) in [error["loc"] for error in refused.value.errors()]


@pytest.mark.parametrize("parsed", [SignUp(account="ada"), ask("a")])
def test_what_was_checked_cannot_be_changed_afterwards(
    parsed: SignUp | Download,
) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(parsed, "account", "../adam")  # noqa: B010 - the checkers refuse `=`


def test_nfkc_joins_forms_and_leaves_letters_of_other_scripts() -> None:
    assert unicodedata.normalize("NFKC", FULL_WIDTH) == "ada"
    assert unicodedata.normalize("NFKC", CYRILLIC) == CYRILLIC


def test_a_dollar_in_re_also_matches_before_a_line_break() -> None:
    assert re.match(r"^[a-z]+$", "ada\n")
    assert not re.fullmatch(r"[a-z]+", "ada\n")


def test_pydantics_own_to_lower_comes_after_its_pattern() -> None:
    lower = TypeAdapter[str](
        Annotated[str, StringConstraints(to_lower=True, pattern=r"^[a-z]+$")]
    )
    assert lower.validate_python("ada") == "ada"
    with pytest.raises(ValidationError, match="should match pattern"):
        lower.validate_python("Ada")


def test_without_strict_a_path_that_cannot_be_followed_counts_as_resolved(
    root: Path,
) -> None:
    document = "tea.txt/../2026/march.txt"
    path = (root / "ada" / document).resolve(strict=False)
    assert path == root / "ada" / "2026" / "march.txt"
    with pytest.raises(NoDocumentError):
        read(root, ask(document))


def test_a_fault_of_our_own_is_not_taken_for_the_customers(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> NoReturn:
        raise RuntimeError("our own")

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(RuntimeError, match="our own"):
        read(root, ask("latest.txt"))


def test_a_loop_of_links_is_no_document_and_the_log_learns_why(root: Path) -> None:
    (root / "ada" / "loop").symlink_to("loop")
    with pytest.raises(NoDocumentError) as refused:
        read(root, ask("loop"))
    assert "symbolic link" in str(refused.value.__cause__)


def test_a_link_that_appears_between_check_and_reading_is_followed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swap_after(path: Path, folder: Path) -> bool:
        inside = is_relative_to(path, folder)
        path.unlink()
        path.symlink_to(root / "adam" / "tax.txt")
        return inside

    is_relative_to = Path.is_relative_to
    monkeypatch.setattr(Path, "is_relative_to", swap_after)
    assert read(root, ask("2026/march.txt")) == b"adam's tax number"


@pytest.mark.parametrize("name", ["theirs.txt", "all", "latest.txt"])
def test_o_nofollow_refuses_a_link_at_the_moment_of_opening(
    root: Path, name: str
) -> None:
    folder = os.open(root / "ada", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(OSError, match="symbolic link"):
            os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


def test_a_full_width_spelling_passes_the_check_and_gets_the_account_of_ada(
    root: Path, attack: Attack, observe: Observe
) -> None:
    attack.sent(f"account={FULL_WIDTH!a}")
    folder = sign_up_checked_too_early(root, FULL_WIDTH)
    found = [path.read_text("utf-8") for path in folder.glob("2026/*")]
    assert (folder, found) == (root / "ada", ["ada's invoice"])
    observe(f"folder {folder.name!r}, with {found[0]!r}")
    attack.happened(f"signed up, folder {folder.name!r} with {found[0]!r} in it")
    with pytest.raises(AccountTakenError) as refused:
        sign_up(root, SignUp(account=FULL_WIDTH))
    attack.now(refused.value)


def test_the_early_check_does_work_for_the_one_spelling_it_sees(root: Path) -> None:
    with pytest.raises(AvoidAccountTakenError):
        sign_up_checked_too_early(root, "ada")
    with pytest.raises(ValueError, match=re.escape("../ada")):
        sign_up_checked_too_early(root, "../ada")


def test_an_absolute_path_throws_the_folder_away(root: Path, observe: Observe) -> None:
    with pytest.raises(AvoidNoDocumentError):
        read_without_dots(root, "ada", "../adam/tax.txt")
    document = str(root / "adam" / "tax.txt")
    assert document.startswith("/")
    stolen = read_without_dots(root, "ada", document)
    observe(stolen)
    assert stolen == b"adam's tax number"


def test_a_link_leads_out_of_the_folder_without_any_dots(
    root: Path, observe: Observe
) -> None:
    stolen = read_without_dots(root, "ada", "all/adam/tax.txt")
    observe(stolen)
    assert stolen == b"adam's tax number"


def test_the_folder_of_ada_is_a_prefix_of_the_folder_of_adam(
    root: Path, attack: Attack, observe: Observe
) -> None:
    document = "../adam/tax.txt"
    attack.sent(f"account='ada' document={document!r}")
    stolen = read_by_prefix(root, "ada", document)
    observe(stolen)
    attack.happened(stolen)
    assert stolen == b"adam's tax number"
    with pytest.raises(NoDocumentError) as refused:
        read(root, ask(document))
    attack.now(refused.value)


def test_a_prefix_does_keep_out_whoever_is_called_otherwise(root: Path) -> None:
    with pytest.raises(AvoidNoDocumentError):
        read_by_prefix(root, "adam", "../ada/2026/march.txt")
