"""The stage `explain`: how pictures would go through a network; nothing is run."""

from pathlib import Path

from inference_program.items import read_items
from inference_program.opened import EXPORT_AGAIN, network_file
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.onnx_network import NetworkError, Resources
from orchestrator.infer.plan_document import plan_document
from stagekit import BadInput, StageContext
from stagekit.results.plan import PlanFile


def explain_network(context: StageContext) -> None:
    """Write ``plan.json``: for each size of picture what is expected.

    The sizes are those of the input `dataset`, or the setting `sizes`, a list of height and width.

    Raises:
        BadInput: Where the network or a picture cannot be used.
    """
    request = context.request
    try:
        engine = InferenceEngine(
            network_file(context), Resources(memory_bytes=request.memory_bytes), Path(context.work())
        )
        found = [plan_document(engine, size) for size in dict.fromkeys(_sizes(context))]
    except NetworkError as error:
        raise BadInput(str(error), EXPORT_AGAIN) from error
    PlanFile(tuple(found), request.memory_bytes).save(context.output())


def _sizes(context: StageContext) -> list[Size]:
    if "dataset" in context.request.inputs:
        return [Size(item.height, item.width) for item in read_items(context)[1]]
    return [Size(height, width) for height, width in context.setting("sizes")]
