#!/usr/bin/env bash
# What MLflow 3.17 does by default, against what is written about it and what its own words say:
# - a folder as tracking URI, the default for years, is "in maintenance mode" by its message, but nothing can be read or
#   written there any more without a variable: even making an experiment raises;
# - a score that is infinite (PSNR of a perfect picture) is kept as 1.7976931348623157e+308, as if that had been measured, while
#   one that is no number stays so; a mean or a best run over such a column is decided by it;
# - `mlflow server --workers 1` is not one process: seven programs for jobs are started beside it, each of which imports
#   everything; MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false leaves them out.
#
# Seen on 2026-12-01 with MLflow 3.17.2, Python 3.11.
#
# Exits 0 while that holds, 1 where it has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 psutil==7.2.2
export MLFLOW_DISABLE_TELEMETRY=true PATH="$folder/venv/bin:$PATH"
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
import os
import signal
import subprocess
import sys
import time
import urllib.request

import psutil
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

try:
    MlflowClient(tracking_uri=f"file://{os.getcwd()}/runs").create_experiment("scores")
    in_folder = "kept"
except MlflowException as error:
    in_folder = "refused" if "maintenance mode" in str(error) else str(error)
print(f"runs in a folder: {in_folder}")

client = MlflowClient(tracking_uri=f"sqlite:///{os.getcwd()}/runs.db")
run = client.create_run(client.create_experiment("scores")).info.run_id
for name, value in (("perfect", math.inf), ("unknown", math.nan)):
    client.log_metric(run, name, value)
kept = client.get_run(run).data.metrics
print(f"infinity is kept as {kept['perfect']!r}, no number as {kept['unknown']!r}")


def programs(variables):
    """Return how many processes a server with one worker has once it answers and has had time to start them."""
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--port", "5978", "--workers", "1"],
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    children = []
    try:
        answered, until = None, time.monotonic() + 300
        while time.monotonic() < until and (answered is None or time.monotonic() < answered + 60):
            if answered is None:
                try:
                    urllib.request.urlopen("http://127.0.0.1:5978/health", timeout=2)
                    answered = time.monotonic()
                except OSError:
                    pass
            children = psutil.Process(server.pid).children(recursive=True)
            if sum("huey" in " ".join(child.cmdline()) for child in children) >= 7:
                break
            time.sleep(1)
        return 1 + len(children), sum("huey" in " ".join(child.cmdline()) for child in children)
    finally:
        for process in (*children, psutil.Process(server.pid)):
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                pass
        server.wait()


by_default, without = programs({}), programs({"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
print(f"processes of a server with one worker: {by_default[0]}, of which {by_default[1]} for jobs; without jobs {without[0]}")

holds = (
    in_folder == "refused"
    and kept["perfect"] == sys.float_info.max
    and math.isnan(kept["unknown"])
    and by_default[1] == 7
    and without[1] == 0
)
print("as seen" if holds else "it has changed")
sys.exit(0 if holds else 1)
PYTHON
