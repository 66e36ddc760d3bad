"""Writes the files of each page beside it, and all snippets in one archive."""

from collections.abc import Iterable

from proof.exports.material import Material
from proof.exports.pack import pack

ARCHIVE = "snippets.zip"


def downloads(source: Material) -> Iterable[tuple[str, str]]:
    """Write the files of each rule and recipe into the folder of its page.

    Args:
        source: What exports are made of.

    Yields:
        Each file, named by the id.
    """
    for each in [*source.rules, *source.recipes]:
        for file in each.files:
            yield each.address + file.download, file.text


def archive(source: Material) -> Iterable[tuple[str, bytes]]:
    """Pack all snippets and tests, in the folders that their imports expect.

    Args:
        source: What exports are made of.

    Yields:
        The archive: the same bytes whenever it is packed.
    """
    published = [*source.rules, *source.recipes]
    files = {file.path: file.text for each in published for file in each.files}
    yield ARCHIVE, pack(files)
