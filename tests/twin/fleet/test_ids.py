from uuid import UUID

from twin.fleet.ids import Ids


def test_ids_have_the_form_of_a_uuid():
    made = Ids("7/garage/1/1")()
    assert str(UUID(made)) == made
    assert UUID(made).version == 4
    assert len(made) == 36


def test_a_life_can_be_repeated_and_never_repeats_itself():
    once, again = Ids("7/garage/1/1"), Ids("7/garage/1/1")
    made = [once() for _ in range(1000)]
    assert made == [again() for _ in range(1000)]
    assert len(set(made)) == 1000


def test_another_start_makes_others():
    lives = [Ids(life) for life in ("7/garage/1/1", "7/garage/2/1", "7/office/1/1", "8/garage/1/1", "7/garage/1/2")]
    assert len({ids() for ids in lives}) == len(lives)
