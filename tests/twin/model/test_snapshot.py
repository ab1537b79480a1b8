from __future__ import annotations

from fakes.twins import Bench

from twin.model.effects import SessionEnded, SessionStarted
from twin.model.inputs import LinkDown, PlugIn, PresentToken, StartAnswered, TokenInfo
from twin.model.spec import EvseSpec, TwinSpec
from twin.model.terms import AuthorizationStatus, StopReason
from twin.model.twin import Twin

TRUSTING = {
    "AuthCtrlr.LocalPreAuthorize": "true",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
    "SampledDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register",
}


def test_x_10_a_session_whose_evse_was_taken_away_is_told_to_end():
    bench = Bench(settings=TRUSTING)
    bench.accept()
    bench.take(bench.twin.link(LinkDown("ws://csms", "gone"), bench.now))
    bench.command(PlugIn(evse=2))
    bench.command(PresentToken(token="TAG", evse=2))
    start = bench.last(SessionStarted)
    bench.answer(start, StartAnswered(7, TokenInfo(AuthorizationStatus.ACCEPTED)))
    bench.wait(600)

    fewer = TwinSpec(id="garage", identity="garage", evses=(EvseSpec(),))
    parts = bench.twin.dump()
    twin = Twin.restore(fewer, bench.settings, parts, bench.now, ids=bench.ids)
    told = [effect.report for effect in twin.start(bench.now) if hasattr(effect, "report")]
    [end] = [report for report in told if isinstance(report, SessionEnded)]
    assert (end.session_id, end.reason, end.readings[-1].samples[0].value) == (
        start.session_id,
        StopReason.OTHER,
        end.meter_stop_wh,
    )
    assert end.meter_stop_wh > start.meter_start_wh
    assert twin.transaction_id(start.session_id) == 7
    again = Twin.restore(fewer, bench.settings, twin.dump(), bench.now, ids=bench.ids)
    assert not [e for e in again.start(bench.now) if hasattr(e, "report") and isinstance(e.report, SessionEnded)]
