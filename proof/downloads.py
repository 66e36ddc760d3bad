"""Writes each rule's files beside its page, and all snippets in one archive."""

import io
from collections.abc import Iterable
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from proof.facts import Source

ARCHIVE = "snippets.zip"
BEGUN = (1980, 1, 1, 0, 0, 0)  # the first moment that the format knows
READABLE = 0o644 << 16


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
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for rule in source.rules:
            for file in rule.files:
                entry = ZipInfo(file.path, BEGUN)
                entry.compress_type = ZIP_DEFLATED
                entry.external_attr = READABLE
                archive.writestr(entry, file.text)
    yield ARCHIVE, packed.getvalue()
