import pytest

from twin.errors import TransferError
from twin.link.place import place
from twin.model.terms import TransferProblem


def test_fw_08_a_url_names_protocol_user_password_host_and_port():
    there = place("FTP://b%6Fx:p%40ss%2Fw@Example.org:2121/new/fw%201.bin")
    assert (there.scheme, there.user, there.password) == ("ftp", "box", "p@ss/w")
    assert (there.host, there.port) == ("example.org", 2121)
    assert (there.plain_path, there.file_name) == ("new/fw 1.bin", "fw_1.bin")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.example/a?token=t#f", "https://h.example/a?token=t"),
        ("http://[::1]:8080", "http://[::1]:8080/"),
        ("http://münchen.example/ä b%20c", "http://xn--mnchen-3ya.example/%C3%A4%20b%20c"),
        (" http://h/ \n", "http://h/"),
        ("http://h/a%2Fb?x=%20&y=ü", "http://h/a%2Fb?x=%20&y=%C3%BC"),
    ],
)
def test_a_url_goes_out_in_ascii_and_without_user_and_password(url, shown):
    assert place(url).url == shown


def test_what_is_shown_of_a_url_holds_nothing_secret():
    there = place("https://user:hidden@h.example:8443/x?sig=hidden")
    assert there.origin == "https://h.example:8443"
    assert "hidden" not in repr(place("ftp://user:hidden@h/x"))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("ftp://h/a/b", "a/b"),
        ("ftp://h//etc/fw", "/etc/fw"),
        ("ftp://h/%2Fetc/fw", "/etc/fw"),
        ("ftp://h", ""),
    ],
)
def test_a_path_of_ftp_begins_where_the_login_leads(url, path):
    assert place(url).plain_path == path


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/fw-2.1.0.bin", "fw-2.1.0.bin"),
        ("/", "file"),
        ("", "file"),
        ("/..", "file"),
        ("/a/%2e%2e", "file"),
        ("/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("/..%5C..%5Cwindows%5Csystem.ini", "system.ini"),
        ("/.hidden", "hidden"),
        ("/a%00b", "refused"),
        ("/" + "x" * 300 + ".bin", "x" * 96 + ".bin"),
        ("/ü💥.bin", "_.bin"),
        ("/" + "." * 5 + "x" * 95 + "....", "x" * 95 + "...."),
    ],
)
def test_whatever_a_url_says_the_name_stays_within_a_folder(path, name):
    if name == "refused":
        with pytest.raises(TransferError):
            place(f"http://h{path}")
    else:
        assert place(f"http://h{path}").file_name == name


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "C:",
            "fw.bin",
            "/etc/passwd",
            "http:",
            "http:///x",
            "http://:80/x",
            "ftp://h:0/x",
            "ftp://h:x/",
            "http://[",
        ),
        *(
            "ftp://h:65536/",
            "http://a..b/",
            "ftp://h/a%0d%0aDELE%20b",
            "ftp://a%0Db@h/",
            "ftp://a:b%0a@h/",
            "http://h/\x07",
        ),
        *("http://h/a\nb", "ftp://box:hidden/x@h/y"),
    ],
)
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(TransferError) as refusal:
        place(url)
    assert refusal.value.problem is TransferProblem.BAD_URL
    assert "hidden" not in refusal.value.detail


@pytest.mark.parametrize("url", ["sftp://h/x", "file:///etc/passwd", "gopher://h/x", "SCP://h/x"])
def test_fw_08_a_protocol_that_is_not_spoken_is_refused(url):
    with pytest.raises(TransferError, match="use one of http, https, ftp, ftps") as refusal:
        place(url)
    assert refusal.value.problem is TransferProblem.UNSUPPORTED
