"""TLS by two files: what it is spoken with, what becomes of a renewal, and of who does not speak it."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import CertificateFiles, write_certificate
from tests.integration.ingest_api.api_process import COMMAND, ROOT, ApiProcess, api_process, environment
from tests.integration.ingest_api.site import until
from tests.ports import free_port

HANDSHAKES = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[CertificateFiles, CertificateFiles]:
    """Two of the same host, each with a key of its own."""
    folder = tmp_path_factory.mktemp("tls")
    return write_certificate(folder, stem="first-"), write_certificate(folder, stem="second-")


@pytest.fixture
def files(tmp_path: Path, certificates: tuple[CertificateFiles, CertificateFiles]) -> CertificateFiles:
    """Where the API looks: the first certificate."""
    made = CertificateFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    install(certificates[0], made)
    return made


@pytest.fixture
def api(database_url: str, files: CertificateFiles, tmp_path: Path) -> Iterator[ApiProcess]:
    with api_process(
        database_url, log=tmp_path / "log", tls_cert=files.certificate, tls_key=files.key, auth="required"
    ) as api:
        yield api


def install(source: CertificateFiles, target: CertificateFiles) -> None:
    """As those who renew do it: the certificate first, each file in one step."""
    for new, old in zip(source, target, strict=True):
        shutil.copy(new, old.with_suffix(".new"))
        old.with_suffix(".new").replace(old)


def speak(api: ApiProcess, trusted: Path, version: ssl.TLSVersion | None = None) -> ssl.SSLSocket:
    """A connection of a client that trusts this certificate alone.

    Raises:
        ssl.SSLError: another one was shown.
    """
    context = ssl.create_default_context(cafile=str(trusted))
    context.set_alpn_protocols(["h2", "http/1.1"])
    if version:
        context.minimum_version = context.maximum_version = version
    return context.wrap_socket(api.connect(), server_hostname="localhost")


def ask(connection: socket.socket, path: str = "/livez", host: str = "localhost") -> tuple[int, bytes]:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65_536)
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("version", HANDSHAKES)
def test_the_newest_versions_are_spoken(api: ApiProcess, files: CertificateFiles, version: ssl.TLSVersion) -> None:
    with speak(api, files.certificate, version) as connection:
        assert ask(connection)[0] == 200
        assert b"strict-transport-security: max-age=" in ask(connection, host="fleet.example")[1]
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_a_reading_is_stored_and_pages_know_that_nobody_reads_along(
    database_url: str, files: CertificateFiles, tmp_path: Path
) -> None:
    body = json.dumps({"meterId": "meter-tls", "kwhConsumedAc": 1.0, "voltage": 230.0, "timestamp": _now()}).encode()
    head = "POST /v1/telemetry HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "

    def status(server: ApiProcess) -> int:
        with speak(server, files.certificate) as connection:
            connection.sendall(f"{head}{len(body)}\r\n\r\n".encode() + body)
            return int(connection.recv(65_536).split()[1])

    with api_process(
        database_url, log=tmp_path / "log", tls_cert=files.certificate, tls_key=files.key, workers=2
    ) as api:
        until(lambda: status(api) in (200, 201))  # a busy machine asks to try again
        assert "no TLS is known" not in (tmp_path / "log").read_text()


def test_a_renewed_certificate_is_shown_to_new_connections_and_open_ones_live_on(
    api: ApiProcess,
    files: CertificateFiles,
    certificates: tuple[CertificateFiles, CertificateFiles],
    tmp_path: Path,
) -> None:
    first, second = certificates
    with speak(api, first.certificate) as from_before:
        assert ask(from_before)[0] == 200
        install(second, files)
        with speak(api, second.certificate) as connection:
            assert ask(connection)[0] == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            speak(api, first.certificate)
        assert ask(from_before)[0] == 200
    until(lambda: "was renewed" in (tmp_path / "log").read_text())


@pytest.mark.parametrize("broken", ["half", "other key", "gone", "empty"])
def test_what_cannot_be_used_changes_nothing_and_is_said(
    broken: str,
    api: ApiProcess,
    files: CertificateFiles,
    certificates: tuple[CertificateFiles, CertificateFiles],
    tmp_path: Path,
) -> None:
    first, second = certificates
    if broken == "half":
        files.certificate.write_bytes(second.certificate.read_bytes()[:200])
    elif broken == "other key":
        shutil.copy(second.key, files.key)
    elif broken == "gone":
        files.key.unlink()
    else:
        files.certificate.write_bytes(b"")
    for _ in range(3):
        with speak(api, first.certificate) as connection:
            assert ask(connection)[0] == 200
    until(lambda: "the one before is shown on" in (tmp_path / "log").read_text())
    assert (tmp_path / "log").read_text().count("the one before is shown on") == 1
    install(second, files)
    with speak(api, second.certificate) as connection:
        assert ask(connection)[0] == 200


def test_plain_http_gets_no_answer_and_hurts_nobody(api: ApiProcess, files: CertificateFiles) -> None:
    with api.connect() as plain:
        plain.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not plain.recv(65_536).startswith(b"HTTP/")
    with speak(api, files.certificate) as connection:
        assert ask(connection)[0] == 200


@pytest.mark.long
def test_a_handshake_that_does_not_go_on_is_ended(api: ApiProcess) -> None:
    with api.connect(60) as silent:
        silent.sendall(b"\x16\x03\x01")  # the beginning of one
        assert silent.recv(1) == b"", "closed, well before the minute that others wait"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"tls_cert": "cert.pem"}, "tls_cert and tls_key go together"),
        ({"tls_cert": "cert.pem", "tls_key": "none.pem"}, "FLEET_TLS_CERT: certificate {folder}/cert.pem and key"),
        ({"tls_cert": "key.pem", "tls_key": "key.pem"}, "not what it should be, in PEM"),
        ({"tls_cert": "cert.pem", "tls_key": "other.pem"}, "the key is another certificate's"),
        ({"tls_cert": "cert.pem", "tls_key": "locked.pem"}, "the key is encrypted"),
    ],
)
def test_what_cannot_be_used_is_refused_at_the_start(
    settings: dict[str, str],
    says: str,
    files: CertificateFiles,
    certificates: tuple[CertificateFiles, CertificateFiles],
    tmp_path: Path,
) -> None:
    shutil.copy(certificates[1].key, tmp_path / "other.pem")
    encrypt = ["openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", str(files.key)]
    subprocess.run([*encrypt, "-out", str(tmp_path / "locked.pem")], check=True, capture_output=True)
    given = {name: tmp_path / file for name, file in settings.items()}
    env = environment("postgresql://nobody@127.0.0.1:1/none", free_port(), **given)
    done = subprocess.run(COMMAND, cwd=ROOT, env=env, capture_output=True, text=True, check=False, stdin=-3)
    assert done.returncode == 2
    assert says.format(folder=os.path.realpath(tmp_path)) in done.stderr
    assert "Traceback" not in done.stderr


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
