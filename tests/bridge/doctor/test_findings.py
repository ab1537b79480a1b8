from bridge.doctor.findings import Verdict, blamed


def test_the_advice_of_a_sentence_is_its_remedy():
    found = blamed("broker", "nothing listens at mqtt://h:1883: start the broker, or check mqtt.url")
    assert (found.verdict, found.said) == (Verdict.WRONG, "nothing listens at mqtt://h:1883")
    assert found.remedy == "start the broker, or check mqtt.url"


def test_a_sentence_without_advice_is_kept_whole():
    assert blamed("x", "It broke.").said == "It broke."
    assert blamed("x", "It broke.").remedy is None
