import pytest

from bridge import app
from bridge.cli import main
from bridge.traffic import building
from bridge.traffic.plan import Amount, Ending
from config.problems import ConfigError

TWINS = "twins: [{id: garage}, {id: 'lot-{01..20}', evses: 2}]\n"


@pytest.fixture
def configured(tmp_path):
    def make(text):
        file = tmp_path / "a.yaml"
        file.write_text(TWINS + text)
        return app.configuration([file])

    return make


@pytest.fixture
def problems(configured, tmp_path):
    """Return what is said of a configuration, without the folder."""

    def find(text):
        with pytest.raises(ConfigError) as caught:
            configured(text)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return find


def plans(configured, text):
    configuration = configured(text)
    return building.built(configuration.settings, {twin.id: len(twin.evses) for twin in configuration.twins})


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("twins: garage", "traffic[0].arrivals: this setting is required"),
        ("arrivals: often", 'traffic[0].arrivals: found "often"; allowed: a number an hour from 0.001'),
        ("arrivals: 2/y", "(units: /min, /h, /d)"),
        ("arrivals: 0", "traffic[0].arrivals: found 0"),
        ("arrivals: 1/h, dwel: 2h", 'traffic[0].dwel: unknown; did you mean "dwell"?'),
        ("arrivals: 1/h, dwell: long", 'traffic[0].dwell.mean: found "long"; allowed: a duration'),
        ("arrivals: 1/h, dwell: {spread: 1}", "traffic[0].dwell.mean: this setting is required"),
        ("arrivals: 1/h, dwell: {mean: 1h, spread: 3}", "traffic[0].dwell.spread: found 3"),
        ("arrivals: 1/h, energy: {mean: 10 apples}", "traffic[0].energy.mean: found"),
        ("arrivals: 1/h, cars: [vw-id33]", 'traffic[0].cars[0]: found "vw-id33"; allowed: the name of a car;'),
        ("arrivals: 1/h, cars: [vw-id33]", 'did you mean "vw-id3"?'),
        ("arrivals: 1/h, cars: []", "traffic[0].cars: found []"),
        ("arrivals: 1/h, tags: ['CARD{9..1}']", "traffic[0].tags[0].tag: found"),
        ("arrivals: 1/h, tags: [a-very-long-tag-for-a-card]", "allowed: an idTag of 1 to 20 characters"),
        ("arrivals: 1/h, tags: [{tag: A, wieght: 2}]", 'traffic[0].tags[0].wieght: unknown; did you mean "weight"?'),
        ("arrivals: 1/h, tags: [{tag: A, weight: 0}]", "traffic[0].tags[0].weight: found 0"),
        ("arrivals: 1/h, ends: {}", "traffic[0].ends: found {}; allowed: at least one of card, button, unplug over 0"),
        ("arrivals: 1/h, ends: {crad: 1}", 'traffic[0].ends.crad: unknown; did you mean "card"?'),
        ("arrivals: 1/h, first: swipe", "traffic[0].first: found"),
        ("arrivals: 1/h, day: night", "traffic[0].day: found"),
        ("arrivals: 1/h, utc_offset: 20h", "traffic[0].utc_offset: found"),
        ("arrivals: 1/h, twins: garag", 'traffic[0].twins[0]: found "garag"; twin "garag" is unknown'),
        ("arrivals: 1/h, twins: [garage, 'lot-{01..30}']", 'traffic[0].twins[1]: found "lot-{01..30}"; twin "lot-21"'),
        ("arrivals: 1/h, twins: 'lot-{9..1}'", "traffic[0].twins[0]: found"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_plan(problems, plan, said):
    (line,) = problems(f"traffic: [{{{plan}}}]")
    assert line.startswith("a.yaml: traffic[0]")
    assert said in line


def test_a_plan_with_everything(configured):
    found, wrong = plans(
        configured,
        """
traffic:
  - twins: ["lot-0*", garage]
    arrivals: 30/d
    dwell: 90min
    energy: {mean: 12kWh, spread: 0.4}
    cars: [vw-id3, renault-zoe]
    tags: ["CARD{01..99}", {tag: BLOCKED, weight: 0.02}]
    first: any
    ends: {card: 3, unplug: 1}
    patience: 2min
    day: home
    utc_offset: -1h
    seed: 5
  - twins: "lot-{10..20}"
    arrivals: 0.5/min
""",
    )
    assert wrong == []
    one, other = found.of("garage"), found.of("lot-10")
    assert found.of("lot-09") == one
    assert (one.arrivals_per_h, other.arrivals_per_h) == (1.25, 30.0)
    assert (one.dwell, one.energy) == (Amount(5400.0, 0.0), Amount(12_000.0, 0.4))
    assert [car.name for car in one.cars] == ["vw-id3", "renault-zoe"]
    assert [(len(tags), weight) for tags, weight in one.tags] == [(99, 1.0), (1, 0.02)]
    assert (one.first, one.endings) == ("any", ((Ending.CARD, 3.0), (Ending.UNPLUG, 1.0)))
    assert (one.patience_s, one.day, one.utc_offset_s, one.seed) == (120.0, "home", -3600.0, 5)
    assert [ending for ending, _ in other.endings] == [Ending.CARD, Ending.BUTTON, Ending.UNPLUG]


def test_globs_are_for_twins_that_come_later_as_well(configured):
    found, wrong = plans(configured, "traffic: [{twins: 'new-*', arrivals: 1/h}]")
    assert wrong == []
    assert found.of("new-1") is not None


def test_check_config_says_what_it_makes(tmp_path, capsys):
    file = tmp_path / "a.yaml"
    file.write_text(TWINS + "traffic: [{twins: 'lot-*', arrivals: 2/h, dwell: 1h}]")
    assert main(["check-config", "--config", str(file)]) == 0
    assert "traffic: 40 EVSEs, about 639 sessions a day, 26.6 an hour\n" in capsys.readouterr().out


def test_check_config_fails_on_what_is_wrong(tmp_path, capsys):
    file = tmp_path / "a.yaml"
    file.write_text(TWINS + "traffic: [{twins: garag, arrivals: 2/h}]")
    assert main(["check-config", "--config", str(file)]) == 2
    assert 'did you mean "garage"?' in capsys.readouterr().err
