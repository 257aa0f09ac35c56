"""An entrant's scores in one protocol: what the image of metrics computed, and what images of plug-ins did."""

from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.plan.plan import evaluate_name
from orchestrator.plan.scored import measure_name
from orchestrator.report import artifacts as read
from orchestrator.report.content import NotMeasured, PictureScores, Score, Scores
from orchestrator.store.run_entries import ProtocolEntry

Output = Callable[[str], Path | NotMeasured]
"""Returns a stage's output folder, or why it left none."""

_Values = Mapping[str, Score | NotMeasured]
"""One metric's values, by the picture's id."""


def entrant_scores(output: Output, label: str, dataset: str, protocol: ProtocolEntry) -> Scores | NotMeasured:
    """Return the scores of an entrant or a control on a dataset of pairs.

    A metric whose stage left nothing is not measured on any picture, and says why; the others stay.

    Raises:
        OutputInvalid: Where a file is not what its form says.
    """
    own = [metric.name for metric in protocol.metrics if not metric.image]
    evaluated = _evaluated(output(evaluate_name(label, dataset, protocol.name))) if own else NotMeasured("")
    if len(own) == len(protocol.metrics):
        return evaluated
    values: dict[str, _Values | NotMeasured] = {
        metric.name: _measured(output(measure_name(label, dataset, metric.name)))
        if metric.image
        else evaluated
        if isinstance(evaluated, NotMeasured)
        else {item.id: item.values[metric.name] for item in evaluated.items if metric.name in item.values}
        for metric in protocol.metrics
    }
    reasons = [found.why for found in values.values() if isinstance(found, NotMeasured)]
    if len(reasons) == len(values):
        return NotMeasured("; ".join(dict.fromkeys(reasons)))
    ids = dict.fromkeys(one for found in values.values() if not isinstance(found, NotMeasured) for one in found)
    items = (PictureScores(one, {name: _value(found, one) for name, found in values.items()}) for one in ids)
    notes, table = ((), None) if isinstance(evaluated, NotMeasured) else (evaluated.notes, evaluated.table)
    return Scores(protocol.name, protocol.version, tuple(values), tuple(items), notes, table)


def _evaluated(output: Path | NotMeasured) -> Scores | NotMeasured:
    return output if isinstance(output, NotMeasured) else read.read_scores(output)


def _measured(output: Path | NotMeasured) -> _Values | NotMeasured:
    return output if isinstance(output, NotMeasured) else read.read_measure(output)


def _value(found: _Values | NotMeasured, picture: str) -> Score | NotMeasured:
    if isinstance(found, NotMeasured):
        return found
    return found.get(picture, NotMeasured("the picture was not scored"))
