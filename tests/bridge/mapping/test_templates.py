import time

import pytest

from bridge.mapping.templates import MAX_OUTPUT, TemplateError, compiled, variables_in

GIVEN = {
    "topic": "a/b",
    "value": "04a2b3",
    "value_json": {"power": 7.449, "list": list(range(200)), "map": {"a": 1}, "none": None, "text": "[1]", "on": True},
}


def render(source):
    return compiled(source).render(GIVEN)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ value | upper }}", "04A2B3"),
        ("{{ value_json.power | round(1) }}", "7.4"),
        ("{{ value_json.power | round }}", "7"),
        ("{{ 7.2 | round(0, 'ceil') }}", "8"),
        ("{{ 'x' | float(0) }}", "0"),
        ("{{ '7.5' | float + 1 }}", "8.5"),
        ("{{ '7.9' | int }}", "7"),
        ("{{ 'ff' | int(0, 16) }}", "255"),
        ("{{ value_json.nope | float(3) }}", "3"),
        ("{{ value_json.nope | default('-') }}", "-"),
        ("{{ value_json.nope is defined }}", "false"),
        ("{{ value_json.power | is_defined }}", "7.449"),
        ("{{ value_json.on }}", "true"),
        ("{{ 'on' | bool }}", "true"),
        ("{{ value_json.none }}", ""),
        ("{{ value_json.map }}", '{"a": 1}'),
        ("{{ value_json.map.items() | list }}", '[["a", 1]]'),
        ("{{ value_json.map.get('b') }}", ""),
        ("{{ {'power_w': value_json.power} }}", '{"power_w": 7.449}'),
        ("{{ value_json.text | from_json | first }}", "1"),
        ("{{ (value_json.power > 5) | iif('ON', 'OFF') }}", "ON"),
        ("{{ [1, 2, 6] | average }}", "3.0"),
        ("{{ max(1, 5) }}{{ min([4, 2]) }}", "52"),
        ("{{ 3 | bitwise_and(1) }}{{ '7' | is_number }}", "1true"),
        ("{{ value | regex_match('^0[0-9]a') }}", "true"),
        ("{{ value | regex_replace('[0-9]', '') }}", "ab"),
        ("{{ value | regex_findall_index('[a-z].', 1) }}", "b3"),
        ("{{ value.split('a')[1] }}", "2b3"),
        ("{% for x in value_json.list if x < 3 %}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "0,1,2"),
        ("{{ value_json.list | sum * 2 }}", "39800"),
        ("{{ ['a', 'b'] | join('-') | replace('-', '+') }}", "a+b"),
    ],
)
def test_what_home_assistants_users_write(source, text):
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ value_json.nope }}", "has no attribute 'nope'"),
        ("{{ value_json.nope | is_defined }}", "has no attribute 'nope'"),
        ("{{ {'power_w': value_json.nope} }}", "has no attribute 'nope'"),
        ("{{ value | float }}", "float got '04a2b3', which is no number"),
        ("{{ 'maybe' | bool }}", "neither true nor false"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ value_json.list | regex_findall('(') }}", "unterminated"),
        ("{{ value_json.map['b'] }}", "has no attribute 'b'"),
        ("{{ value | from_json }}", "no JSON"),
    ],
)
def test_what_fails_is_a_sentence(source, said):
    with pytest.raises(TemplateError, match=said.replace("(", r"\(")):
        render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ value.__class__ }}",
        "{{ value.__init__.__globals__ }}",
        "{{ ''.format('x') }}",
        "{{ '{:>100000000}'.format(1) }}",
        "{{ '%100000000d' % 1 }}",
        "{{ 'x' * 100000000 }}",
        "{{ 9 ** 999999 }}",
        "{{ value.center(100000000) }}",
        "{{ value.encode() }}",
        "{{ range(3) }}",
        "{{ cycler }}",
        "{{ value_json.list.append(1) }}",
        "{{ value_json.map.update({}) }}",
        "{{ value | replace('', value * 2) }}",
    ],
)
def test_what_is_out_of_reach(source):
    with pytest.raises(TemplateError):
        render(source)


def test_time_is_bounded():
    began = time.perf_counter()
    loop = "{% for a in value_json.list %}"
    with pytest.raises(TemplateError, match="loops turn more than"):
        render(loop * 4 + "{% endfor %}" * 4)
    assert time.perf_counter() - began < 2


def test_size_is_bounded():
    long = "x" * (MAX_OUTPUT // 9)
    with pytest.raises(TemplateError, match="longer than"):
        compiled("{% for a in value %}" + long + "{% endfor %}").render({"value": "0123456789"})
    with pytest.raises(TemplateError, match="longer than"):
        compiled("{{ value | replace('x', value) }}").render({"value": "x" * 1000})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ value", "line 1: "),
        ("{{ value | nope }}", "No filter named 'nope'"),
        ("{% macro a() %}{% endmacro %}", "macros, blocks and other files"),
        ("{% include 'x' %}", "macros, blocks and other files"),
        ("{% for a in b recursive %}{{ loop(a) }}{% endfor %}", "call themselves"),
    ],
)
def test_what_does_not_compile_is_said_at_the_start(source, said):
    with pytest.raises(TemplateError, match=said):
        compiled(source)


def test_the_same_text_is_compiled_once():
    assert compiled("{{ value }}") is compiled("{{ value }}")


def test_what_a_template_expects():
    assert variables_in("{% set x = value %}{{ x ~ device ~ topic }}") == {"value", "device", "topic"}
