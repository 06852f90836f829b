from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mecum.cli.edge import HEAD_BYTES_MAX
from mecum.cli.link import EXIT_REFUSED
from tests.support.processes import FAKE_SERVER, Process, environment, get


def server(supervised: bool = True, **env: str) -> Process:
    more = {"MECUM_SUPERVISED": "1"} if supervised else {}
    return Process(FAKE_SERVER, environment(**{"MECUM_PORT": "0", **more, **env}))


def ready(process: Process) -> int:
    """Tells it that the database is there. Gives the port."""
    port: int = process.event("listening")["port"]
    process.tell({"database_url": "postgresql://fake"})
    process.event("ready")
    return port


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


def test_it_is_healthy_before_the_app_is_imported_and_everything_else_says_when_to_come_back(gate: Path) -> None:
    with server(FAKE_GATE=str(gate)) as process:
        port = process.event("listening")["port"]
        assert get(port, "/healthz")[::2] == (200, b"ok\n")
        status, headers, body = get(port, "/api/threads", Accept="application/json")
        problem = json.loads(body)
        assert (status, headers["retry-after"]) == (503, "1")
        assert headers["content-type"] == "application/problem+json"
        assert (problem["code"], problem["status"], problem["retryable"]) == ("starting", 503, True)
        status, headers, body = get(port, "/v1/models")
        assert (status, json.loads(body)["error"]["code"]) == (503, "starting")
        status, headers, body = get(port, "/", Accept="text/html,*/*")
        assert status == 503 and b'http-equiv="refresh"' in body
        process.tell({"database_url": "postgresql://fake"})
        gate.write_text("go")
        event = process.event("ready")
        assert event["setup_url"] == f"http://localhost:{port}/set-up#fake"
        assert get(port, "/")[::2] == (200, b"fake")
        assert get(port, "/healthz")[::2] == (200, b"ok\n")


def test_it_waits_for_the_database_and_gives_the_app_its_address() -> None:
    with server() as process:
        port = ready(process)
        assert get(port, "/database")[2] == b"postgresql://fake"


def test_it_does_not_say_what_it_is_made_of() -> None:
    with server() as process:
        assert "server" not in get(ready(process), "/")[1]


def test_on_sigterm_a_response_that_has_begun_is_finished() -> None:
    with server() as process:
        port = ready(process)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            received = b""
            while b"begun" not in received:
                received += connection.recv(4096)
            process.popen.send_signal(signal.SIGTERM)
            while chunk := connection.recv(4096):
                received += chunk
        assert b"and finished" in received
        process.event("draining")
        assert process.wait() == 0


def test_sigterm_while_it_is_starting_ends_it_although_an_import_hangs(gate: Path) -> None:
    with server(FAKE_GATE=str(gate)) as process:
        process.event("listening")
        process.popen.send_signal(signal.SIGTERM)
        assert process.wait() == 0


def test_without_its_supervisor_it_stops_in_order() -> None:
    with server() as process:
        ready(process)
        assert process.popen.stdin is not None
        process.popen.stdin.close()
        process.event("draining")
        assert process.wait() == 0
        process.popen.stdin = None


def test_it_runs_without_a_supervisor_on_a_database_from_the_environment() -> None:
    with server(supervised=False, MECUM_DATABASE_URL="postgresql://own") as process:
        port = process.event("listening")["port"]
        process.event("ready")
        assert get(port, "/database")[2] == b"postgresql://own"


def test_a_refusal_of_the_app_is_reported_and_is_not_a_crash() -> None:
    with server(FAKE_REFUSE="1") as process:
        process.event("listening")
        process.tell({"database_url": "postgresql://fake"})
        event = process.event("refused")
        assert (event["code"], process.wait()) == ("owner_needed", EXIT_REFUSED)
        assert "Traceback" not in process.errors()


def test_a_taken_port_is_refused_with_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with server(MECUM_PORT=port) as process:
            event = process.event("refused")
            assert (event["code"], process.wait()) == ("address_taken", EXIT_REFUSED)
            assert port in event["detail"] and "--port" in event["hint"]


def test_what_the_app_prints_is_not_taken_for_an_event() -> None:
    with server() as process:
        port = ready(process)
        get(port, "/print")
        process.popen.send_signal(signal.SIGTERM)
        process.event("draining")
        process.wait()
        assert "this is no event" in process.errors()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: 1234567890\r\n" * (HEAD_BYTES_MAX // 16),
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * (HEAD_BYTES_MAX + 1),
        b"GET /" + b"a" * (HEAD_BYTES_MAX + 1),
    ],
    ids=["many headers", "one endless header", "one endless line"],
)
def test_a_request_whose_head_is_too_large_is_refused(head: bytes) -> None:
    with server() as process:
        port = ready(process)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head)
            assert connection.recv(4096).startswith(b"HTTP/1.1 431 ")
        assert get(port, "/")[0] == 200


def test_a_large_body_behind_a_small_head_is_no_large_head() -> None:
    with server() as process:
        port = ready(process)
        body = b"b" * (4 * HEAD_BYTES_MAX)
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            for _ in range(2):
                connection.sendall(head + body)
                received = b""
                while not received.endswith(b"0\r\n\r\n"):
                    received += connection.recv(4096)
                assert received.startswith(b"HTTP/1.1 200 ")


def test_it_serves_https_and_refuses_a_key_that_does_not_belong(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "ours")
    _, foreign_key = certificate(tmp_path, "foreign")
    with server(MECUM_TLS_CERT=str(cert), MECUM_TLS_KEY=str(key)) as process:
        port = ready(process)
        context = ssl.create_default_context(cafile=str(cert))
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    with server(MECUM_TLS_CERT=str(cert), MECUM_TLS_KEY=str(foreign_key)) as process:
        assert process.event("refused")["code"] == "tls_unusable"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file
