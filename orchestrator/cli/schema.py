"""sirr-orch schema: the JSON Schema of the spec."""

from orchestrator.cli.options import PluginsOption


def schema(plugins: PluginsOption = None) -> None:
    """Print the JSON Schema of an experiment, for editors that complete and check YAML; plug-ins are in it.

    Example:
        sirr-orch schema > experiment.schema.json
    """
    # Imported here: --help must not wait for pydantic.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.spec.schema import experiment_schema  # noqa: PLC0415

    out.print_json(data=experiment_schema(known_library(plugins or ())))
