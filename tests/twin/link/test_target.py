from __future__ import annotations

import os
import ssl
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.uri import parse_uri

from twin.errors import LinkError
from twin.link.target import target
from twin.model.spec import CsmsSpec, TwinSpec


def made(url="ws://localhost:9000/ocpp", identity="CP1", password=None, **csms):
    return target(TwinSpec("t", identity, csms=CsmsSpec(url=url, **csms)), password, ("ocpp1.6",))


@pytest.mark.parametrize(
    ("url", "identity", "expected"),
    [
        ("ws://localhost:9000/ocpp", "CP1", "ws://localhost:9000/ocpp/CP1"),
        ("ws://localhost:9000/ocpp/", "CP1", "ws://localhost:9000/ocpp/CP1"),
        ("ws://localhost:9000", "CP1", "ws://localhost:9000/CP1"),
        ("ws://localhost/", "CP1", "ws://localhost/CP1"),
        ("ws://h/a", "CP 001/A", "ws://h/a/CP%20001%2FA"),
        ("ws://h/a", "Säule?#%", "ws://h/a/S%C3%A4ule%3F%23%25"),
        ("ws://h/a?tenant=1&x=%20", "CP1", "ws://h/a/CP1?tenant=1&x=%20"),
        ("ws://h/m%20x/ü", "CP 1", "ws://h/m%20x/%C3%BC/CP%201"),
        ("ws://bücher.example/a", "CP 1", "ws://xn--bcher-kva.example/a/CP%201"),
        ("ws://[::1]:9000/ocpp", "CP1", "ws://[::1]:9000/ocpp/CP1"),
        ("wss://csms_1:8443/ocpp", "CP1", "wss://csms_1:8443/ocpp/CP1"),
    ],
)
def test_the_identity_is_one_encoded_segment_after_the_path(url, identity, expected):
    assert made(url, identity).url == expected
    assert parse_uri(expected).resource_name.startswith(urlsplit(expected).path)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=48))
def test_any_identity_comes_back_from_its_segment(identity):
    path = parse_uri(made(identity=identity).url).path
    assert path.isascii()
    assert path.count("/") == 2
    assert unquote(path.rpartition("/")[2], errors="strict") == identity


def test_the_user_is_the_identity_as_it_is():
    with_password = made(identity="CP 001/A", password="s3cret")
    assert (with_password.username, with_password.password) == ("CP 001/A", "s3cret")
    assert "s3cret" not in repr(with_password)
    assert made().username is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:9000",
        "http://localhost",
        "ws://",
        "ws:///ocpp",
        "ws://h/#x",
        "ws://h:port/",
        "ws://h:99999/",
        "ws://[",
    ],
)
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(LinkError, match=r"csms\.url is not understood.*write ws://HOST:PORT/PATH"):
        made(url)


def test_a_host_name_that_is_none_is_refused():
    with pytest.raises(LinkError, match=r"csms\.url is not understood"):
        made(f"ws://{'ü' * 70}.example/")


def test_credentials_in_the_url_are_refused_and_not_told():
    with pytest.raises(LinkError, match=r"set csms\.password") as caught:
        made("ws://user:s3cret@localhost/")
    assert "s3cret" not in str(caught.value)


def test_a_profile_with_tls_does_not_go_without():
    with pytest.raises(LinkError, match="security profile 2 needs TLS"):
        made("ws://localhost/", security_profile=2)
    assert made("wss://localhost/", security_profile=2).ssl is not None


def test_tls_is_new_enough_and_checks_the_peer(ca_file):
    context = made("wss://localhost/", ca_file=ca_file).ssl
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    unchecked = made("wss://localhost/", ca_file=ca_file, verify_hostname=False).ssl
    assert not unchecked.check_hostname
    assert unchecked.verify_mode == ssl.CERT_REQUIRED


def test_a_fleet_shares_its_tls_context_until_the_file_changes(ca_file):
    context = made("wss://localhost/", ca_file=ca_file).ssl
    assert made("wss://other/", ca_file=ca_file).ssl is context
    os.utime(ca_file, (1, 1))
    assert made("wss://localhost/", ca_file=ca_file).ssl is not context
    assert made("ws://localhost/", ca_file=ca_file).ssl is None


def test_a_file_without_certificates_is_refused(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("hello")
    with pytest.raises(LinkError, match=r"ca\.pem holds no certificates in PEM form"):
        made("wss://localhost/", ca_file=str(path))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(LinkError, match=r"none\.pem cannot be read \(No such file or directory\)"):
        made("wss://localhost/", ca_file=str(tmp_path / "none.pem"))
