"""One run of an experiment, from its document to its report."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.engine.protocol import Engine, Environment
from orchestrator.execute.comparison import Comparison
from orchestrator.execute.events import Listener, fan_out
from orchestrator.execute.report_stage import make_report
from orchestrator.execute.run import RunResult, run_comparison
from orchestrator.execute.run_record import DocumentWriter, planned_document
from orchestrator.execute.run_results import results_of
from orchestrator.execute.run_stages import RunOptions
from orchestrator.execute.stopper import Stopper
from orchestrator.store.run_entries import Overrides
from orchestrator.store.runs import run_in_progress, start_run
from orchestrator.store.store import Store

_NO_OPTIONS, _NO_OVERRIDES = RunOptions(), Overrides()


def run_experiment(
    comparison: Comparison,
    store: Store,
    engine: Engine | None,
    environments: Mapping[str, Environment],
    listener: Listener,
    stopper: Stopper,
    options: RunOptions = _NO_OPTIONS,
    overrides: Overrides = _NO_OVERRIDES,
) -> RunResult:
    """Run what is missing, keep the run's document current meanwhile, and make its report.

    Args:
        engine: Needed only where something is missing.
        environments: Needed only where something is missing.
        overrides: What the command line said, for the record.

    Raises:
        ImageNotBuilt: Where an image is not built.
        NoSpace: Before anything is started.
        StoreError: Where the run's document cannot be read.
    """
    with run_in_progress(store, comparison.resolved.experiment.name):
        writer = DocumentWriter(store, start_run(store, planned_document(comparison, overrides)))
        notify = fan_out(writer.listen, listener)
        try:
            result = run_comparison(comparison, store, engine, environments, notify, stopper, options)
            if stopper.requested:
                return result
            return replace(result, report=make_report(results_of(writer.document, store), store, notify))
        finally:
            writer.save()
