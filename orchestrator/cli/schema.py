"""sirr-orch schema: the JSON Schema of the spec."""


def schema() -> None:
    """Print the JSON Schema of an experiment, for editors that complete and check YAML.

    Example:  sirr-orch schema > experiment.schema.json
    """
    # Imported here: --help must not wait for pydantic.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.spec.schema import experiment_schema  # noqa: PLC0415

    out.print_json(data=experiment_schema())
