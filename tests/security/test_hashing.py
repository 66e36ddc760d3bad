import hashlib
import hmac
import json
import operator
import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import override

import pytest

from proof.testing.basics import Observe
from proof.testing.record import Attack, Measured, undisturbed
from snippets.security import hashing_avoid as avoid
from snippets.security.hashing import digest, is_genuine, is_released, sign

VECTORS = json.loads(
    Path(__file__).with_name("hashing_vectors.json").read_text(encoding="utf-8")
)
PIECE = 1 << 18  # file_digest reads that much at a time
MIB = 1 << 20
KEY = bytes(range(32))
BODY = b'{"paid": 100}'


def file_of(content: bytes, folder: Path) -> Path:
    path = folder / "release.tar"
    path.write_bytes(content)
    return path


def peak_mib(task: Callable[[Path], str], path: Path) -> float:
    """Return the most memory that a task held at a time."""
    tracemalloc.start()
    try:
        task(path)
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


def microseconds(
    compare: Callable[[bytes, bytes], bool], one: bytes, other: bytes
) -> float:
    """Return the shortest time of a comparison."""
    shortest = float("inf")
    for _ in range(9):
        start = perf_counter()
        for _ in range(5):
            compare(one, other)
        shortest = min(shortest, perf_counter() - start)
    return shortest / 5 * 1e6


@pytest.mark.parametrize("name", VECTORS["sha256"]["vectors"])
def test_a_file_has_the_published_digest(name: str, tmp_path: Path) -> None:
    vector = VECTORS["sha256"]["vectors"][name]
    path = file_of(vector["text"].encode() * vector["times"], tmp_path)
    assert digest(path) == vector["digest"]
    assert is_released(path, vector["digest"])


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 1])
def test_no_piece_of_a_file_is_left_out(size: int, tmp_path: Path) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert digest(file_of(content, tmp_path)) == hashlib.sha256(content).hexdigest()


def test_a_digest_in_capital_letters_is_the_same(tmp_path: Path) -> None:
    path = file_of(b"abc", tmp_path)
    assert is_released(path, hashlib.sha256(b"abc").hexdigest().upper())


def test_another_file_or_a_shortened_digest_is_not_released(tmp_path: Path) -> None:
    path = file_of(b"abc", tmp_path)
    assert not is_released(path, hashlib.sha256(b"abd").hexdigest())
    assert not is_released(path, hashlib.sha256(b"abc").hexdigest()[:63])


def test_hashing_holds_one_piece_of_the_file_at_a_time(
    tmp_path: Path, measured: Measured
) -> None:
    sizes = (1, 4, 16)
    peaks: dict[str, list[float]] = {"file_digest": [], "read_bytes": []}
    for size in sizes:
        path = file_of(b"", tmp_path)
        with path.open("r+b") as file:
            file.truncate(size * MIB)
        peaks["file_digest"].append(peak_mib(digest, path))
        peaks["read_bytes"].append(peak_mib(avoid.digest, path))
    measured.plot(
        "Most memory held", "MiB", over="MiB in the file", sizes=sizes, values=peaks
    )
    assert max(peaks["file_digest"]) < 1
    assert all(
        peak >= size for peak, size in zip(peaks["read_bytes"], sizes, strict=True)
    )


@pytest.mark.parametrize("name", VECTORS["hmac"]["vectors"])
def test_a_signature_is_the_published_hmac(name: str) -> None:
    vector = VECTORS["hmac"]["vectors"][name]
    key, body = bytes.fromhex(vector["key"]), bytes.fromhex(vector["body"])
    assert sign(key, body) == vector["signature"]
    assert is_genuine(key, body, vector["signature"])


