"""Every command and snippet of the documentation is run or checked as it stands; fakes/snippets/found.py says how."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.snippets import page
from fakes.snippets.found import snippets

ROOT = Path(__file__).parents[2]
LIMIT_S = 300
AT_ONCE = 4
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "benchmarks/README.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("examples/**/README.md")),
    *sorted(ROOT.glob("docker/**/README.md")),
]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES if page.exists()]


def run(file, folder):
    return subprocess.run(
        page.command(file, folder),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory):
    """Run the pages that are asked for, several at once where each has a network of its own: they wait a lot."""
    asked = [item.callspec.params for item in request.session.items if "runs" in item.fixturenames]
    files = {name: ROOT / name for given in asked if (name := given.get("name"))}
    for number, text in enumerate(text for given in asked if (text := given.get("text"))):
        files[text] = tmp_path_factory.mktemp("page") / f"{number}.md"
        files[text].write_text(text)
    with ThreadPoolExecutor(AT_ONCE if page.own_network() else 1) as pool:
        yield {
            name: pool.submit(run, file, tmp_path_factory.mktemp("page") / "session") for name, file in files.items()
        }


@pytest.mark.parametrize("name", NAMES)
def test_every_snippet_says_how_it_is_tested(name):
    assert [wrong for snippet in snippets(ROOT / name) if (wrong := snippet.wrong())] == []


@pytest.mark.parametrize("name", [name for name in NAMES if snippets(ROOT / name)])
def test_the_snippets_do_what_the_page_says(name, runs):
    done = runs[name].result()
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("```sh\nls\n```\n", "scene ''"),
        ("<!-- test: anywhere -->\n```sh\nls\n```\n", "scene 'anywhere'"),
        ("<!-- test: shell -->\n```bash\nls\n```\n", "language 'bash'"),
        ("Text.\n\n    an indented block\n", "language ''"),
        ("<!-- test: none -->\n```text\nx\n```\n", "why it is not tested"),
        ("<!-- test: none -->\n```sh\nls\n```\n", "scene 'none'"),
        ("1. In a list:\n\n   ```sh\n   ls\n   ```\n", "scene ''"),
    ],
)
def test_a_fence_without_a_test_is_told(text, wrong, tmp_path):
    file = tmp_path / "page.md"
    file.write_text(text)
    (snippet,) = snippets(file)
    assert wrong in snippet.wrong()


@pytest.mark.parametrize(
    "text",
    [
        "<!-- test: shell -->\n```sh\nfalse\n```\n",
        "<!-- test: machine -->\n```sh\nsystemctl start ocpp-twins\n```\n",
        "<!-- test: machine -->\n```sh\ndocker compose --file docker/nothing.yaml up\n```\n",
        "```yaml\nmqtt: {urll: mqtt://localhost}\n```\n",
        '<!-- test: command garage/1/cmd/swipe -->\n```json\n{"valu": "04A2B3C4"}\n```\n',
        "<!-- test: shell -->\n```sh\necho one\n```\n\n<!-- test: output -->\n```text\ntwo\n```\n",
        "<!-- test: demo -->\n```sh\n.venv/bin/ocpp-twin pub ocpp-twin/garage/1/set/plugged PERHAPS\n```\n",
    ],
)
def test_what_does_not_work_is_found(text, runs):
    assert runs[text].result().returncode == 1
