import ast
import re
import shutil
from pathlib import Path

import pytest

from orchestrator import resources
from orchestrator.environments.pins import pinned_digests, save_pinned_digests
from orchestrator.environments.recipe import assemble, context_files, lock_hash, recipe_hash
from orchestrator.spec.load import image_names, load_image, load_model_spec, model_spec_names

IMAGES = sorted(path.parent.name for path in resources.images_folder().glob("*/Dockerfile"))
OTHER_LOCKS = ["uv.txt", "inference/requirements.build.txt"]
LOCKS = [pytest.param(name, variant, id=f"{name}-{variant}") for name in IMAGES for variant in ("cpu", "cuda")]


@pytest.fixture
def own_images(tmp_path, monkeypatch):
    """A copy of the images that a test may change."""
    shutil.copytree(resources.images_folder(), tmp_path / "images", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(resources.contract_folder(), tmp_path / "images" / "stagekit")
    monkeypatch.setattr("orchestrator.environments.recipe.images_folder", lambda: tmp_path / "images")
    monkeypatch.setattr("orchestrator.environments.pins.images_folder", lambda: tmp_path / "images")
    monkeypatch.setattr("orchestrator.environments.recipe.contract_folder", lambda: tmp_path / "images" / "stagekit")
    return tmp_path / "images"


def test_every_folder_with_a_dockerfile_is_an_image_and_every_image_that_is_asked_for_is_there():
    assert sorted(image_names()) == IMAGES
    assert {"inference", "metrics"} | {load_model_spec(name).image for name in model_spec_names()} <= set(IMAGES)


@pytest.mark.parametrize("name", IMAGES)
def test_context_holds_all_that_a_build_needs(name, tmp_path):
    image = load_image(name)
    assemble(image, "cpu", tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"Dockerfile", "uv.txt", "requirements.txt", "smoke.py", "code/stagekit/__init__.py"} <= found
    assert f"code/{image.module}/__main__.py" in found
    assert not any("__pycache__" in path or "/tests/" in path for path in found)
    assert found == set(context_files(image, "cpu"))


@pytest.mark.parametrize("name", IMAGES)
def test_code_in_an_image_imports_nothing_of_ours_that_is_not_in_it(name):
    files = {path: source for path, source in context_files(load_image(name), "cpu").items() if path.endswith(".py")}
    modules = {path.removeprefix("code/").removesuffix(".py").removesuffix("/__init__") for path in files}
    absent = set()
    for path, source in files.items():
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            named = [node.module] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [
                module for module in named if module and module.split(".")[0] in {"orchestrator", "netkit", "stagekit"}
            ]
            absent |= {f"{path}: {module}" for module in ours if module.replace(".", "/") not in modules}
    assert not absent


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        pytest.param("errnet2019/Dockerfile", True, id="dockerfile"),
        pytest.param("errnet2019/requirements.cpu.txt", True, id="lock"),
        pytest.param("uv.txt", True, id="lock-of-the-installer"),
        pytest.param("errnet2019/requirements.build.txt", True, id="lock-of-what-builds"),
        pytest.param("errnet2019/smoke.py", True, id="smoke-test"),
        pytest.param("errnet2019/errnet2019/network.py", True, id="own-code"),
        pytest.param("netkit/synthesis.py", True, id="shared-code"),
        pytest.param("stagekit/messages.py", True, id="contract"),
        pytest.param("errnet2019/requirements.cuda.txt", False, id="other-variant"),
        pytest.param("errnet2019/tests/test_parity.py", False, id="tests"),
        pytest.param("zhang2018/Dockerfile", False, id="other-image"),
    ],
)
def test_recipe_hash_changes_with_its_ingredients_alone(own_images, changed, differs):
    image = load_image("errnet2019")
    before = recipe_hash(image, "cpu")
    with (own_images / changed).open("a") as stream:
        stream.write("\n# changed\n")
    assert (recipe_hash(image, "cpu") != before) is differs


