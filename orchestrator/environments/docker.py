"""Builds images as images of Docker or Podman."""

import contextlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import docker
from docker.errors import APIError, DockerException

from orchestrator import __version__
from orchestrator.engine.caps import engine_caps
from orchestrator.engine.connection import HOST_VARIABLE, ContainerEngine, connected, translate_errors
from orchestrator.environments.bases import Base, provide_base, verify_base
from orchestrator.environments.builder import BuildSettings, Output
from orchestrator.environments.local import files_changed, needs_torch_index
from orchestrator.environments.pins import name_and_digest, pinned
from orchestrator.environments.recipe import (
    BUILDER_SCHEMA,
    REQUIREMENTS,
    assemble,
    image_packages,
    lock_names,
    recipe_hash,
)
from orchestrator.errors import BuildError, EngineUnavailable
from orchestrator.process import ProcessFailed, run, stream
from orchestrator.resources import resource_root
from orchestrator.spec.environment import Environment
from orchestrator.spec.image import ImageSpec, Variant

_LABEL = "org.sirr-orch."
_TIMEOUT_S = 3600
_TAIL_LINES = 25


class DockerBuilder:
    """Makes images in a Docker engine or in Podman, found again by their labels."""

    def __init__(self, client: docker.DockerClient | None = None, *, engine: ContainerEngine = "docker") -> None:
        """Connect to the engine.

        Args:
            client: None connects to the engine of that name.

        Raises:
            EngineUnavailable: Where no engine answers.
        """
        self._client = client or connected(engine, _TIMEOUT_S).client
        with translate_errors("docker"):
            self._engine = engine_caps(self._client)

    def find(self, image: ImageSpec, variant: Variant, settings: BuildSettings) -> Environment | None:
        """Return the image of exactly this recipe, or None; of a certain base only where the site names one."""
        recipe = recipe_hash(image, variant)
        base, digest = name_and_digest(settings.bases.get(image.python, ""))
        # One label alone: Podman 4.3 finds no image by two.
        filters = {"label": f"{_LABEL}recipe={recipe}", "dangling": False}
        found = [
            one
            for one in self._client.images.list(filters=filters)
            if not base or _stands_on(one.attrs["Config"]["Labels"], base, digest)
        ]
        if not found:
            return None
        attributes: Mapping[str, Any] = found[0].attrs
        kept = attributes["Config"]["Labels"]
        hashes = {name: kept.get(f"{_LABEL}base-{name}", "") for name in ("content", "digest")}
        details = {
            "variant": variant,
            "base": kept[f"{_LABEL}base"],
            **{f"base {name}": value for name, value in hashes.items() if value},
            "source revision": kept.get(f"{_LABEL}revision", ""),
            "reference": str(found[0].id),
            "container engine": self._engine.title,
        }
        packages = image_packages(image, variant)
        return Environment(self._engine.name, image.name, recipe, str(found[0].id), None, details, packages)

    def build(self, image: ImageSpec, variant: Variant, settings: BuildSettings, output: Output) -> Environment:
        """Build the image, its smoke test included; see `Builder.build`."""
        wanted = settings.bases.get(image.python) or pinned(image.variants[variant].base)
        base = provide_base(self._client, wanted, image.python, lambda line: output(f"{image.name}: {line}"))
        if base.sentence:
            output(f"{image.name}: {base.sentence}")
        labels = {
            f"{_LABEL}recipe": recipe_hash(image, variant),
            **_base_labels(base),
            f"{_LABEL}image": image.name,
            f"{_LABEL}variant": variant,
            f"{_LABEL}schema": str(BUILDER_SCHEMA),
            f"{_LABEL}version": __version__,
            f"{_LABEL}revision": _revision(),
        }
        with tempfile.TemporaryDirectory(prefix="sirr-context-") as folder:
            context = Path(folder)
            assemble(image, variant, context)
            _add_wheels(context, settings)
            arguments = {"BASE": base.reference}
            if needs_torch_index(context / REQUIREMENTS, settings.wheels):
                arguments["TORCH_BACKEND"] = "cpu"
            tag = f"sirr-orch/{image.name}:{variant}-{labels[f'{_LABEL}recipe'][:12]}"
            build = self._classic if self._engine.podman or not _has_buildx() else _buildx
            build(image, context, tag, arguments, labels, settings, output)
        built = self.find(image, variant, settings)
        if built is None:
            raise files_changed(image)
        verify_base(base, self._client.images.get(built.reference).attrs, image.name)
        return built

    def tag(self, image: ImageSpec, variant: Variant, settings: BuildSettings) -> str | None:
        """Return the name of the image of exactly this recipe, None where there is none."""
        found = self.find(image, variant, settings)
        return None if found is None else next(iter(self._client.images.get(found.reference).tags), None)

    def saved(self, tag: str) -> Iterator[bytes]:
        """Yield an image as Docker saves it.

        Raises:
            EngineUnavailable: Where the engine fails meanwhile.
        """
        try:
            yield from self._client.images.get(tag).save(named=tag)
        except DockerException as error:
            raise EngineUnavailable(
                f"the image {tag} cannot be saved: {error}", hint="look at the engine's log"
            ) from error

    def load(self, stream: IO[bytes]) -> None:
        """Load an image as Docker saved it.

        Raises:
            EngineUnavailable: Where the engine refuses it.
        """
        try:
            self._client.images.load(stream)
        except DockerException as error:
            raise EngineUnavailable(f"an image cannot be loaded: {error}", hint="look at the engine's log") from error

    def _classic(
        self,
        image: ImageSpec,
        context: Path,
        tag: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
        settings: BuildSettings,
        output: Output,
    ) -> None:
        with _packed(context) as packed:
            events = self._client.api.build(
                fileobj=packed,
                custom_context=True,
                tag=tag,
                rm=True,
                forcerm=True,
                buildargs=dict(arguments),
                labels=dict(labels),
                network_mode="host" if settings.network_host else None,
                decode=True,
            )
            _follow(image, _spoken(events), output)


