from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from fakes.links import reach
from hypothesis import given
from hypothesis import strategies as st
from websockets.uri import parse_uri

from twin.errors import LinkError
from twin.model.spec import Access

PLAIN = "ws://localhost:9000/ocpp"


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
def test_t_02_the_identity_is_one_encoded_segment_after_the_path(url, identity, expected):
    assert reach(url, identity=identity).url == expected
    assert parse_uri(expected).resource_name.startswith(urlsplit(expected).path)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=48))
def test_t_02_any_identity_comes_back_from_its_segment(identity):
    path = parse_uri(reach(PLAIN, identity=identity).url).path
    assert path.isascii()
    assert path.count("/") == 2
    assert unquote(path.rpartition("/")[2], errors="strict") == identity


@pytest.mark.parametrize("profile", [0, 1, 2])
def test_sec_03_the_user_is_the_identity_as_it_is(profile):
    with_password = reach("wss://h/", identity="CP 001/A", access=Access(profile, b"s3cret\xff"))
    assert (with_password.username, with_password.password) == ("CP 001/A", b"s3cret\xff")
    assert "s3cret" not in repr(with_password)
    assert reach(PLAIN).username is None


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
        reach(url)


def test_a_host_name_that_is_none_is_refused():
    with pytest.raises(LinkError, match=r"csms\.url is not understood"):
        reach(f"ws://{'ü' * 70}.example/")


def test_credentials_in_the_url_are_refused_and_not_told():
    with pytest.raises(LinkError, match=r"set csms\.password") as caught:
        reach("ws://user:s3cret@localhost/")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "tls_url", "expected"),
    [
        ("ws://h/ocpp", None, "wss://h/ocpp/CP1"),
        ("ws://h:9000/ocpp?a=1", None, "wss://h:9000/ocpp/CP1?a=1"),
        ("wss://h:9000/ocpp", None, "wss://h:9000/ocpp/CP1"),
        ("ws://h:9000/ocpp", "wss://other:8443/secure", "wss://other:8443/secure/CP1"),
        ("wss://h:9000/ocpp", "wss://other:8443/secure", "wss://other:8443/secure/CP1"),
    ],
)
def test_sec_01_profile_2_is_tls_whatever_the_url_says(url, tls_url, expected):
    secure = reach(url, tls_url=tls_url, access=Access(2, b"s3cret"))
    assert secure.url == expected
    assert secure.ssl is not None


@pytest.mark.parametrize("profile", [0, 1])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_below_profile_2_the_url_says_whether_there_is_tls(profile, scheme):
    made = reach(f"{scheme}://h:9000/ocpp", tls_url="wss://other/", access=Access(profile))
    assert made.url == f"{scheme}://h:9000/ocpp/CP1"
    assert (made.ssl is not None) == (scheme == "wss")


def test_a_tls_url_that_is_none_is_refused_by_its_name():
    with pytest.raises(LinkError, match=r"csms\.tls_url is not understood"):
        reach(PLAIN, tls_url="https://h/", access=Access(2))
