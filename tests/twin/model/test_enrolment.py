"""Keys and requests at their edges: late, repeated and unknown answers."""

from __future__ import annotations

from fakes.twins import Bench

from twin.model.asked import Trigger
from twin.model.effects import Answered, CertificateAsked, MakeKey, Tell
from twin.model.inputs import Acknowledged, CertificateRequestAnswered, Failed, KeyMade, TransferFailed, Unanswered
from twin.model.terms import TransferProblem


def ready(**settings: str) -> Bench:
    bench = Bench(settings={"SecurityCtrlr.OrganizationName": "Example CPO", **settings}, serial_number="SN-1")
    bench.accept()
    return bench


def trigger(bench: Bench) -> str:
    bench.request(Trigger(request_ref="r", message="SignChargePointCertificate", extended=True))
    answer = bench.replies()[-1]
    assert isinstance(answer, Answered)
    return answer.status


def jobs(bench: Bench) -> list[MakeKey]:
    return [effect for effect in bench.effects if isinstance(effect, MakeKey)]


def key(bench: Bench, job_id: str, name: str = "a") -> None:
    bench.take(bench.twin.job(KeyMade(job_id, f"csr {name}", f"key {name}"), bench.now))


def test_a_key_is_ordered_for_serial_number_and_operator_after_the_answer():
    bench = ready()
    assert trigger(bench) == "Accepted"
    (job,) = jobs(bench)
    assert (job.common_name, job.organization, job.keep) == ("SN-1", "Example CPO", ())
    assert bench.reports(CertificateAsked) == []


def test_a_key_that_was_not_ordered_is_nobodys():
    bench = ready()
    key(bench, "unknown")
    trigger(bench)
    key(bench, "unknown")
    assert bench.reports(CertificateAsked) == []
    key(bench, jobs(bench)[0].job_id)
    key(bench, jobs(bench)[0].job_id, "again")
    assert bench.reports(CertificateAsked) == [CertificateAsked("csr a")]


def test_what_failed_for_somebody_else_is_none_of_ours():
    bench = ready()
    trigger(bench)
    bench.take(bench.twin.job(TransferFailed("other", TransferProblem.FAILED, "no"), bench.now))
    key(bench, jobs(bench)[0].job_id)
    assert len(bench.reports(CertificateAsked)) == 1


def test_the_answer_to_an_older_request_says_nothing_of_the_newer_one():
    bench = ready()
    for name in ("a", "b"):
        trigger(bench)
        key(bench, jobs(bench)[-1].job_id, name)
    bench.answer(CertificateAsked("csr a"), CertificateRequestAnswered(accepted=False))
    held = bench.twin._box.credentials
    assert (held.csr, held.keys) == ("csr b", ("key a", "key b"))
    bench.answer(CertificateAsked("csr b"), CertificateRequestAnswered(accepted=False))
    held = bench.twin._box.credentials
    assert (held.csr, held.keys) == (None, ("key a",))


def test_a_request_without_an_answer_keeps_its_key_because_a_certificate_may_still_come():
    for answer in (Unanswered(), Failed("InternalError"), Acknowledged(), CertificateRequestAnswered(accepted=True)):
        bench = ready()
        trigger(bench)
        key(bench, jobs(bench)[0].job_id)
        bench.answer(CertificateAsked("csr a"), answer)
        held = bench.twin._box.credentials
        assert (held.csr, held.keys) == (None, ("key a",))


def test_keys_that_wait_for_certificates_are_kept_and_few():
    bench = ready()
    for number in range(6):
        trigger(bench)
        key(bench, jobs(bench)[-1].job_id, str(number))
    trigger(bench)
    assert jobs(bench)[-1].keep == ("key 2", "key 3", "key 4", "key 5")


def test_a_request_that_was_asked_for_may_pass_a_closed_gate_and_a_renewal_may_not():
    bench = ready()
    trigger(bench)
    key(bench, jobs(bench)[0].job_id)
    (tell,) = [e for e in bench.effects if isinstance(e, Tell) and isinstance(e.report, CertificateAsked)]
    assert (tell.triggered, tell.durable) == (True, False)