@pytest.mark.parametrize(
    ("base", "differs"),
    [
        pytest.param("python:3.8-slim-bookworm", True, id="its-own"),
        pytest.param("python:3.11-slim-bookworm", False, id="of-others"),
    ],
)
def test_recipe_hash_knows_the_digest_that_the_base_is_pinned_to(own_images, base, differs):
    image = load_image("errnet2019")
    assert image.variants["cpu"].base == "python:3.8-slim-bookworm"
    before = recipe_hash(image, "cpu")
    save_pinned_digests({**pinned_digests(), base: f"sha256:{'5' * 64}"})
    assert (recipe_hash(image, "cpu") != before) is differs


def test_recipe_hash_does_not_know_where_the_files_lie(own_images):
    image = load_image("errnet2019")
    elsewhere = recipe_hash(image, "cpu")
    own_images.rename(own_images.with_name("moved"))
    own_images.with_name("moved").rename(own_images)
    assert recipe_hash(image, "cpu") == elsewhere


def test_new_file_in_a_package_changes_the_recipe(own_images):
    image = load_image("errnet2019")
    before = recipe_hash(image, "cpu")
    (own_images / "netkit" / "new.py").write_text("")
    assert recipe_hash(image, "cpu") != before


def test_lock_hash_knows_only_the_lock_and_the_interpreter(own_images):
    image = load_image("errnet2019")
    before = lock_hash(image, "cpu")
    (own_images / "errnet2019" / "smoke.py").write_text("")
    assert lock_hash(image, "cpu") == before
    assert lock_hash(image, "cuda") != before
    (own_images / "errnet2019" / "requirements.build.txt").write_text("")
    assert lock_hash(image, "cpu") != before


@pytest.mark.parametrize(("name", "variant"), LOCKS)
def test_lock_pins_every_package_by_hash_and_names_no_place(name, variant):
    image = load_image(name)
    text = (resources.images_folder() / name / image.variants[variant].requirements).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert len(entries) > 2
    assert_hashed(entries)
    assert not re.search(r"https?://|file:|--index|--find-links|@ /", text)


@pytest.mark.parametrize("path", OTHER_LOCKS)
def test_locks_of_what_installs_and_builds_pin_every_package_by_hash(path):
    text = (resources.images_folder() / path).read_text(encoding="utf-8")
    assert_hashed(re.split(r"\n(?=[A-Za-z0-9])", text.strip()))
    assert not re.search(r"https?://|file:|--index|--find-links|@ /", text)


def assert_hashed(entries):
    for entry in entries:
        assert re.match(r"^[A-Za-z0-9._-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("name", IMAGES)
def test_lock_holds_what_was_asked_for(name):
    folder = resources.images_folder() / name
    for variant in ("cpu", "cuda"):
        lock = (folder / f"requirements.{variant}.txt").read_text(encoding="utf-8").lower()
        for line in (folder / f"requirements.{variant}.in").read_text(encoding="utf-8").splitlines():
            wanted = re.match(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", line)
            if wanted:
                assert f"{wanted[1]}=={wanted[2]}".lower() in lock, line


@pytest.mark.parametrize("name", IMAGES)
def test_dockerfile_keeps_to_the_rules(name):
    image = load_image(name)
    lines = (resources.images_folder() / name / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(lines)
    assert f"ARG BASE={image.variants['cpu'].base}" in lines
    assert "FROM ${BASE}" in lines
    assert text.count("pip install") == text.count("--require-hashes")
    built = "requirements.build.txt" in context_files(image, "cpu")
    assert ("--no-build-isolation" if built else "--no-build --require-hashes") in text, "nothing unlocked may build"
    assert "RUN --mount" not in text, "the classic builder refuses it"
    assert next(row for row, line in enumerate(lines) if line.startswith("COPY requirements.txt ")) < lines.index(
        "COPY code /opt/sirr/code"
    )
    assert lines.index("RUN python3 /opt/sirr/smoke.py") < lines.index("USER 65534:65534")
    assert lines[-1] == f'ENTRYPOINT ["python3", "-m", "{image.module}"]'


def test_images_travel_with_the_package():
    assert (resources.contract_folder() / "request.py").is_file()
    assert Path(resources.model_specs_folder() / "zhang2018.yaml").is_file()
    assert Path(resources.data_folder()).is_dir()
