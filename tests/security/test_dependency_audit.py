import base64
import gzip
import hashlib
import io
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import tarfile
import threading
import tomllib
import zipfile
from collections.abc import Generator, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import override

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.testing.basics import Observe
from proof.testing.record import Attack, Evidence
from snippets.security import dependency_audit as kept
from snippets.security import dependency_audit_avoid as avoid

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
CONFIGURATION = ROOT / "snippets/security/dependency_audit.toml"
COMMANDS = ROOT / "snippets/security/dependency_audit.console"
TOO_LONG_SECONDS = 60
HARMLESS = "TOTAL = 1\n"
EVIL = "from pathlib import Path\nPath(__file__).with_name('evil was here').touch()\n"
ZEROS, ONES = "0" * 64, "1" * 64
ADVISORY = "PYSEC-2026-1"


def wheel(
    folder: Path,
    named: str = "acme_billing-1.0.0",
    *,
    code: str = HARMLESS,
    record_of: str | None = None,
    requires: str = "",
) -> Path:
    """Build a wheel; its record is that of the code, or of other code."""
    name, version = named.split("-")
    module, info = f"{name}/__init__.py", f"{named}.dist-info"
    files = {
        module: code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    recorded = files | {module: record_of or code}
    record = "".join(
        f"{path},sha256={encoded(text)},{len(text)}\n"
        for path, text in recorded.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{named}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(zipfile.ZipInfo(each), text)
    return path


def encoded(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def locked(*wheels: Path) -> str:
    """Write the lock of these wheels."""
    return "".join(
        f"{path.name.split('-')[0]}=={path.name.split('-')[1]} \\\n"
        f"    --hash=sha256:{digest_of(path)}\n"
        for path in wheels
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep what uv finds out about this Python."""
    return tmp_path_factory.mktemp("cache")


class Uv:
    """Runs uv in a folder of its own, with nothing configured but what lies there."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.target = folder / "installed"
        self._environment = {
            "HOME": str(folder),
            "NO_COLOR": "1",
            "PATH": os.defpath,
            "UV_CACHE_DIR": str(cache),
            "UV_NO_PROGRESS": "1",
            "UV_PROJECT_ENVIRONMENT": str(folder / "environment"),
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
        }

    def run(self, *arguments: str, index: str = "") -> subprocess.CompletedProcess[str]:
        environment = self._environment | (
            {"UV_DEFAULT_INDEX": f"{index}/simple"} if index else {"UV_OFFLINE": "1"}
        )
        return subprocess.run(  # noqa: S603 - a fixed program, without a shell
            [UV, *arguments],
            cwd=self.folder,
            env=environment,
            check=False,
            capture_output=True,
            encoding="utf-8",
            timeout=TOO_LONG_SECONDS,
        )

    def install(
        self, requirements: str, *options: str, served: Path
    ) -> subprocess.CompletedProcess[str]:
        """Install requirements with the files of one folder."""
        path = self.folder / "requirements.lock"
        path.write_bytes(requirements.encode())
        return self.run(
            *("pip", "install", "--target", str(self.target), "--no-index"),
            *("--find-links", str(served), *options, "-r", str(path)),
        )

    @property
    def installed(self) -> set[str]:
        """The packages that are there now."""
        return {
            path.name for path in self.target.glob("acme_*") if "-" not in path.name
        }

    def did_evil(self, package: str = "acme_billing") -> bool:
        """Import the package as the application would, and look what it did."""
        runpy.run_path(str(self.target / package / "__init__.py"))
        return (self.target / package / "evil was here").exists()


@pytest.fixture
def uv(tmp_path: Path, cache: Path) -> Uv:
    return Uv(tmp_path, cache)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return what uv says from its error on."""
    return done.stderr[done.stderr.index("error: ") :].strip()


class Services(ThreadingHTTPServer):
    """A package index with some wheels, and a database of advisories, on loopback."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.uploaded: dict[str, str] = {}
        self.advisories: dict[str, object] = {}
        self.asked: list[object] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """Answers as PEP 691 and the OSV API have it."""

    @override
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the test's output clean."""

    @property
    def services(self) -> Services:
        assert isinstance(self.server, Services)
        return self.server

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        what, name = self.path.strip("/").split("/")[-2:]
        if what == "simple":
            listed = [
                {
                    "filename": path.name,
                    "url": f"/files/{path.name}",
                    "hashes": {"sha256": digest_of(path)},
                    "upload-time": self.services.uploaded.get(
                        path.name, "2020-01-01T00:00:00Z"
                    ),
                }
                for path in sorted(self.services.folder.iterdir())
                if path.name.startswith(name.replace("-", "_"))
            ]
            page = {"meta": {"api-version": "1.1"}, "name": name, "files": listed}
            kind = "application/vnd.pypi.simple.v1+json"
            self._answer(json.dumps(page).encode(), kind)
        elif what == "files":
            self._answer((self.services.folder / name).read_bytes())
        else:
            self._answer(json.dumps(self.services.advisories[name]).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.services.asked += body["queries"]
        known = [{"id": each} for each in self.services.advisories]
        found = [
            {"vulns": known} if each["package"]["name"] == "acme-audit" else {}
            for each in body["queries"]
        ]
        self._answer(json.dumps({"results": found}).encode())

    def _answer(self, body: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def services(tmp_path: Path) -> Generator[Services]:
    """Serve billing, which needs audit, and a release of it that nobody has tried."""
    folder = tmp_path / "served"
    wheel(folder, "acme_audit-2.1.0")
    wheel(folder, requires="acme-audit")
    newest = wheel(folder, "acme_billing-1.0.1", requires="acme-audit")
    with Services(folder) as server:
        server.uploaded[newest.name] = "2099-01-01T00:00:00Z"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def project(folder: Path, *, configured: bool = True) -> None:
    """Write a project that depends on billing."""
    text = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.12"\n'
    text += 'dependencies = ["acme-billing"]\n'
    if configured:
        text += CONFIGURATION.read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def test_a_lock_gives_the_digests_of_every_pin() -> None:
    text = (
        "# This file was autogenerated by uv\n"
        f"acme-billing==1.0.0 \\\n    --hash=sha256:{ZEROS} \\\n"
        f"    --hash=sha256:{ONES}\n    # via\n    #   shop\n\n"
        f"acme-audit[pdf]==2.1 ; sys_platform == 'win32' --hash=sha256:{ONES}  # why\n"
    )
    assert kept.read_lock(text) == {
        "acme-billing==1.0.0": {ZEROS, ONES},
        "acme-audit==2.1": {ONES},
    }
    assert kept.read_lock(text.replace("\n", "\r\n")) == kept.read_lock(text)


def test_an_empty_lock_locks_nothing() -> None:
    assert kept.read_lock("\n# nothing yet\n") == {}


def test_a_pin_that_stands_twice_has_the_digests_of_both() -> None:
    text = (
        f"acme==1 ; sys_platform == 'linux' --hash=sha256:{ZEROS}\n"
        f"Acme==1 ; sys_platform != 'linux' --hash=sha256:{ONES}\n"
    )
    assert kept.read_lock(text) == {"acme==1": {ZEROS, ONES}}


@pytest.mark.parametrize(
    "line",
    [
        f"acme --hash=sha256:{ZEROS}",
        f"acme>=1 --hash=sha256:{ZEROS}",
        f"acme===1 --hash=sha256:{ZEROS}",
        f"acme==1.* --hash=sha256:{ZEROS}",
        f"acme==1,!=2 --hash=sha256:{ZEROS}",
        f"acme @ https://example.com/acme-1-py3-none-any.whl --hash=sha256:{ZEROS}",
        f"./acme-1-py3-none-any.whl --hash=sha256:{ZEROS}",
        f"--find-links ./wheels --hash=sha256:{ZEROS}",
        f"acme==1 --config-setting=a=b --hash=sha256:{ZEROS}",
    ],
)
def test_a_line_that_is_no_pin_is_refused(line: str) -> None:
    with pytest.raises(kept.LockError, match=f"^no pin: {re.escape(line)}$"):
        kept.read_lock(f"acme-audit==1 --hash=sha256:{ONES}\n{line}\n")


@pytest.fixture
def usual_stack() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # Python's own limit: a tool in this process raises it
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("usual_stack")
def test_a_marker_that_is_nested_too_deep_is_refused_too() -> None:
    line = f"acme==1 ; {5000 * '('} --hash=sha256:{ZEROS}"
    with pytest.raises(kept.LockError, match=r"^no pin: acme==1 ; \(+ --hash") as no:
        kept.read_lock(line)
    assert isinstance(no.value.__cause__, RecursionError)


@pytest.mark.parametrize(
    "line",
    [
        "acme==1",
        "--index-url https://example.com/simple",
        "--extra-index-url https://example.com/simple",
        "-r other.txt",
        f"acme==1 --hash=sha256:{ZEROS[1:]}",
        f"acme==1 --hash=sha256:{ZEROS}0",
        f"acme==1 --hash=sha256:{ZEROS} --hash=md5:{ZEROS[:32]}",
        f"acme==1 --hash=md5:{ZEROS[:32]}",
        f"acme==1 --hash=sha256:{ZEROS} --extra-index-url https://example.com",
    ],
)
def test_a_line_without_a_whole_sha_256_is_refused(line: str) -> None:
    with pytest.raises(kept.LockError, match=f"^no SHA-256: {re.escape(line)}$"):
        kept.read_lock(f"acme-audit==1 --hash=sha256:{ONES}\n{line}\n")


@pytest.mark.parametrize(
    "comment",
    [
        "# via shop \\\n",
        "acme-core==1 --hash=sha256:" + ONES + " # via shop \\\n",
        "# via shop\r",
        "# via shop\x0b",
    ],
)
def test_no_comment_hides_the_line_behind_it(comment: str) -> None:
    assert "acme==1" in kept.read_lock(f"{comment}acme==1 --hash=sha256:{ZEROS}\n")


def test_the_lock_of_this_site_leaves_no_choice() -> None:
    lock = kept.read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert len(lock) > 100
    assert all(lock.values())


def test_a_locked_wheel_is_admitted_as_the_bytes_that_were_checked(
    tmp_path: Path,
) -> None:
    path = wheel(tmp_path)
    content = path.read_bytes()
    lock = kept.read_lock(f"Acme.Billing==1.0 --hash=sha256:{digest_of(path)}")
    assert lock == {"acme-billing==1.0": {digest_of(path)}}
    lock = {"acme-billing==1.0.0": frozenset({ZEROS, digest_of(path)})}
    assert kept.admit(path, lock) == content


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep one wheel, and a folder for its changed copies."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "changed").mkdir()
    return wheel(folder)


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(position=st.integers(0, 999), bit=st.integers(0, 7))
def test_a_wheel_with_any_changed_bit_is_refused(
    shelf: Path, position: int, bit: int
) -> None:
    content = shelf.read_bytes()
    lock = kept.read_lock(locked(shelf))
    changed = bytearray(content)
    changed[position % len(changed)] ^= 1 << bit
    path = shelf.parent / "changed" / shelf.name
    path.write_bytes(changed)
    with pytest.raises(kept.NotLockedError) as refused:
        kept.admit(path, lock)
    assert str(refused.value) == f"{path.name} is not locked as {digest_of(path)}"


@pytest.mark.parametrize(
    "name",
    ["acme_billing-1.0.1-py3-none-any.whl", "acme_audit-1.0.0-py3-none-any.whl"],
)
def test_a_locked_wheel_under_another_name_or_version_is_refused(
    tmp_path: Path, name: str
) -> None:
    path = wheel(tmp_path)
    lock = kept.read_lock(locked(path))
    with pytest.raises(kept.NotLockedError):
        kept.admit(path.rename(tmp_path / name), lock)


def test_what_is_not_there_or_not_named_as_a_wheel_is_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    lock = kept.read_lock(locked(path))
    with pytest.raises(FileNotFoundError):
        kept.admit(tmp_path / "absent-1-py3-none-any.whl", lock)
    with pytest.raises(ValueError, match="Invalid wheel filename"):
        kept.admit(path.rename(tmp_path / "acme_billing.zip"), lock)


def test_uv_installs_the_locked_wheel_and_refuses_a_tampered_one(
    uv: Uv, tmp_path: Path, cache: Path, evidence: Evidence
) -> None:
    lock = locked(wheel(tmp_path / "served"))
    done = uv.install(lock, "--require-hashes", served=tmp_path / "served")
    assert done.returncode == 0
    assert not uv.did_evil()
    other = Uv(tmp_path / "tampered", cache)
    tampered = wheel(other.folder / "served", code=EVIL)
    done = other.install(lock, "--require-hashes", served=tampered.parent)
    evidence.add("uv, when the wheel has other bytes", complaint(done))
    assert done.returncode == 1
    assert "Hash mismatch for `acme-billing==1.0.0`" in complaint(done)
    assert digest_of(tampered) in complaint(done)
    assert other.installed == set()


def test_one_line_without_a_hash_is_refused_only_where_hashes_are_required(
    uv: Uv, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    lock = locked(wheel(served)) + "acme-audit==1.0.0\n"
    wheel(served, "acme_audit-1.0.0", code=EVIL)
    done = uv.install(lock, "--require-hashes", served=served)
    assert "must have a hash, but none were provided for: acme-audit" in done.stderr
    assert uv.installed == set()
    assert uv.install(lock, served=served).returncode == 0
    assert uv.did_evil("acme_audit")


def test_a_dependency_that_the_lock_does_not_name_is_refused(
    uv: Uv, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    wheel(served, "acme_audit-1.0.0", code=EVIL)
    lock = locked(wheel(served, requires="acme-audit"))
    done = uv.install(lock, "--require-hashes", served=served)
    assert complaint(done) == (
        "error: Hash-checking is required, "
        "but no trusted hash was provided for: `acme-audit`"
    )
    assert uv.installed == set()


def source_distribution(folder: Path, marker: Path) -> Path:
    """Pack a source distribution whose build leaves a marker and fails."""
    backend = f"from pathlib import Path\nPath({str(marker)!r}).touch()\n"
    system = '[build-system]\nrequires = []\nbuild-backend = "evil"\n'
    files = {
        "PKG-INFO": "Metadata-Version: 2.1\nName: acme-billing\nVersion: 1.0.0\n",
        "evil.py": backend,
        "pyproject.toml": system + 'backend-path = ["."]\n',
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"acme_billing-1.0.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    folder.mkdir()
    path = folder / "acme_billing-1.0.0.tar.gz"
    path.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return path


def test_a_source_distribution_runs_its_code_unless_nothing_is_built(
    uv: Uv, tmp_path: Path
) -> None:
    marker = tmp_path / "evil was here"
    path = source_distribution(tmp_path / "served", marker)
    lock = f"acme-billing==1.0.0 --hash=sha256:{digest_of(path)}"
    done = uv.install(
        lock, "--no-build", "--require-hashes", served=tmp_path / "served"
    )
    assert (done.returncode, marker.exists()) == (1, False)
    uv.install(lock, "--require-hashes", served=tmp_path / "served")
    assert marker.exists()


def test_the_configuration_asks_for_hashes_and_wheels_in_every_command(
    uv: Uv, tmp_path: Path
) -> None:
    marker = tmp_path / "evil was here"
    wheel(tmp_path / "wheels")
    path = source_distribution(tmp_path / "sources", marker)
    hashed = f"acme-billing==1.0.0 --hash=sha256:{digest_of(path)}"
    project(tmp_path)
    done = uv.install("acme-billing==1.0.0", served=tmp_path / "wheels")
    assert "In `--require-hashes` mode" in complaint(done)
    done = uv.install(hashed, served=path.parent)
    assert (done.returncode, marker.exists()) == (1, False)
    assert uv.installed == set()


@pytest.mark.parametrize(("configured", "chosen"), [(True, "1.0.0"), (False, "1.0.1")])
def test_a_release_is_left_alone_until_it_is_a_week_old(
    uv: Uv, services: Services, *, configured: bool, chosen: str
) -> None:
    project(uv.folder, configured=configured)
    assert uv.run("lock", index=services.url).returncode == 0
    assert versions(uv.folder / "uv.lock")["acme-billing"] == chosen


def versions(lock: Path) -> Mapping[str, str]:
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {each["name"]: each["version"] for each in packages}


def test_the_commands_lock_audit_export_and_install(
    uv: Uv, services: Services, evidence: Evidence
) -> None:
    project(uv.folder)
    services.advisories[ADVISORY] = {
        "id": ADVISORY,
        "modified": "2026-01-01T00:00:00Z",
        "summary": "Totals can be forged",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "acme-audit"},
                "ranges": [
                    {
                        "type": "ECOSYSTEM",
                        "events": [{"introduced": "0"}, {"fixed": "2.1.1"}],
                    }
                ],
            }
        ],
    }
    here = {
        "audit": ["--service-url", services.url],
        "pip": ["--target", str(uv.target)],
    }
    codes: dict[str, int] = {}
    for line in COMMANDS.read_text(encoding="utf-8").splitlines():
        _, _, command, *arguments = shlex.split(line)
        done = uv.run(command, *arguments, *here.get(command, []), index=services.url)
        codes[command] = done.returncode
        if command == "audit":
            evidence.add("uv audit, with one advisory", done.stdout)
            assert "acme-audit 2.1.0 has 1 known vulnerability" in done.stdout
            assert "`uv audit` is experimental" in done.stderr
            assert "PYSEC-2026-1: Totals can be forged" in done.stdout
    assert codes == {"lock": 0, "audit": 1, "export": 0, "pip": 0}
    assert services.asked == [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in [("acme-audit", "2.1.0"), ("acme-billing", "1.0.0")]
    ]
    exported = (uv.folder / "requirements.lock").read_text(encoding="utf-8")
    lock = kept.read_lock(exported)
    assert lock == kept.read_lock(
        locked(
            services.folder / "acme_audit-2.1.0-py3-none-any.whl",
            services.folder / "acme_billing-1.0.0-py3-none-any.whl",
        )
    )
    assert uv.installed == {"acme_audit", "acme_billing"}


def test_what_only_developers_need_is_audited_and_not_exported(
    uv: Uv, services: Services
) -> None:
    wheel(services.folder, "acme_lint-3.0.0")
    project(uv.folder)
    pyproject = uv.folder / "pyproject.toml"
    groups = '\n[dependency-groups]\ndev = ["acme-lint"]\n'
    pyproject.write_text(pyproject.read_text("utf-8") + groups, "utf-8")
    _, audit, export, _ = map(shlex.split, COMMANDS.read_text("utf-8").splitlines())
    assert uv.run("lock", index=services.url).returncode == 0
    address = ["--service-url", services.url]
    uv.run(*audit[2:], *address, index=services.url)
    assert "acme-lint" in json.dumps(services.asked)
    assert uv.run(*export[2:], index=services.url).returncode == 0
    exported = (uv.folder / "requirements.lock").read_text("utf-8")
    assert list(kept.read_lock(exported)) == [
        "acme-audit==2.1.0",
        "acme-billing==1.0.0",
    ]


def test_an_audit_asks_for_names_and_versions_so_it_misses_a_tampered_wheel(
    uv: Uv, services: Services
) -> None:
    project(uv.folder)
    assert uv.run("lock", index=services.url).returncode == 0
    wheel(services.folder, "acme_audit-2.1.0", code=EVIL)
    address = ["--service-url", services.url]
    done = uv.run("audit", "--frozen", *address, index=services.url)
    assert done.returncode == 0
    assert services.asked[0] == {
        "package": {"name": "acme-audit", "ecosystem": "PyPI"},
        "version": "2.1.0",
    }
    exported = ["--frozen", "--no-emit-project", "-o", "requirements.lock"]
    assert uv.run("export", *exported, index=services.url).returncode == 0
    to = ["--target", str(uv.target)]
    done = uv.run("pip", "sync", *to, "requirements.lock", index=services.url)
    assert "Hash mismatch for `acme-audit==2.1.0`" in complaint(done)
    assert uv.installed == set()


def test_uv_sync_refuses_a_wheel_with_other_bytes_than_its_own_lock_names(
    uv: Uv, services: Services
) -> None:
    project(uv.folder)
    assert uv.run("lock", index=services.url).returncode == 0
    wheel(services.folder, "acme_audit-2.1.0", code=EVIL)
    done = uv.run("sync", "--frozen", index=services.url)
    assert "Hash mismatch for `acme-audit==2.1.0`" in complaint(done)
    assert list(uv.folder.glob("environment/**/acme_*")) == []


def test_there_is_no_audit_offline(uv: Uv, services: Services) -> None:
    project(uv.folder)
    assert uv.run("lock", index=services.url).returncode == 0
    done = uv.run("audit", "--frozen")
    assert done.returncode == 2
    assert "Auditing requires network access" in complaint(done)


def test_a_pin_installs_whatever_is_served_under_its_version(
    uv: Uv, tmp_path: Path, observe: Observe, attack: Attack
) -> None:
    served = tmp_path / "served"
    lock = locked(wheel(served))
    assert avoid.read_pins("# ours\nacme_billing==1.0.0\n") == ["acme_billing==1.0.0"]
    wheel(served, code=EVIL)
    attack.sent("the mirror's acme_billing 1.0.0, with a line more")
    assert uv.install("acme_billing==1.0.0\n", served=served).returncode == 0
    assert uv.did_evil()
    observe("installed, and its line runs at the first import")
    attack.happened("uv installs it, and its line runs at the first import")
    path = served / "acme_billing-1.0.0-py3-none-any.whl"
    with pytest.raises(kept.NotLockedError) as refused:
        kept.admit(path, kept.read_lock(lock))
    attack.now(str(refused.value)[:60] + "…")
    with pytest.raises(kept.LockError, match=r"^no SHA-256: acme_billing==1\.0\.0$"):
        kept.read_lock("acme_billing==1.0.0\n")


def test_a_range_is_no_pin_for_either() -> None:
    with pytest.raises(avoid.LockError, match=r"^not every requirement is pinned$"):
        avoid.read_pins("acme>=1\n")
    with pytest.raises(avoid.LockError, match=r"^not every requirement has a hash$"):
        avoid.read_hashed("acme==1\n")


def with_address(folder: Path) -> tuple[Path, str]:
    """Put an evil package where nobody looks; return the line that names it."""
    evil = wheel(folder / "elsewhere", "acme_audit-1.0.0", code=EVIL)
    return evil, f"acme-audit @ {evil.as_uri()} --hash=sha256:{digest_of(evil)}\n"


def test_an_address_with_a_hash_of_its_own_is_installed(
    uv: Uv, tmp_path: Path, observe: Observe, attack: Attack
) -> None:
    _, line = with_address(tmp_path)
    lock = locked(wheel(tmp_path / "served")) + line
    attack.sent("a line in a pull request: acme-audit @ its address --hash=its hash")
    assert avoid.read_hashed(lock) == ["acme_billing==1.0.0", "acme-audit"]
    done = uv.install(lock, "--require-hashes", served=tmp_path / "served")
    assert done.returncode == 0
    assert uv.did_evil("acme_audit")
    observe("uv --require-hashes installs acme-audit from there")
    attack.happened("uv --require-hashes installs it: the hash is right")
    with pytest.raises(kept.LockError) as refused:
        kept.read_lock(lock)
    attack.now(f"LockError: {str(refused.value)[:22]}…")
    assert str(refused.value).startswith("no pin: acme-audit @ file://")


def test_a_comment_that_ends_in_a_backslash_hides_a_line(
    uv: Uv, tmp_path: Path, observe: Observe
) -> None:
    _, line = with_address(tmp_path)
    lock = f"# via shop \\\n{line}" + locked(wheel(tmp_path / "served"))
    assert avoid.read_hashed(lock) == ["acme_billing==1.0.0"]
    done = uv.install(lock, "--require-hashes", served=tmp_path / "served")
    assert done.returncode == 0
    observe(f"one pin is checked, {len(uv.installed)} packages are installed")
    assert uv.installed == {"acme_audit", "acme_billing"}
    with pytest.raises(kept.LockError, match=r"^no pin: acme-audit @ "):
        kept.read_lock(lock)


def test_whoever_swaps_a_wheel_swaps_the_digest_beside_it(
    tmp_path: Path, observe: Observe
) -> None:
    path = wheel(tmp_path)
    lock = kept.read_lock(locked(path))
    beside = path.with_suffix(".whl.sha256")
    beside.write_text(digest_of(path), encoding="utf-8")
    assert avoid.admit_by_neighbour(path) == path.read_bytes()
    wheel(tmp_path, code=EVIL)
    with pytest.raises(avoid.NotLockedError):
        avoid.admit_by_neighbour(path)
    beside.write_text(digest_of(path), encoding="utf-8")
    assert avoid.admit_by_neighbour(path) == path.read_bytes()
    observe("the tampered wheel is admitted")
    with pytest.raises(kept.NotLockedError):
        kept.admit(path, lock)


def test_a_wheel_that_vouches_for_itself_is_let_in(
    tmp_path: Path, observe: Observe
) -> None:
    path = wheel(tmp_path)
    lock = kept.read_lock(locked(path))
    wheel(tmp_path, code=EVIL, record_of=HARMLESS)
    with pytest.raises(avoid.NotLockedError, match=r"^acme_billing/__init__\.py$"):
        avoid.admit_by_record(path)
    wheel(tmp_path, code=EVIL)
    assert avoid.admit_by_record(path) == path.read_bytes()
    observe("the tampered wheel is admitted: its RECORD was tampered with as well")
    with pytest.raises(kept.NotLockedError):
        kept.admit(path, lock)


def test_uv_installs_a_wheel_that_contradicts_its_own_record(
    uv: Uv, tmp_path: Path
) -> None:
    wheel(tmp_path / "served", code=EVIL, record_of=HARMLESS)
    done = uv.install("acme-billing==1.0.0", served=tmp_path / "served")
    assert done.returncode == 0
    assert uv.did_evil()
