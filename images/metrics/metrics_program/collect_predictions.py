"""Taking over predictions: the stage's settings and folders go to orchestrator.datasets."""

from contextlib import suppress
from pathlib import Path

from orchestrator.datasets.picture_reading import UnusablePicture
from orchestrator.datasets.prediction_files import FolderPredictions, PredictionFiles, ZipPredictions
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

    source, work = Path(context.input("pictures")), Path(context.work())
    folder = context.request.settings.get("folder")
    read = FolderPredictions(source, work) if source.is_dir() else None
    files: PredictionFiles = read or ZipPredictions(source, folder, work)
    naming = settings_naming(context.setting("naming"))
    found = collected_predictions(
        context.setting("model"),
        Path(context.input("dataset")),
        files,
        naming,
        Path(context.output()),
        {name: control.layer for name, control in CONTROLS.items()},
        step,
    )
    for words in found.warnings:
        context.warn(words)
    found.save(context.output())
    if read is not None:
        _read_the_rest(read)
        SourcesFile.of_files({"pictures": read.reader.hashes}).save(context.facts(SourcesFile.FILE_NAME))


def _read_the_rest(files: FolderPredictions) -> None:
    """Read what belongs to no picture too: which files there are has decided what was taken."""
    for path in files.names():
        if str(path) not in files.reader.hashes:
            with suppress(UnusablePicture), files.copy(path):
                pass
