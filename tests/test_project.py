"""What holds around the code: the public checks, the scripts behind them, what SECURITY.md and CONTRIBUTING.md say."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from config.settings import Settings

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob(".github/workflows/*.yml")
}
JOBS = {f"{name}/{job}": found for name, workflow in WORKFLOWS.items() for job, found in workflow["jobs"].items()}
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def commands_of(job):
    return [step["run"] for step in job.get("steps", ()) if "run" in step]


def test_the_public_checks_test_the_wheel_on_every_python_that_is_promised():
    job = JOBS["ci/test"]
    assert job["strategy"]["matrix"]["python"] == PYTHONS
    assert f">={PYTHONS[0]}" == PROJECT["requires-python"]
    assert any(".ci/test-wheel" in command for command in commands_of(job))


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_bounded_and_may_do_only_what_it_must(name):
    job = JOBS[name]
    assert "uses" in job or job["timeout-minutes"] <= 60
    assert job["permissions"]
    assert WORKFLOWS[name.split("/")[0]]["permissions"] == {}
    writes = {scope for scope, access in job["permissions"].items() if access == "write"}
    assert writes == {"release/pypi": {"id-token"}, "release/image": {"packages"}}.get(name, set())


@pytest.mark.parametrize("name", JOBS)
def test_what_a_job_runs_exists(name):
    for command in commands_of(JOBS[name]):
        for script in re.findall(r"\.ci/[a-z-]+", command):
            assert os.access(ROOT / script, os.X_OK)
        for target in re.findall(r"\bmake ([a-z]+)", command):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`(?:PYTHON=\S+ )?make ([a-z]+)", CONTRIBUTING))))
def test_a_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


FILES = re.findall(r"`((?:twin|bridge|config|tests|docs|docker)/[\w./-]+)`", CONTRIBUTING)


@pytest.mark.parametrize("path", sorted(set(FILES)))
def test_a_file_that_is_named_exists(path):
    assert (ROOT / path).exists()


SECTIONS = "|".join(name for name in Settings.model_fields if name != "node")


@pytest.mark.parametrize("setting", sorted(set(re.findall(rf"`((?:{SECTIONS})\.[\w.]+)", SECURITY))))
def test_a_setting_that_is_named_exists(setting):
    model = Settings
    for name in setting.split("."):
        assert name in model.model_fields
        found = model.model_fields[name].annotation
        model = found if isinstance(found, type) and issubclass(found, BaseModel) else BaseModel


# --- .ci/audit --------------------------------------------------------------------------------------------------------

STAND_IN = """#!{python}
import os, pathlib, sys
words = sys.argv[1:]
service = words[words.index("--vulnerability-service") + 1]
asked = pathlib.Path(words[words.index("--requirement") + 1]).read_text()
if service not in os.environ["REACHED"].split(","):
    sys.exit("ConnectionError")
if "jinja2==2.10" in asked.split() or os.environ["VULNERABLE"] in asked:
    print("Found 1 known vulnerability in 1 package", file=sys.stderr)
    sys.exit(1)
"""


@pytest.fixture
def audit(tmp_path):
    """Run the script with a stand-in for pip-audit, on a stand-in for an environment that has two packages."""
    program = tmp_path / "pip-audit"
    program.write_text(STAND_IN.format(python=sys.executable))
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho attrs==25.1\necho yarl==1.20\n")
    for path in (program, python):
        path.chmod(0o755)

    def run(*words, reached="pypi,osv", vulnerable="nothing"):
        environment = {"PIP_AUDIT": str(program), "REACHED": reached, "VULNERABLE": vulnerable}
        return subprocess.run(
            [ROOT / ".ci/audit", *words, tmp_path],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize(("reached", "service"), [("pypi,osv", "pypi"), ("osv", "osv")])
def test_an_audit_says_where_it_looked(audit, reached, service):
    done = audit("--strict", reached=reached)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"audit: 2 packages looked up at {service}"


@pytest.mark.parametrize("words", [(), ("--strict",)])
def test_a_vulnerability_fails_an_audit(audit, words):
    done = audit(*words, vulnerable="yarl==1.20")
    assert done.returncode != 0
    assert "looked up" not in done.stdout


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--strict",), 1)])
def test_an_audit_without_a_list_does_not_pretend(audit, words, code):
    done = audit(*words, reached="none")
    assert done.returncode == code
    (line,) = done.stdout.splitlines()
    assert line.startswith("audit: NOT DONE")
