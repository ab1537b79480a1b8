"""How far a connection can be trusted: TLS contexts for whom a box trusts, and for who it proves to be.

Twins with equal settings share a context, which weighs more than a twin does. Knows no URL and opens no connection.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from twin.errors import LinkError
from twin.model.spec import Access, CsmsSpec

CIPHER_SUITES = {
    # Security whitepaper A00.FR.317, .318, .421, .422
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B,
    "ECDHE-ECDSA-AES256-GCM-SHA384": 0xC02C,
    # the same for servers with an RSA key, which have forward secrecy only so
    "ECDHE-RSA-AES128-GCM-SHA256": 0xC02F,
    "ECDHE-RSA-AES256-GCM-SHA384": 0xC030,
    "AES128-GCM-SHA256": 0x009C,
    "AES256-GCM-SHA384": 0x009D,
}
"""What is offered for TLS 1.2, by OpenSSL's names, with the numbers on the wire."""

CIPHER_NUMBERS = frozenset({*CIPHER_SUITES.values(), 0x1301, 0x1302, 0x1303})
"""All that is offered; the suites of TLS 1.3 are good enough and come first."""

STRENGTH = "@SECLEVEL=2"
"""OpenSSL's name for A00.FR.501 … .503: 112 bits, so RSA keys of 2048 bits and EC keys of 224."""

_FILE = "SSL_CERT_FILE"
"""The environment's name for a file with the machine's roots (OpenSSL)."""


@dataclass(frozen=True, slots=True)
class _File:
    """Be a file as it is now: one that has changed since is another one."""

    setting: str
    path: str
    changed_ns: int
    size: int


@dataclass(frozen=True, slots=True)
class _Trust:
    """Say whom to trust: the roots of a file, or these; and those of the machine as well, or not."""

    file: _File | None
    roots: tuple[str, ...] | None
    machine: bool
    verify_hostname: bool


def context(csms: CsmsSpec, access: Access, keys: Path) -> ssl.SSLContext:
    """Return the TLS context of a box; raises LinkError for files that cannot be used.

    `keys` is the folder with the private keys that the box made itself.
    """
    file = _file("csms.ca_file", csms.ca_file) if access.roots is None and csms.ca_file is not None else None
    # Where nobody said whom to trust, a root that the Central System installs must not lock out its present one.
    trust = _Trust(file, access.roots, csms.ca_file is None, csms.verify_hostname)
    if access.profile < 3:
        return _shared(trust, None, None)
    if access.chain is not None and access.key is not None:
        return _own(trust, access.chain, keys / f"{access.key}.pem")
    if csms.certificate_file is None:
        raise LinkError(
            "Security profile 3 needs a certificate of the charge point: set csms.certificate_file and csms.key_file, "
            "or let the Central System sign one at a lower profile."
        )
    key = None if csms.key_file is None else _file("csms.key_file", csms.key_file)
    return _shared(trust, _file("csms.certificate_file", csms.certificate_file), key)


@lru_cache(maxsize=64)
def _shared(trust: _Trust, certificate: _File | None, key: _File | None) -> ssl.SSLContext:
    made = _trusting(trust)
    if certificate is not None:
        with _blamed(f"{certificate.setting} {certificate.path}"):
            _identify(made, certificate.path, None if key is None else key.path)
    return made


def _own(trust: _Trust, chain: str, key: Path) -> ssl.SSLContext:
    # Made for each connection and kept by it: no other twin can use it.
    made = _trusting(trust, lightly=True)
    with _blamed(f"The charge point's certificate, or its key {key},"), NamedTemporaryFile("w", dir=key.parent) as file:
        file.write(chain)  # OpenSSL reads certificates from files only
        file.flush()
        _identify(made, file.name, str(key))
    return made


def _trusting(trust: _Trust, *, lightly: bool = False) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A00.FR.312, .320: nothing older than TLS 1.2, no compression.
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_COMPRESSION
    made.set_ciphers(":".join((*CIPHER_SUITES, STRENGTH)))
    # A00.FR.308: the names in the certificate's SAN or, where it has none, its commonName; OpenSSL knows both.
    made.check_hostname = trust.verify_hostname
    # RFC 5280 §6.1: what is trusted need not have signed itself.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if trust.machine:
        _trust_machine(made, lightly=lightly)
    if trust.file is not None:
        with _blamed(f"{trust.file.setting} {trust.file.path}"):
            made.load_verify_locations(cafile=trust.file.path)
    elif trust.roots:
        with _blamed("A root certificate that the Central System installed"):
            made.load_verify_locations(cadata="\n".join(trust.roots))
    return made


def _trust_machine(made: ssl.SSLContext, *, lightly: bool) -> None:
    folder = _folder_of_roots() if lightly else None
    if folder is None:
        made.load_default_certs()
    else:
        # OpenSSL finds there what it needs when it needs it; all of it weighs 900 KiB, and takes 50 ms to load.
        made.load_verify_locations(capath=folder)


def _folder_of_roots() -> str | None:
    folder: str | None = ssl.get_default_verify_paths().capath
    usable = _FILE not in os.environ and any(Path(folder or os.devnull).glob("*.0"))
    return folder if usable else None


def _identify(made: ssl.SSLContext, certificate: str, key: str | None) -> None:
    # A password that is wrong keeps OpenSSL from asking for one at the terminal.
    made.load_cert_chain(certificate, key, password="")


def _file(setting: str, path: str) -> _File:
    with _blamed(f"{setting} {path}"):
        found = Path(path).stat()
    return _File(setting, path, found.st_mtime_ns, found.st_size)


@contextmanager
def _blamed(what: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        reason = (error.reason or "it is not in PEM form").replace("_", " ").lower()
        raise LinkError(f"{what} cannot be used ({reason}): check the file.") from error
    except OSError as error:
        raise LinkError(f"{what} cannot be read ({error.strerror}): check its path and permissions.") from error
