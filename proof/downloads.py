"""Writes each rule's files beside its page, and all snippets in one archive."""

from collections.abc import Iterable

from proof.facts import Source
from proof.pack import pack

ARCHIVE = "snippets.zip"


def downloads(source: Source) -> Iterable[tuple[str, str]]:
    """Write each rule's files into the folder of its page.

    Args:
        source: What exports are made of.

    Yields:
        Each file, named after its rule.
    """
    for rule in source.rules:
        for file in rule.files:
            yield rule.address + file.download, file.text


def archive(source: Source) -> Iterable[tuple[str, bytes]]:
    """Pack all snippets and tests, in the folders that their imports expect.

    Args:
        source: What exports are made of.

    Yields:
        The archive: the same bytes whenever it is packed.
    """
    files = {file.path: file.text for rule in source.rules for file in rule.files}
    yield ARCHIVE, pack(files)
