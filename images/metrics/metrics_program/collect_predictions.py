"""Taking over predictions: the stage's settings and folders go to orchestrator.datasets."""

from contextlib import suppress
from pathlib import Path

from orchestrator.datasets.picture_reading import UnusablePicture
from orchestrator.datasets.prediction_files import FolderPredictions, opened_predictions
from orchestrator.datasets.predictions import collected_predictions, settings_naming
from stagekit import StageContext
from stagekit.measures import CONTROLS
from stagekit.results.sources import SourcesFile


def collect(context: StageContext) -> None:
    """Write the answers of somebody's program to a dataset, taken from its files."""

    def step(done: int, total: int) -> None:
        context.progress(done, total, "pictures")
        if context.stop_requested:
            context.interrupt()

    source, naming = Path(context.input("pictures")), settings_naming(context.setting("naming"))
    controls = {name: control.layer for name, control in CONTROLS.items()}
    with opened_predictions(source, context.request.settings.get("folder"), Path(context.work())) as files:
        found = collected_predictions(
            context.setting("model"),
            Path(context.input("dataset")),
            files,
            naming,
            Path(context.output()),
            controls,
            step,
        )
        if isinstance(files, FolderPredictions):
            _read_the_rest(files)
            SourcesFile.of_files({"pictures": files.reader.hashes}).save(context.facts(SourcesFile.FILE_NAME))
    for words in found.warnings:
        context.warn(words)
    found.save(context.output())


def _read_the_rest(files: FolderPredictions) -> None:
    """Read what belongs to no picture too: which files there are has decided what was taken."""
    for path in files.names():
        if str(path) not in files.reader.hashes:
            with suppress(UnusablePicture), files.copy(path):
                pass
