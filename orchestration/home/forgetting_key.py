"""The key by whose hash what was forgotten can be told again by whoever has the home, and by nobody else."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

FOLDER, KEY = "secrets", "forgotten.key"
_KEY_BYTES = 32


def subject_hash(home: Path, external_id: str) -> str:
    """The keyed hash (HMAC-SHA256, hexadecimal) of a device's id. The key is made where there is none yet."""
    return hmac.new(_key(home), external_id.encode(), hashlib.sha256).hexdigest()


def _key(home: Path) -> bytes:
    folder = home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / KEY
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return path.read_bytes()
