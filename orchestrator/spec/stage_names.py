"""Names of stages, such as 'infer/errnet2019/skimage-test': made and taken apart in one place."""


def stage_name(kind: str, *about: str) -> str:
    """Return the name of a stage.

    Args:
        kind: What kind of work it is.
        about: What it is done with: the dataset of ``prepare``; the model of ``train``, ``adopt``, ``export``,
            ``release`` and ``explain``; model and dataset of ``infer``, ``predict``, ``finish``, ``command`` and
            ``collect``; model, dataset and protocol of ``evaluate``; model, dataset and metric of ``measure``.
    """
    return "/".join((kind, *about))


def stage_kind(name: str) -> str:
    """Return the kind of work that a stage does."""
    return name.partition("/")[0]


def stage_dataset(name: str) -> str | None:
    """Return the dataset that a stage is about, None where it is about none alone."""
    match name.split("/"):
        case ["prepare", dataset] | ["infer" | "collect" | "command" | "predict" | "finish", _, dataset, *_]:
            return dataset
        case ["evaluate" | "measure", _, dataset, *_]:
            return dataset
    return None