@pytest.mark.parametrize("part", ["key", "body", "signature"])
def test_every_changed_bit_is_noticed(part: str) -> None:
    parts = {"key": KEY, "body": BODY, "signature": bytes.fromhex(sign(KEY, BODY))}
    accepted: list[int] = []
    for bit in range(8 * len(parts[part])):
        changed = bytearray(parts[part])
        changed[bit // 8] ^= 1 << bit % 8
        given = parts | {part: bytes(changed)}
        if is_genuine(given["key"], given["body"], given["signature"].hex()):
            accepted.append(bit)
    assert accepted == []


@pytest.mark.parametrize(
    "signature",
    [
        "",
        sign(KEY, BODY)[:-1],
        sign(KEY, BODY) + "0",
        sign(KEY, BODY).upper(),
        f"sha256={sign(KEY, BODY)}",
        "ä" * 64,
        "\udc80" * 64,
        "\x00" * 64,
    ],
    ids=[
        "empty",
        "too short",
        "too long",
        "capital letters",
        "with a prefix",
        "beyond ASCII",
        "half a letter",
        "zeros",
    ],
)
def test_any_other_text_is_no_signature(signature: str) -> None:
    assert is_genuine(KEY, BODY, signature) is False


@pytest.mark.parametrize("size", [0, 1, 15])
def test_a_short_key_neither_signs_nor_verifies(size: int) -> None:
    key = bytes(size)
    signature = hmac.digest(key, BODY, "sha256").hex()
    uses = (
        lambda: sign(key, BODY),
        lambda: is_genuine(key, BODY, signature),
        lambda: is_genuine(key, BODY, "ä"),
    )
    for use in uses:
        with pytest.raises(ValueError, match=r"^the key has") as refused:
            use()
        assert str(refused.value) == f"the key has {size} bytes, not 16 or more"


def test_a_key_of_sixteen_bytes_signs() -> None:
    signature = hmac.digest(KEY[:16], BODY, "sha256").hex()
    assert sign(KEY[:16], BODY) == signature
    assert is_genuine(KEY[:16], BODY, signature)


@pytest.mark.parametrize("use", [digest, partial(is_released, stated="00")])
def test_a_file_that_can_not_be_read_is_an_error(
    use: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        use(tmp_path / "absent")
    with pytest.raises(ValueError, match="null byte"):
        use(tmp_path / "\0")


def test_a_signature_is_compared_by_compare_digest_and_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[str, str]] = []

    def spy(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", spy)
    wrong = "0" * 64
    assert not is_genuine(KEY, BODY, wrong)
    assert compared == [(sign(KEY, BODY), wrong)]


def test_reading_the_file_first_takes_as_much_memory_as_the_file(
    tmp_path: Path, observe: Observe
) -> None:
    path = file_of(bytes(8 * MIB), tmp_path)
    peak = peak_mib(avoid.digest, path)
    observe(f"{peak:.0f} MiB of memory for a file of 8 MiB")
    assert peak >= 8


def test_another_file_with_the_same_seven_digits_is_found_in_a_moment(
    tmp_path: Path, observe: Observe, attack: Attack
) -> None:
    seen: dict[str, bytes] = {}
    for tried in count(1):
        other = b"release %d" % tried
        short = hashlib.sha256(other).hexdigest()[:7]
        if short in seen:
            break
        seen[short] = other
    else:
        pytest.fail("not found")
    one = seen[short]
    attack.sent(f"{one.decode()!r} for review, {other.decode()!r} for download")
    assert avoid.is_released(file_of(one, tmp_path), short)
    assert avoid.is_released(file_of(other, tmp_path), short)
    observe(f"both are {short}, found after {tried:,} files")
    attack.happened(f"both are {short}, found after {tried:,} files")
    assert not is_released(file_of(other, tmp_path), hashlib.sha256(one).hexdigest())
    attack.now("the second is refused: their other digits differ")


def test_whoever_changes_a_body_signs_it_as_well(
    observe: Observe, attack: Attack
) -> None:
    assert avoid.is_genuine_without_key(BODY, avoid.sign_without_key(BODY))
    forged = BODY.replace(b"100", b"900")
    signature = hashlib.sha256(forged).hexdigest()
    attack.sent(f"{forged.decode()}, signed {signature[:8]}…")
    assert avoid.is_genuine_without_key(forged, signature)
    observe(f"accepted: {forged.decode()}")
    attack.happened(f"accepted: {forged.decode()}")
    assert not is_genuine(KEY, forged, signature)
    attack.now("refused: without the key there is no signature")


def test_an_unset_key_signs_for_everybody(observe: Observe) -> None:
    signature = hmac.digest(b"", BODY, "sha256").hex()
    assert avoid.sign(b"", BODY) == signature
    assert avoid.is_genuine(b"", BODY, signature)
    observe("an empty key makes a signature, and no error")


def test_a_comparison_by_equality_ends_at_the_first_difference(
    observe: Observe, measured: Measured
) -> None:
    class Asked(str):
        __slots__ = ()
        __hash__ = str.__hash__

        @override
        def __eq__(self, other: object) -> bool:
            return True

    assert avoid.is_genuine(KEY, BODY, Asked("00"))
    observe("whatever == says, byte by byte, decides")
    sizes = (1 << 12, 1 << 14, 1 << 16, 1 << 18)
    right = bytes(sizes[-1])
    wrong = [right[: size - 1] + b"\x01" + right[size:] for size in sizes]
    with undisturbed():
        constant = [microseconds(hmac.compare_digest, right, each) for each in wrong]
        equality = [microseconds(operator.eq, right, each) for each in wrong]
    measured.plot(
        "Time to tell two texts apart",
        "microseconds",
        over="bytes up to the first difference",
        sizes=sizes,
        values={"compare_digest": constant, "==": equality},
    )
    assert equality[-1] > 5 * equality[0]
    assert max(constant) < 3 * min(constant)


def test_a_letter_beyond_ascii_in_the_header_is_an_unhandled_error(
    observe: Observe,
) -> None:
    with pytest.raises(TypeError, match=r"non-ASCII") as unhandled:
        avoid.is_genuine_or_fails(KEY, BODY, "ä")
    observe(unhandled.value)
