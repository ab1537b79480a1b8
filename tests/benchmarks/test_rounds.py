from benchmarks import rounds


def test_each_command_is_joined_with_the_status_that_it_caused():
    told = [("a", 1.0), ("b", 2.0), ("a", 3.0)]
    heard = [("b", 2.5), ("a", 1.25), ("x", 9.0), ("a", 4.0)]
    assert list(rounds._delays(told, heard)) == [0.5, 0.25, 1.0]
