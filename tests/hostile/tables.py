"""All rows of hostile input, by what they are: of commands, and of the images' programs."""

from collections.abc import Mapping, Sequence

from tests.hostile import archives, bundles, indexes, networks, packs, pictures, records, specs, torch_files
from tests.hostile.row import Row
from tests.hostile.stage_row import StageRow

COMMANDS: Mapping[str, Sequence[Row]] = {
    "Archives": tuple(archives.rows()),
    "Specs": tuple(specs.rows()),
    "Prepared datasets": tuple(indexes.rows()),
    "Packs": tuple(packs.rows()),
    "Run documents, results and names": tuple(records.rows()),
}
STAGES: Mapping[str, Sequence[StageRow]] = {
    "ONNX networks": tuple(networks.rows()),
    "Pictures and their lists": tuple(pictures.rows()),
    "Checkpoints of PyTorch": tuple(torch_files.rows()),
    "Checkpoints of TensorFlow, and MATLAB's files": tuple(bundles.rows()),
}
