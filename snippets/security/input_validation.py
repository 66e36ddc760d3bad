"""Give each customer a folder of their own, and nobody a way out of it."""

import unicodedata
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, StringConstraints


class AccountTakenError(ValueError):
    """Somebody has this account, in this or in another spelling."""


class NoDocumentError(LookupError):
    """There is no such document, or it is none of the customer's."""


def one_spelling(name: str) -> str:
    r"""Map all spellings of a name that are the same to a machine to one of them.

    Args:
        name: A name as it was typed.

    Returns:
        The name in compatibility form NFKC, without upper case.

    Examples:
        >>> one_spelling("\N{FULLWIDTH LATIN CAPITAL LETTER A}da")
        'ada'
    """
    return unicodedata.normalize("NFKC", name).casefold()


# --8<-- [start:answer]
type Account = Annotated[
    str,
    StringConstraints(max_length=32),  # normalising a long text may take long
    AfterValidator(one_spelling),  # before the pattern, which judges the result
    StringConstraints(pattern=r"^[a-z][a-z0-9]{2,31}$"),
]
# --8<-- [end:answer]


class SignUp(BaseModel, strict=True, frozen=True, extra="forbid"):
    """What a new customer sends.

    Attributes:
        account: The name of the account, in its one spelling.
    """

    account: Account


class Download(BaseModel, strict=True, frozen=True, extra="forbid"):
    """What a customer sends to get a document.

    Attributes:
        account: The name of the account, in its one spelling.
        document: A path within the account's folder; not to be trusted.
    """

    account: Account
    document: Annotated[str, StringConstraints(max_length=1000)]


def sign_up(root: Path, new: SignUp) -> Path:
    """Make the folder of a new account.

    Args:
        root: Where the folders of all accounts are.
        new: Who signs up.

    Returns:
        The account's folder.

    Raises:
        AccountTakenError: If the account is there already.
        OSError: If the folder can't be made for another reason.
    """
    folder = root / new.account
    try:
        folder.mkdir()  # asks and takes in one step
    except FileExistsError as error:
        message = f"the account {new.account} is taken"
        raise AccountTakenError(message) from error
    return folder


def read(root: Path, wanted: Download) -> bytes:
    """Read a document of an account.

    Args:
        root: Where the folders of all accounts are.
        wanted: Whose document, and which.

    Returns:
        What the document holds.

    Raises:
        NoDocumentError: If the account's folder has no such file. Nothing in it tells
            whether there is one elsewhere.
    """
    try:
        folder = (root / wanted.account).resolve()
        path = (folder / wanted.document).resolve(strict=True)
        if path.is_relative_to(folder):
            return path.read_bytes()  # of the path that was checked
    except (OSError, ValueError) as error:  # ValueError: no path at all, as with a NUL
        raise NoDocumentError(wanted.document) from error
    raise NoDocumentError(wanted.document)
