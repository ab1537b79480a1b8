"""A twin that charges, and what a Central System asks of it about charging profiles, without the wire."""

from __future__ import annotations

from itertools import count

from fakes.profiles import profile
from fakes.twins import Bench

from twin.model.asked import GetCompositeSchedule, SetChargingProfile
from twin.model.effects import Answered, AuthorizationAsked, HeartbeatDue, SessionStarted
from twin.model.inputs import AuthorizationAnswered, HeartbeatAnswered, PlugIn, PresentToken, StartAnswered, TokenInfo
from twin.model.spec import EvseSpec
from twin.model.terms import AuthorizationStatus

OK = TokenInfo(AuthorizationStatus.ACCEPTED)
QUIET = {"SampledDataCtrlr.TxUpdatedInterval": "0", "OCPPCommCtrlr.HeartbeatInterval": "0"}
ONE = (EvseSpec(),)
_refs = count(1)


def box(evses=ONE, **more):
    """Give an accepted twin that says little."""
    bench = Bench(evses=evses, settings={**QUIET, **more.pop("settings", {})}, **more)
    bench.accept(0)
    return bench


def charge(bench, number=1, ev=None, token="A"):
    bench.command(PlugIn(evse=number, ev=ev))
    bench.command(PresentToken(evse=number, token=token))
    for report in bench.reports(AuthorizationAsked):
        bench.answer(report, AuthorizationAnswered(OK))


def know(bench, transaction_id=7):
    bench.answer(bench.last(SessionStarted), StartAnswered(transaction_id, OK))


def charging(ev=None, **more):
    bench = box(**more)
    charge(bench, ev=ev)
    know(bench)
    return bench


def ask(bench, what, /, **fields):
    bench.request(what(request_ref=f"r{next(_refs)}", **fields))
    return bench.replies()[-1]


def put(bench, number, *periods, **fields):
    answer = ask(bench, SetChargingProfile, evse=number, profile=profile(*periods, **fields))
    return answer.status if isinstance(answer, Answered) else answer


def limit(bench, number=1):
    return bench.twin.view(bench.now).limits[number - 1]


def amps(bench, number=1):
    return round(limit(bench, number).limit_a, 6)


def composite(bench, number=1, duration_s=600, unit=None):
    answer = ask(bench, GetCompositeSchedule, evse=number, duration_s=duration_s, unit=unit)
    return [(period.start_s, period.limit) for period in answer.periods]


def noted(bench, name):
    return [(note.evse, note.fields["profile_id"]) for note in bench.notes(name)]


def set_clock(bench, at):
    bench.answer(HeartbeatDue(), HeartbeatAnswered(at))
