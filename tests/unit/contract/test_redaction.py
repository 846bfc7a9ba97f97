"""Secrets are taken out of texts in every form in which they come, and ordinary words stay."""

import json
import logging
import sys
import traceback
from urllib.parse import quote

import pytest

from warehouse.contract import redaction
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.contract.redaction import keep_secret, redact_output, redacted

HOOK = "https://chat.example/services/T0123456/B0123456/abcdefghijkl?key=mnopqrstuvwx"


@pytest.fixture(autouse=True)
def _knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at postgresql://fleet:pa55w@db:5432/f now", "at postgresql://fleet:***@db:5432/f now"),
        ("postgresql+psycopg2://fleet:p%40@db/f", "postgresql+psycopg2://fleet:***@db/f"),
        ("redis://:pw@cache", "redis://:***@cache"),
        ("host=db user=fleet password=pa55 dbname=f", "host=db user=fleet password=*** dbname=f"),
        ("password = 'pa 55' x", "password = *** x"),
        ('{"stack": "PASSWORD=pa55", "n": 1}', '{"stack": "PASSWORD=***", "n": 1}'),
        ("password authentication failed for user", "password authentication failed for user"),
        ("http://127.0.0.1:3001/runs/abc", "http://127.0.0.1:3001/runs/abc"),
        ("postgresql://fleet@db/f", "postgresql://fleet@db/f"),
        (f"Authorization: Bearer flt_k3Jd82Lq_{'x-_' * 14}y!", "Authorization: Bearer flt_k3Jd82Lq_***!"),
        ("flt_ of a fleet", "flt_ of a fleet"),
        (f"Cookie: fleetwatt=fls_{'x-_' * 14}y; a=b", "Cookie: fleetwatt=fls_***; a=b"),
        (
            "(maria, $argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA+/, t)",
            "(maria, $argon2id$v=19$m=65536,t=2,p=1$***, t)",
        ),
    ],
)
def test_a_connection_string_loses_its_password_though_nobody_knows_it(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize("password", ['quote"backslash\\', "with space é", "at@colon:slash/", "percent%41letter"])
def test_a_known_secret_is_found_in_every_form(password: str) -> None:
    keep_secret(f"postgresql://fleet:{quote(password, safe='')}@db/f")
    for shape in (password, quote(password, safe=""), json.dumps(password), repr(password)):
        found = redacted(f"<{shape}>")
        assert password not in found
        assert "***" in found
    assert json.loads(redacted(json.dumps({"stack": f"leak {password}!"}))) == {"stack": "leak ***!"}


def test_of_an_address_all_but_its_host_is_secret() -> None:
    keep_secret(HOOK)
    for leak in (HOOK, "POST /services/T0123456/B0123456/abcdefghijkl", "B0123456", "mnopqrstuvwx"):
        assert redacted(f"no: {leak}").startswith("no: ")
        assert "***" in redacted(leak)
        assert "0123456" not in redacted(leak)
    assert redacted("chat.example does not answer") == "chat.example does not answer"


def test_what_is_an_ordinary_word_stays() -> None:
    keep_secret("postgresql://fleetwatt:fleetwatt@db/fleetwatt", "postgresql://fleet:secret@db/f", None, "")
    assert redacted("fleetwatt status: a secret of /run/secrets") == "fleetwatt status: a secret of /run/secrets"
    assert redacted("postgresql://fleetwatt:fleetwatt@db/fleetwatt") == "***"


def test_our_errors_say_no_secret() -> None:
    keep_secret("canary-token-0123456789")
    error = DatabaseUnavailableError("refused canary-token-0123456789 at postgresql://a:b@c/d")
    assert (error.detail, str(error)) == ("refused *** at postgresql://a:***@c/d",) * 2


def test_neither_print_nor_a_logger_nor_a_traceback_says_one(capsys: pytest.CaptureFixture[str]) -> None:
    keep_secret("canary-token-0123456789")
    handler = logging.StreamHandler(sys.stderr)  # from before, as a library's may be
    redact_output()
    redact_output()
    print("a", "canary-token-0123456789", end="!\n")  # noqa: T201 - what is tried
    logger = logging.getLogger("test_redaction")
    logger.addHandler(handler)
    logger.error("b %s", "canary-token-0123456789")
    logger.removeHandler(handler)
    try:
        int("c canary-token-0123456789")
    except ValueError:
        traceback.print_exc()
    out, err = capsys.readouterr()
    assert out == "a ***!\n"
    assert "b ***" in err
    assert "'c ***'" in err
    assert "canary-token" not in err
