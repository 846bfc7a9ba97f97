"""Certificates that sign themselves, made by the openssl command as an operator would."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class CertificateFiles(NamedTuple):
    """Both PEM."""

    certificate: Path
    key: Path


def write_certificate(folder: Path, name: str = "localhost", *, stem: str = "") -> CertificateFiles:
    """A certificate of this host for two days, and its key, in a folder."""
    made = CertificateFiles(folder / f"{stem}cert.pem", folder / f"{stem}key.pem")
    about = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2", "-nodes"]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(["openssl", "req", "-x509", *about, *algorithm, *files], check=True, capture_output=True)
    return made
