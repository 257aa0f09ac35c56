"""Where the files lie that travel with the package: images/, specs, data/ and the templates of plug-ins."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_root() -> Path:
    """Return the folder that holds images/, model_specs/, data/ and the like: inside a wheel, or the checkout."""
    installed = _PACKAGE / "resources"
    return installed if installed.is_dir() else _PACKAGE.parent


def contract_folder() -> Path:
    """Return the folder of stagekit, the contract that orchestrator and images share: beside this package."""
    return _PACKAGE.parent / "stagekit"


def images_folder() -> Path:
    """Return the folder of the image descriptions."""
    return resource_root() / "images"


def model_specs_folder() -> Path:
    """Return the folder of the model specs."""
    return resource_root() / "model_specs"


def program_specs_folder() -> Path:
    """Return the folder of the program specs."""
    return resource_root() / "program_specs"


def data_folder() -> Path:
    """Return the folder of the dataset catalogue."""
    return resource_root() / "data"


def plugin_templates_folder() -> Path:
    """Return the folder of the plug-ins that `plugin new` begins with, one by kind."""
    return resource_root() / "plugin_templates"