def _base_labels(base: Base) -> dict[str, str]:
    hashes = {"content": base.content, "digest": base.digest}
    return {f"{_LABEL}base": base.name, **{f"{_LABEL}base-{name}": value for name, value in hashes.items() if value}}


def _stands_on(labels: Mapping[str, str], base: str, digest: str) -> bool:
    """Return whether an image was built on a base; of any digest where none is given."""
    hashes = {labels.get(f"{_LABEL}base-{name}", "") for name in ("content", "digest")}
    return labels.get(f"{_LABEL}base") == base and (not digest or digest in hashes)


class _StepFailed(Exception):
    """The engine's own words for a step that failed."""


def _spoken(events: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a build's lines. The answer is read to its end, also after an error: only then is its connection free."""
    failed = ""
    for event in events:
        failed = failed or str(event.get("error", "")).strip()
        yield from str(event.get("stream", "")).splitlines()
    if failed:
        raise _StepFailed(failed)


def _follow(image: ImageSpec, lines: Iterator[str], output: Output) -> None:
    """Pass on a build's output; a failure names the last step and its last lines."""
    step, tail = "", list[str]()
    try:
        for line in filter(str.strip, lines):
            if line[:5].lower() == "step " or (line.startswith("#") and "[" in line):
                step = line
            tail = [*tail[1 - _TAIL_LINES :], line]
            output(f"{image.name}: {line}")
    except (_StepFailed, ProcessFailed, APIError) as error:
        said = "".join(f"\n    {line}" for line in tail)
        hint = "read the lines above; then run sirr-orch build again"
        if "no space left" in f"{error}{said}".lower():
            hint = "free space on the engine's disk, for example with: docker system prune"
        raise BuildError(
            f"the image {image.name} could not be built: {step or 'the build'} failed",
            where=f"{error}{said}",
            hint=hint,
        ) from error


def _buildx(
    image: ImageSpec,
    context: Path,
    tag: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    settings: BuildSettings,
    output: Output,
) -> None:
    options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    options += [f"--label={name}={value}" for name, value in labels.items()]
    if settings.network_host:
        options.append("--network=host")
    host = os.environ.get(HOST_VARIABLE)
    command = ["docker", *([f"--host={host}"] if host else []), "buildx", "build", "--load", "--progress=plain"]
    argv = [*command, f"--tag={tag}", *options, str(context)]
    _follow(image, stream(argv), output)


def _has_buildx() -> bool:
    try:
        run(["docker", "buildx", "version"])
    except ProcessFailed:
        return False
    return True


@contextlib.contextmanager
def _packed(context: Path) -> Iterator[IO[bytes]]:
    """Yield the context as a tar file whose bytes depend on its content alone, so that layers are found again."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = 0
        entry.mode = 0o755 if entry.isdir() else 0o644
        return entry

    with tempfile.TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path in sorted(context.rglob("*")):
                archive.add(path, path.relative_to(context).as_posix(), recursive=False, filter=plain)
        packed.seek(0)
        yield packed


def _add_wheels(context: Path, settings: BuildSettings) -> None:
    """Put those of the site's wheels into the context that a lock names; the folder is there in any case."""
    folder = context / "wheels"
    folder.mkdir()
    (folder / ".keep").touch()
    locks = "\n".join((context / name).read_text(encoding="utf-8") for name in lock_names(context)).lower()
    for source in settings.wheels:
        for wheel in source.glob("*.whl"):
            name, version = wheel.name.split("-")[:2]
            if f"{name.replace('_', '-')}=={version}".lower() in locks:
                shutil.copyfile(wheel, folder / wheel.name)


def _revision() -> str:
    """Return the revision of the checkout; "release" where there is none."""
    try:
        return run(["git", "-C", str(resource_root()), "rev-parse", "HEAD"]).stdout.strip()
    except ProcessFailed:
        return "release"
