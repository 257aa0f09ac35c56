"""Runs jobs in hardened containers: create, start, follow, inspect, remove."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from orchestrator.engine.caps import EngineCaps, engine_caps
from orchestrator.engine.connection import TIMEOUT_S, connected, translate_errors
from orchestrator.engine.container import (
    LABEL_KEY,
    LABEL_OWNER,
    LABEL_RUN,
    LABEL_STAGE,
    LABEL_STAGING,
    STAGE,
    Caller,
    container_config,
    container_name,
    input_path,
)
from orchestrator.engine.container_result import GONE, LeftResult, forget_container, is_left, note_container
from orchestrator.engine.container_state import (
    OVER,
    container_bytes,
    container_outcome,
    container_started,
    holds_result,
    is_displaced,
    is_running,
)
from orchestrator.engine.logs import CUT, LogFollower, LogLost
from orchestrator.engine.mounted import check_mounted
from orchestrator.engine.owner import Owner
from orchestrator.engine.program import STAGE_FILE, lay_out, place, stage_request, starting
from orchestrator.engine.protocol import Capabilities, Claim, Job, Outcome, RunningJob, anybody
from orchestrator.errors import DeviceUnavailable, EngineUnavailable, InfraFailure

_WAIT_S = 300
_LOST_S = 120.0
_PAUSE_S = 0.5
_CONFLICT = 409
_CREATE_ATTEMPTS = 20


class DockerRunning:
    """A container that was started, by this process or by an earlier one."""

    waits = False
    why_it_waits = ""

    def __init__(
        self, client: docker.DockerClient, caps: EngineCaps, container: str, staging: Path, *, adopted: bool
    ) -> None:
        self._client = client
        self._caps = caps
        self._id = container
        self._staging = staging
        self._adopted = adopted

    @property
    def adopted(self) -> bool:
        """Whether an earlier process started it."""
        return self._adopted

    @property
    def walls(self) -> str:
        """What it cannot get through."""
        return self._caps.name

    def lines(self) -> Iterator[str]:
        """Follow the output from the first line on; see `Running.lines`."""
        with contextlib.suppress(LogLost):
            yield from LogFollower(self._client, self._id, self._ended, piece_bytes=self._caps.log_piece_bytes).lines()

    def memory_bytes(self) -> int | None:
        """Return what the container holds; see `Running.memory_bytes`."""
        if not self._caps.limits_memory:
            return None  # without a control group of its own it is told the whole machine's
        with contextlib.suppress(*CUT, APIError, ValueError):
            return container_bytes(self._client.api.stats(self._id, stream=False, one_shot=True))
        return None

    def stop(self, grace_s: float) -> None:
        """Send SIGTERM, and SIGKILL after `grace_s` seconds; see `Running.stop`."""
        with translate_errors(f"container {self._id[:12]}"), contextlib.suppress(NotFound):
            try:
                if grace_s <= 0:
                    self._client.api.kill(self._id)
                else:
                    self._client.api.stop(self._id, timeout=max(1, round(grace_s)))
            except APIError as error:
                if error.status_code != _CONFLICT and not self._ended():  # Docker's word for it is a conflict
                    raise

    def outcome(self) -> Outcome:
        """Wait for the end, through cut connections, and say how it came."""
        while True:
            state = self._state()
            if state is None:
                return Outcome(None, error=GONE)
            if state.get("Status") in OVER:
                return container_outcome(state)
            with contextlib.suppress(*CUT, APIError):
                self._client.api.wait(self._id, timeout=_WAIT_S)

    def remove(self) -> None:
        """Remove the container, running or not, and wait until its name is free again."""
        with translate_errors(f"container {self._id[:12]}"), contextlib.suppress(NotFound):
            try:
                self._client.api.remove_container(self._id, v=True, force=True)
            except APIError as error:
                if error.status_code != _CONFLICT:
                    raise
            _until_gone(self._client, self._id)
        forget_container(self._staging)

    def _ended(self) -> bool:
        state = self._state()
        return state is None or state.get("Status") in OVER

    def _state(self) -> dict[str, Any] | None:
        """Return the engine's view, None where the container is gone; an engine that restarts is waited for.

        Raises:
            InfraFailure: Where it does not come back.
        """
        deadline = time.monotonic() + _LOST_S
        while True:
            try:
                found = _inspect(self._client, self._id)
            except (*CUT, APIError) as error:
                if time.monotonic() > deadline:
                    raise InfraFailure(
                        f"the engine was lost: {error}",
                        where=f"container {self._id[:12]}",
                        hint="start it and run the same command again: what still runs is adopted",
                    ) from error
                time.sleep(_PAUSE_S)
            else:
                return None if found is None else dict(found["State"])


class DockerEngine:
    """Runs jobs in containers of one Docker engine.

    Args:
        staging_root: The folder that holds one staging folder per key; `sweep` looks at containers that work in it.
        client: None connects as the command line does (DOCKER_HOST, current context).
        caps: What it can do; None asks it.
        shared_root: A folder that has the same path here and on the engine's machine; needed where that is another one.
        caller: Who programs run as; None is this process's user.
    """

    def __init__(
        self,
        staging_root: Path,
        client: docker.DockerClient | None = None,
        *,
        caps: EngineCaps | None = None,
        shared_root: Path | None = None,
        caller: Caller | None = None,
    ) -> None:
        self._client = client or connected().client
        with translate_errors("docker"):
            self.caps = caps or engine_caps(self._client)
        self.name = self.caps.name
        self._root = staging_root.resolve()
        self._shared_root = None if shared_root is None else shared_root.resolve()
        self._caller = caller or Caller.current()
        if self.caps.remote and self._shared_root is None:
            raise EngineUnavailable(
                f"{self.caps.product} at {self.caps.address} is on another machine and does not see this one's files",
                hint="unset what names it, or name in SIRR_SHARED_ROOT a folder that both machines have under one path",
            )

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; see `Engine.capabilities`."""
        return Capabilities(
            environments=self.name,
            isolates=True,
            leases_devices=False,
            same_machine=not self.caps.remote,
            queues=False,
            limits_memory=self.caps.limits_memory,
            tells_out_of_memory=self.caps.tells_out_of_memory,
        )

    def start(self, job: Job) -> DockerRunning | LeftResult:
        """Start a job's container or adopt the one that is there; see `Engine.start`."""
        job = self._absolute(job)
        if job.device == "cuda" and not job.gpus:
            raise DeviceUnavailable(
                f"{job.stage} needs a GPU and was given none", hint="write device: cpu, or free a device"
            )
        with translate_errors(f"stage {job.stage}"), starting(job.staging):
            for _attempt in range(_CREATE_ATTEMPTS):
                found = _inspect(self._client, container_name(job.key, job.staging))
                if found is not None:
                    running = self._taken_over(found, job)
                    if running is not None:
                        return running
                elif is_left(job.staging):
                    return LeftResult(job.staging, self.name)
                container = self._created(job)
                if container is not None:
                    self._check_seen(container, job)
                    self._begin(container, job.staging)
                    return self._started(container, job.staging)
                time.sleep(_PAUSE_S / 10)
        raise InfraFailure(
            f"the container of {job.stage} can neither be made nor found",
            hint=f"remove it: {self.name} rm -f {container_name(job.key, job.staging)}",
        )

    def sweep(self, claim: Claim = anybody) -> Sequence[str]:
        """Remove ended containers of dead processes; one whose result is still to be fetched stays.

        Those of other stores are left to these: who looks after one knows what is still wanted of it.
        """
        removed = []
        with translate_errors("docker"):
            for container in self._containers():
                key, owner = container["Labels"][LABEL_KEY], Owner.parse(container["Labels"].get(LABEL_OWNER, ""))
                if owner is None or owner.alive or container["State"] not in ("created", *OVER):
                    continue
                with claim(key) as free:
                    found = _inspect(self._client, container["Id"])
                    if not free or found is None or is_running(found) or holds_result(found):
                        continue
                    self._running(container).remove()
                removed.append(key)
        return removed

    def jobs(self) -> Sequence[RunningJob]:
        """Return the store's containers that run, or are about to; see `Engine.jobs`."""
        with translate_errors("looking at running containers"):
            return [
                RunningJob(
                    key=container["Labels"][LABEL_KEY],
                    run=container["Labels"].get(LABEL_RUN, ""),
                    stage=container["Labels"].get(LABEL_STAGE, ""),
                    engine=self.name,
                    started=container_started(_inspect(self._client, container["Id"])),
                    running=self._running(container),
                )
                for container in self._containers()
                if container["State"] not in OVER
            ]

    def input_paths(self, job: Job) -> Mapping[str, Path]:
        """Return where inputs lie outside, by where they lie in the container; see `Engine.input_paths`."""
        return {input_path(name): path for name, path in job.inputs.items()}

    def paths_in_use(self) -> set[Path]:
        """Return what containers that run, or are about to, read and write; see `Engine.paths_in_use`."""
        with translate_errors("looking at running containers"):
            return {
                Path(mount["Source"])
                for container in self._labelled()
                if container["State"] not in OVER
                for mount in container.get("Mounts", ())
                if mount.get("Source")
            }

    def _labelled(self) -> list[dict[str, Any]]:
        return list(self._client.api.containers(all=True, filters={"label": LABEL_KEY}))

    def _containers(self) -> list[dict[str, Any]]:
        """Return the containers that work in this store's folders."""
        return [one for one in self._labelled() if Path(one["Labels"].get(LABEL_STAGING, "/")).parent == self._root]

    def _running(self, container: dict[str, Any]) -> DockerRunning:
        """Return a container of the engine's list that works in this store's folders."""
        staging = Path(container["Labels"][LABEL_STAGING])
        return DockerRunning(self._client, self.caps, container["Id"], staging, adopted=True)

    def _absolute(self, job: Job) -> Job:
        """Return the job with resolved paths: the engine takes no others, and they must exist where it runs."""
        paths = {name: path.resolve() for name, path in job.inputs.items()}
        for name, path in paths.items():
            if not path.exists():
                raise EngineUnavailable(
                    f"the input {name} of {job.stage} is not there any more: {path}",
                    hint="put it back, or run the same command again: what is missing of the store is made anew",
                )
        job = dataclasses.replace(job, staging=job.staging.resolve(), inputs=paths)
        if self.caps.remote and self._shared_root is not None:
            for path in (job.staging, *paths.values()):
                if not path.is_relative_to(self._shared_root):
                    raise EngineUnavailable(
                        f"{path} lies outside the folder that is shared with the engine ({self._shared_root})",
                        hint="put the store and the data into the shared folder",
                    )
        return job

    def _taken_over(self, found: dict[str, Any], job: Job) -> DockerRunning | None:
        """Return a container that is there already, where it is worth having; remove it where not.

        Raises:
            InfraFailure: Where it works in a folder that was under this path before.
        """
        running = DockerRunning(self._client, self.caps, found["Id"], job.staging, adopted=True)
        if is_displaced(found, job):
            if is_running(found):
                raise InfraFailure(
                    f"a container of {job.stage} works in a folder that was {job.staging} before and was moved away",
                    hint=f"wait for it, or end it: {self.name} rm -f {container_name(job.key, job.staging)}",
                )
            running.remove()
            return None
        if found["State"]["Status"] == "created":
            self._begin(found["Id"], job.staging)
            return running
        if is_running(found) or holds_result(found):
            return running
        running.remove()
        return None

    def _created(self, job: Job) -> str | None:
        """Create the container; None where another client was quicker."""
        inputs = {name: input_path(name) for name in job.inputs}
        lay_out(job, stage_request(job, STAGE, inputs))
        note_container(job.staging)
        config = container_config(job, self.caps, self._caller, place(job.staging))
        try:
            name = container_name(job.key, job.staging)
            made = self._client.api.create_container_from_config(config, name)  # type: ignore[no-untyped-call]
        except APIError as error:
            if error.status_code == _CONFLICT:
                return None
            raise
        return str(made["Id"])

    def _check_seen(self, container: str, job: Job) -> None:
        """Check that a created container sees the staging folder, where the engine would make one that is missing."""
        if self.caps.remote or self.caps.makes_sources:
            try:
                check_mounted(self._client, container, f"{STAGE}/{STAGE_FILE}", job.staging / STAGE_FILE)
            except EngineUnavailable:
                self._started(container, job.staging).remove()
                raise

    def _begin(self, container: str, staging: Path) -> None:
        """Start a created container (which does nothing where another client was quicker); leave none that cannot."""
        try:
            self._client.api.start(container)
        except APIError:
            self._started(container, staging).remove()
            raise

    def _started(self, container: str, staging: Path) -> DockerRunning:
        return DockerRunning(self._client, self.caps, container, staging, adopted=False)


def _inspect(client: docker.DockerClient, container: str) -> dict[str, Any] | None:
    try:
        return dict(client.api.inspect_container(container))
    except NotFound:
        return None


def _until_gone(client: docker.DockerClient, container: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while _inspect(client, container) is not None and time.monotonic() < deadline:
        time.sleep(_PAUSE_S / 10)
