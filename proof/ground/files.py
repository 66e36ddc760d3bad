"""Writes files and folders so that they are always whole: the old ones or the new."""

import os
import shutil
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write a file atomically, making its folder.

    Args:
        path: The file.
        text: All it shall hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def replace(new: Path, old: Path) -> None:
    """Put a finished folder in the place of an old one."""
    away = old.with_name(f"{old.name}.old")
    shutil.rmtree(away, ignore_errors=True)
    if old.exists():
        old.rename(away)
    new.rename(old)
    shutil.rmtree(away, ignore_errors=True)
