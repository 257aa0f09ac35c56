import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.docker import DockerBuilder
from orchestrator.environments.local import LocalBuilder
from orchestrator.environments.sbom import (
    Subject,
    canonical,
    cyclonedx_list,
    locked_in_requirements,
    locked_in_uv,
)
from orchestrator.environments.software import Inventory, installed_software, own_software
from orchestrator.errors import InfraFailure
from orchestrator.execute.sbom import environment_list, own_list
from orchestrator.spec.environment import Environment
from orchestrator.spec.load import load_image
from tests.conftest import ROOT

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
SUBJECT = Subject("metrics", "ab" * 32, container=True, facts={"base": "python:3.10"})
INTERPRETER = {
    "name": "CPython",
    "version": "3.10.4",
    "build": "main",
    "compiler": "GCC 12.2.0",
    "sha256": "1" * 64,
    "openssl": "OpenSSL 3.0.19",
    "libc": "glibc 2.36",
    "machine": "x86_64",
}


def inventory(*packages, system=None):
    return Inventory.model_validate({"packages": packages, "interpreter": INTERPRETER, "system": system})


def package(name="Torch_Vision", version="0.1", expression="", licence="", classifiers=(), libraries=()):
    return {
        "name": name,
        "version": version,
        "expression": expression,
        "licence": licence,
        "classifiers": classifiers,
        "libraries": libraries,
    }


def listed(found, locked=None):
    text = cyclonedx_list(SUBJECT, found, locked or {})
    assert VALIDATOR.validate_str(text) is None
    return json.loads(text)


def component(found, name):
    return next(one for one in found["components"] if one["name"] == name)


@pytest.mark.parametrize(
    ("said", "licences"),
    [
        pytest.param({"expression": "MIT OR Apache-2.0"}, [{"expression": "MIT OR Apache-2.0"}], id="expression"),
        pytest.param({"licence": "mit"}, [{"license": {"id": "MIT"}}], id="known-by-its-id"),
        pytest.param({"licence": "As you like"}, [{"license": {"name": "As you like"}}], id="own-words"),
        pytest.param(
            {"licence": "Copyright (c) somebody", "classifiers": ["License :: OSI Approved :: BSD License"]},
            [{"license": {"name": "License :: OSI Approved :: BSD License"}}],
            id="classifier-rather-than-the-first-line-of-a-text",
        ),
        pytest.param({}, None, id="none"),
    ],
)
def test_licence_is_what_the_package_says(said, licences):
    assert component(listed(inventory(package(**said))), "Torch_Vision").get("licenses") == licences


def test_package_has_its_purl_its_locked_files_and_its_libraries():
    library = {"name": "libvips.so.42", "path": "a.libs/libvips.so.42", "sha256": "2" * 64}
    found = listed(inventory(package(libraries=[library])), {("torch-vision", "0.1"): ["3" * 64, "4" * 64]})
    one = component(found, "Torch_Vision")
    assert one["purl"] == "pkg:pypi/torch-vision@0.1"
    (files,) = one["externalReferences"]
    assert {entry["content"] for entry in files["hashes"]} == {"3" * 64, "4" * 64}
    assert one["components"][0]["hashes"] == [{"alg": "SHA-256", "content": "2" * 64}]
    assert component(listed(inventory(package())), "Torch_Vision")["properties"][0]["name"] == "sirr-orch:lock"


@pytest.mark.parametrize("name", [" ", "-", "a b", "é", "/"])
def test_package_of_no_possible_name_has_no_address(name):
    one = component(listed(inventory(package(name))), name)
    assert "purl" not in one


def test_system_of_an_image_is_listed_with_its_packages():
    entry = {
        "name": "libc6",
        "version": "2.36-9+deb12u14",
        "architecture": "amd64",
        "source": "glibc",
        "licences": ["MIT"],
    }
    release = {"ID": "debian", "VERSION_ID": "12"}
    found = listed(inventory(system={"release": release, "packages": [entry]}))
    one = component(found, "libc6")
    assert one["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12"
    assert one["licenses"] == [{"license": {"id": "MIT"}}]
    assert component(found, "debian")["type"] == "operating-system"


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.lists(st.builds(package, words.filter(bool), words, words, words, st.lists(words, max_size=3)), max_size=4))
def test_whatever_packages_say_the_list_is_valid_and_the_same_again(packages):
    found = inventory(*{canonical(one["name"]): one for one in packages}.values())
    listed(found)
    assert cyclonedx_list(SUBJECT, found, {}) == cyclonedx_list(SUBJECT, found, {})


