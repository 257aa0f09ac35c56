"""The environment's smoke test: both clients and the server can be imported."""

import mlflow
import mlflow.server
import wandb

assert mlflow.__version__ == "3.17.2", mlflow.__version__
assert wandb.__version__ == "0.31.0", wandb.__version__
