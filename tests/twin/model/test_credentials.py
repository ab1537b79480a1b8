import msgspec
from fakes.twins import Bench

from twin.model import credentials
from twin.model.credentials import NONE, Credentials, OwnCertificate, Root, Trial
from twin.model.spec import CsmsSpec
from twin.model.terms import CertificateUse

CENTRAL, MAKER = CertificateUse.CENTRAL_SYSTEM_ROOT, CertificateUse.MANUFACTURER_ROOT
FULL = Credentials(
    roots=(Root("one", CENTRAL), Root("two", MAKER, issuer="above")),
    removed=("gone",),
    fallback=(Root("old", CENTRAL),),
    own=(OwnCertificate("id", "chain", "key", 1.0, 2.0), OwnCertificate("other", "chain", "key 2", 2.0, 3.0, 2.5)),
    in_use="other",
    keys=("key 3",),
    ordered="job",
    csr="request",
    renewing=True,
    trial=Trial(profile=1, certificate=True, before="id", refusals=2),
)


def test_all_of_it_outlives_a_restart():
    bench = Bench()
    bench.twin._box.credentials = FULL
    bench.restart()
    assert bench.twin._box.credentials == FULL


def test_nothing_takes_no_room():
    assert msgspec.json.encode(NONE) == b"{}"


def test_configured_roots_count_first_unless_they_were_removed():
    spec = Bench(csms=CsmsSpec(roots=("gone", "given")), manufacturer_roots=("maker",)).spec
    assert [root.pem for root in credentials.trusted(spec, FULL, CENTRAL)] == ["given", "one"]
    assert [root.pem for root in credentials.listed(spec, FULL, CENTRAL)] == ["given", "one", "old"]
    assert [root.pem for root in credentials.trusted(spec, FULL, MAKER)] == ["maker", "two"]
    assert [root.pem for root in credentials.trusted(spec, NONE, CENTRAL)] == ["gone", "given"]


def test_the_certificate_in_use_and_the_keys_that_are_needed():
    assert FULL.current == FULL.own[1]
    assert NONE.current is None
    assert FULL.needed_keys == ("key 3", "key", "key 2")