def test_other_software_gives_another_list():
    first, second = (listed(inventory(package(version=version))) for version in ("1", "2"))
    assert first["serialNumber"] != second["serialNumber"]


def test_locks_give_their_hashes(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"A_b==1.0+cpu \\\n    --hash=sha256:{'1' * 64} \\\n    --hash=sha256:{'2' * 64}\nc==2\n")
    assert locked_in_requirements([lock]) == {("a-b", "1.0+cpu"): ["1" * 64, "2" * 64], ("c", "2"): []}
    assert locked_in_uv(tmp_path / "uv.lock") == {}
    (tmp_path / "uv.lock").write_text(
        f'[[package]]\nname = "a"\nversion = "1"\nsdist = {{hash = "sha256:{"1" * 64}"}}\n'
        '[[package]]\nname = "b"\nversion = "2"\n'
    )
    assert locked_in_uv(tmp_path / "uv.lock") == {("a", "1"): ["1" * 64]}


@pytest.mark.slow
def test_own_list_holds_what_the_program_needs():
    text = own_list()
    assert VALIDATOR.validate_str(text) is None
    names = {one["name"] for one in json.loads(text)["components"]}
    assert {"pydantic", "docker", "numpy", "CPython"} <= names
    assert "timestamp" not in json.loads(text)["metadata"]
    assert own_software().system is None


@pytest.mark.parametrize("said", ["print('{}')", "print('no JSON')", "raise SystemExit(1)"])
def test_environment_that_does_not_answer_is_named(tmp_path, said):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{said}"\n')
    python.chmod(0o755)
    with pytest.raises(InfraFailure, match="what is installed in"):
        installed_software(Environment("local", "metrics", "ab" * 32, str(python)))


@pytest.mark.environment
@pytest.mark.parametrize("name", ["errnet2019", "inference"])
def test_local_environment_holds_what_its_lock_pins_and_nothing_else(name):
    image = load_image(name)
    builder = LocalBuilder(ROOT / ".sirr" / "environments")
    built = builder.build(image, "cpu", BuildSettings.from_environment(), lambda _line: None)
    text = environment_list(built, "cpu", image)
    assert VALIDATOR.validate_str(text) is None
    found = json.loads(text)
    packages = [one for one in found["components"] if one.get("purl", "").startswith("pkg:pypi/")]
    assert {canonical(one["name"]): one["version"] for one in packages} == {
        canonical(package): version for package, version in built.packages.items()
    }
    assert all(one["externalReferences"][0]["hashes"] for one in packages)
    assert all(one["licenses"] for one in packages)
    if name == "inference":
        (libvips,) = component(found, "pyvips-binary")["components"]
        (path,) = Path(built.reference).parents[1].glob(f"lib/*/site-packages/pyvips_binary.libs/{libvips['name']}")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == libvips["hashes"][0]["content"]


@pytest.mark.docker
def test_docker_image_is_listed_with_its_system_and_base(docker_client):
    image = load_image("inference")
    built = DockerBuilder(docker_client).build(image, "cpu", BuildSettings.from_environment(), lambda _line: None)
    text = environment_list(built, "cpu", image)
    assert VALIDATOR.validate_str(text) is None
    found = json.loads(text)
    assert component(found, "libc6")["purl"].startswith("pkg:deb/debian/libc6@")
    assert component(found, "uv")["externalReferences"], "what installs packages is locked too"
    facts = {one["name"]: one["value"] for one in found["metadata"]["component"]["properties"]}
    assert facts["sirr-orch:base content"] == built.details["base content"]


@pytest.mark.environment
def test_command_writes_a_list_of_each_image_and_of_itself(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "environments").symlink_to((ROOT / ".sirr" / "environments").resolve())
    command = [sys.executable, "-m", "orchestrator", "sbom", "metrics", "--engine", "local"]
    options = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "lists")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = {path.name: path for path in (tmp_path / "lists").iterdir()}
    assert set(found) == {"metrics.cdx.json", "sirr-orch.cdx.json"}
    assert hashlib.sha256(found["metrics.cdx.json"].read_bytes()).hexdigest() in done.stdout
