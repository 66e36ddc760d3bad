"""Give each customer a folder, and a way into the folders of the others."""

import unicodedata
from pathlib import Path


class AccountTakenError(ValueError):
    pass


class NoDocumentError(LookupError):
    pass


def sign_up_checked_too_early(root: Path, account: str) -> Path:
    # --8<-- [start:answer]
    if not account.isalnum():
        raise ValueError(account)
    if (root / account).exists():
        raise AccountTakenError(account)
    # expect: test[a_full_width_spelling_passes_the_check_and_gets_the_account_of_ada]
    account = unicodedata.normalize("NFKC", account).casefold()
    folder = root / account
    folder.mkdir(exist_ok=True)
    # --8<-- [end:answer]
    return folder


def read_without_dots(root: Path, account: str, document: str) -> bytes:
    if ".." in document:
        raise NoDocumentError(document)
    # expect: test[an_absolute_path_throws_the_folder_away]
    # expect: test[a_link_leads_out_of_the_folder_without_any_dots]
    return (root / account / document).read_bytes()


def read_by_prefix(root: Path, account: str, document: str) -> bytes:
    folder = (root / account).resolve(strict=True)
    path = (folder / document).resolve(strict=True)
    # expect: test[the_folder_of_ada_is_a_prefix_of_the_folder_of_adam]
    if not str(path).startswith(str(folder)):
        raise NoDocumentError(document)
    return path.read_bytes()
