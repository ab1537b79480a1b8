"""Types that many settings share: names, URLs, globs, files and the secrets in them.

Decides what such a value may look like and says so in words; knows no setting by name.
"""

from __future__ import annotations

import re
import ssl
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from cryptography import x509
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from config.problems import masked

RESERVED_ID = "bridge"
"""No twin may have this id: on MQTT it is where the daemon itself lives."""

NAME_ALLOWED = f"1 to 64 letters, digits, _ or -, and not the word {RESERVED_ID}"

MAX_SECRET = 4096

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST_AND_PORT = re.compile(r"[\w.-]+(:\d+)?(/\S*)?")
_NOT_IN_URLS = frozenset('<>"{}|\\^`')


class Section(BaseModel):
    """Be a group of settings: unknown ones are refused, docstrings of fields are the reference."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def refuse(allowed: str) -> PydanticCustomError:
    """Make the error that says what is allowed; where and what was found is added by whoever prints it."""
    return PydanticCustomError("allowed", "{allowed}", {"allowed": allowed})


def is_name(text: str) -> bool:
    """Tell whether this may be the id of a twin or the name of a node."""
    return _NAME.fullmatch(text) is not None and text != RESERVED_ID


def _name(text: str) -> str:
    if not is_name(text):
        raise refuse(NAME_ALLOWED)
    return text


def url_of(schemes: Mapping[str, Sequence[str]], example: str, *, user: bool) -> Callable[[str], str]:
    """Make a check for URLs of these schemes, each with others that people write instead of it.

    `user` says whether they may hold user and password.
    """
    allowed = f"a URL such as {example} (with {', '.join(f'{scheme}://' for scheme in schemes)})"

    def check(text: str) -> str:
        try:
            parts = urlsplit(text)
            good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise refuse(f"{allowed}, whose port is a number from 1 to 65535") from None
        if not good:
            raise refuse(allowed + _perhaps(text, schemes))
        if any(sign.isspace() or sign in _NOT_IN_URLS for sign in text):
            raise refuse(f"{allowed}, without spaces, quotes and brackets")
        if parts.query or parts.fragment:
            raise refuse(f"{allowed}, without ? and #")
        if "@" in parts.netloc and not user:
            raise refuse(f"{allowed}, without user and password: the setting beside it is for that")
        return text

    return check


def _perhaps(text: str, schemes: Mapping[str, Sequence[str]]) -> str:
    """Guess the URL that was meant where only the scheme is wrong, or missing."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        found = _HOST_AND_PORT.fullmatch(text)
        meant, rest = next(iter(schemes)) if found else None, text
    else:
        meant = next((ours for ours, theirs in schemes.items() if scheme.lower() in theirs), None)
    return "" if meant is None or not rest else f"; did you mean {masked(f'{meant}://{rest}')}?"


def _readable(path: str) -> str:
    try:
        with Path(path).open("rb"):
            return path
    except OSError as error:
        raise refuse(f"a file that can be read; this one: {_reason(error)}") from None


def _authorities(path: str) -> str:
    _readable(path)
    try:
        ssl.create_default_context().load_verify_locations(path)
        certificates(path)
    except (ssl.SSLError, ValueError):
        raise refuse("a PEM file with certificates") from None
    return path


def certificates(path: str) -> tuple[str, ...]:
    """Return the certificates of a PEM file, each in the same form whatever stands around it."""
    text = Path(path).read_bytes().decode("ascii", errors="replace")
    return tuple(ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(found)) for found in _CERTIFICATE.findall(text))


def validity(path: str) -> tuple[float, float] | None:
    """Return from when until when the first certificate of a PEM file is valid (UTC epoch seconds), if that is told."""
    try:
        found = x509.load_pem_x509_certificate(Path(path).read_bytes())
        return found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return None


def identity_problem(certificate: str, key: str | None) -> str | None:
    """Say why a certificate and its key, which may stand in one file, are of no use together; None if they are."""
    try:
        # A password that is wrong keeps OpenSSL from asking for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        return (getattr(error, "reason", None) or "no certificate and no key").replace("_", " ").lower()
    except OSError as error:
        return _reason(error)
    return None


def is_open(path: str) -> bool:
    """Tell whether everybody on this machine may read a file."""
    return bool(Path(path).stat().st_mode & stat.S_IROTH)


def _secret(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise refuse(f"a file with the secret in it; this one: {_reason(error)}") from None
    except UnicodeDecodeError:
        text = "\x00"
    if text == "":
        raise refuse("a file with the secret in it; this one is empty")
    if len(text) > MAX_SECRET or "\x00" in text:
        raise refuse(f"a file with nothing but the secret in it, 1 to {MAX_SECRET} characters of UTF-8")
    return text


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def never_both(name: str) -> Callable[[Any, ValidationInfo], Any]:
    """Make a check that refuses a field if the one called `name` is given as well."""

    def check(found: Any, info: ValidationInfo) -> Any:
        if found is not None and info.data.get(name) is not None:
            raise refuse(f"either this or {name}, not both")
        return found

    return check


def _topic(text: str) -> str:
    levels = text.split("/")
    if not text or "" in levels or text.startswith("$") or any(sign in text for sign in "+#\x00"):
        raise refuse("a topic such as ocpp-twin or home/ocpp, without + and #, no / at either end")
    return text


def _host(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", text) is None:
        raise refuse("an address such as 127.0.0.1 (this machine only), 0.0.0.0 or :: (all), or a name")
    return text


def _globs(found: Any) -> Any:
    if isinstance(found, bool):
        return ["*"] if found else []
    return [found] if isinstance(found, str) else found


Name = Annotated[str, AfterValidator(_name)]
Host = Annotated[str, AfterValidator(_host)]
"""An address or a name to listen on."""
Topic = Annotated[str, Field(max_length=256), AfterValidator(_topic)]
ReadableFile = Annotated[str, AfterValidator(_readable)]
AuthorityFile = Annotated[str, AfterValidator(_authorities)]
Secret = Annotated[str, Field(min_length=1, max_length=MAX_SECRET)]
SecretFile = Annotated[str, AfterValidator(_secret)]
"""The path of a file; once validated, the secret that stands in it."""
_BROKERS = {"mqtt": ("tcp", "http"), "mqtts": ("ssl", "tls", "tcps", "mqtt+ssl", "https"), "ws": (), "wss": ()}
_CENTRAL_SYSTEMS = {"ws": ("http", "tcp", "ocpp"), "wss": ("https", "tls", "ocpps")}
BrokerUrl = Annotated[str, AfterValidator(url_of(_BROKERS, "mqtt://localhost:1883", user=True))]
CsmsUrl = Annotated[str, AfterValidator(url_of(_CENTRAL_SYSTEMS, "ws://localhost:9000/ocpp", user=False))]
CsmsTlsUrl = Annotated[str, AfterValidator(url_of({"wss": ("https", "ws")}, "wss://localhost:9443/ocpp", user=False))]
Globs = Annotated[list[str], BeforeValidator(_globs, json_schema_input_type=bool | str | list[str])]
"""A list of globs, or one of them, or true for all."""
