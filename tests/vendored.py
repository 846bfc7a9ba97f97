"""``make vendor``: scripts of others that the pages use, taken from npm packages and kept in the repository.

``packages.toml`` beside them names each package, its version, its licence and the digest that its makers published it
with. ``npm pack`` brings the package from wherever npm is configured to ask; what does not have the digest is refused.
"""

import hashlib
import subprocess
import sys
import tarfile
import tomllib
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FOLDER = Path(__file__).parents[1] / "ingest_api/pages/vendor"
MANIFEST = FOLDER / "packages.toml"


class AnotherPackageError(Exception):
    """What npm brought is not what the manifest names."""


def packages() -> list[dict[str, Any]]:
    """What the manifest says: of each package ``name``, ``version``, ``licence``, ``integrity`` and ``files``.

    ``files``: of each file here the path in the package, and its SHA-256.
    """
    read: list[dict[str, Any]] = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["package"]
    return read


def digest_of(content: bytes) -> str:
    """The SHA-256 of a file, as the manifest has it."""
    return hashlib.sha256(content).hexdigest()


def integrity_of(archive: Path) -> str:
    """The digest of a package, as npm publishes it."""
    return f"sha512-{b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()}"


def take(package: dict[str, Any], into: Path) -> None:
    """Bring one package, and put its files there.

    Raises:
        AnotherPackageError: it is not the one that the manifest names, or a file of it is another.
        subprocess.CalledProcessError: npm could not bring it.
    """
    wanted = f"{package['name']}@{package['version']}"
    with TemporaryDirectory() as folder:
        command = ["npm", "pack", wanted, "--json", "--ignore-scripts", "--pack-destination", folder]
        subprocess.run(command, check=True, stdout=subprocess.PIPE)
        (archive,) = Path(folder).glob("*.tgz")
        if (found := integrity_of(archive)) != package["integrity"]:
            raise AnotherPackageError(f"{wanted} has the integrity {found}, not {package['integrity']}")
        with tarfile.open(archive) as opened:
            for name, (path, digest) in package["files"].items():
                member = opened.extractfile(f"package/{path}")
                content = member.read() if member else b""
                if digest_of(content) != digest:
                    raise AnotherPackageError(f"{path} of {wanted} has the digest {digest_of(content)}, not {digest}")
                (into / name).write_bytes(content)


def main() -> int:
    """Bring all of them."""
    for package in packages():
        try:
            take(package, FOLDER)
        except AnotherPackageError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        sys.stdout.write(f"{package['name']} {package['version']} ({package['licence']})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
