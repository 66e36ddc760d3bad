"""Packs files into an archive, with the same bytes on every machine."""

import io
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold


def pack(files: dict[str, str]) -> bytes:
    """Pack texts.

    Args:
        files: The texts, by their paths in the archive.

    Returns:
        A zip. Nothing in it is compressed: what a compressor makes differs with its
        version.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as whole:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = 0o644 << 16
            whole.writestr(entry, text)
    return packed.getvalue()
