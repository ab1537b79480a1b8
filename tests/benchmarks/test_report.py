from benchmarks import report
from benchmarks.scene import Load


def test_medians_and_rounds_are_kept():
    found = report.document({"codec": [{"us": 1.0}, {"us": 5.0}, {"us": 2.0}], "day": [{}]}, Load())
    assert found["parts"] == {"codec": {"median": {"us": 2.0}, "rounds": [{"us": 1.0}, {"us": 5.0}, {"us": 2.0}]}}
    assert "3 rounds" in report.conditions(found)


def test_each_number_of_twins_is_a_column():
    medians = {"fleet/100": {"kib_each": 12.0}, "fleet/1000": {"kib_each": 10.0, "boot_s": 1.5}}
    assert report.growth(medians, [100, 1000]).splitlines() == [
        "| twins | 100 | 1,000 |",
        "| --- | ---: | ---: |",
        "| memory of a twin, KiB | 12 | 10 |",
        "| start until all are accepted, s |  | 1.5 |",
    ]
