"""Let in what looks like the packages that the lock names."""

import base64
import csv
import hashlib
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile


class LockError(ValueError):
    pass


class NotLockedError(ValueError):
    pass


def read_pins(text: str) -> list[str]:
    lines = [line.partition(" ")[0] for line in text.splitlines()]
    # --8<-- [start:answer]
    pins = [line for line in lines if line and not line.startswith(("#", "-"))]
    # expect: test[a_pin_installs_whatever_is_served_under_its_version]
    if not all("==" in pin for pin in pins):
        raise LockError("not every requirement is pinned")
    # --8<-- [end:answer]
    return pins


def read_hashed(text: str) -> list[str]:
    lines = text.replace("\\\n", " ").splitlines()
    # expect: test[a_comment_that_ends_in_a_backslash_hides_a_line]
    pins = [line for line in lines if line and not line.startswith(("#", "-"))]
    # expect: test[an_address_with_a_hash_of_its_own_is_installed]
    if not all("--hash=sha256:" in pin for pin in pins):
        raise LockError("not every requirement has a hash")
    return [pin.partition(" ")[0] for pin in pins]


def admit_by_neighbour(wheel: Path) -> bytes:
    content = wheel.read_bytes()
    stated = wheel.with_suffix(".whl.sha256").read_text(encoding="utf-8")
    # expect: test[whoever_swaps_a_wheel_swaps_the_digest_beside_it]
    if hashlib.sha256(content).hexdigest() != stated:
        raise NotLockedError(wheel.name)
    return content


def admit_by_record(wheel: Path) -> bytes:
    content = wheel.read_bytes()
    with ZipFile(BytesIO(content)) as archive:
        [record] = [name for name in archive.namelist() if name.endswith("/RECORD")]
        for name, stated, _ in csv.reader(archive.read(record).decode().splitlines()):
            digest = hashlib.sha256(archive.read(name)).digest()
            # expect: test[a_wheel_that_vouches_for_itself_is_let_in]
            if stated not in ("", f"sha256={_encoded(digest)}"):
                raise NotLockedError(name)
    return content


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
