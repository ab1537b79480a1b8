"""The wheel: what it must hold, nothing else, and that it works in an environment of its own."""

import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("twin", "bridge", "config")
TIMEOUT_S = 120


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment that holds the wheel, and sees this one's packages only where it has none of its own."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_it_holds_the_three_packages_whole(names):
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == sources


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_that_it_is_typed(names, package):
    assert f"{package}/py.typed" in names


@pytest.mark.parametrize(
    "pattern", [r"twin/store/schema/0001\w*\.sql", r"config/presets/\w+\.yaml", r"config/schemas/.+\.json"]
)
def test_it_holds_data_beside_the_code(names, pattern):
    assert any(re.fullmatch(pattern, name) for name in names)


def test_it_holds_the_license_and_names_the_command(wheel, names):
    (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    with zipfile.ZipFile(wheel) as archive:
        assert "ocpp-twin = bridge.cli:main" in archive.read(entry_points).decode()


def test_its_modules_are_the_ones_that_run(installed, tmp_path):
    script = (
        f"import {', '.join(PACKAGES)}; print({', '.join(f'{package}.__file__' for package in PACKAGES)}, sep='\\n')"
    )
    found = run(installed / "python", "-I", "-c", script, cwd=tmp_path).split()
    assert all(Path(file).is_relative_to(installed.parent) for file in found)


@pytest.mark.parametrize("arguments", [["version"], ["print-schemas"], ["check-config", "--config", "twins.yaml"]])
def test_the_command_works_without_the_repository(installed, tmp_path, arguments):
    (tmp_path / "twins.yaml").write_text("twins: [{id: garage, template: ac-11kw}]\n")
    assert run(installed / "ocpp-twin", *arguments, cwd=tmp_path)
