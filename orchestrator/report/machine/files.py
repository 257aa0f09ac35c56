"""Writes what programs read: report.json, the experiment's file, and the folder's description as an RO-Crate."""

import json
from pathlib import Path
from typing import Any

from orchestrator.report.address import CRATE, RECORD, spec_path
from orchestrator.report.content import ReportContent
from orchestrator.report.lookup import sboms
from orchestrator.report.machine.crate import crate_metadata
from orchestrator.report.machine.report_record import report_record


def write_machine_files(content: ReportContent, folder: Path) -> None:
    """Write them into a report's folder, which holds all of its pages already."""
    spec = folder / spec_path(content.spec_name)
    spec.parent.mkdir(exist_ok=True)
    spec.write_text(content.spec, encoding="utf-8", errors="replace")
    for sbom in sboms(content):
        path = folder / sbom.file
        path.parent.mkdir(exist_ok=True)
        path.write_text(sbom.text, encoding="utf-8")
    _write(folder / RECORD, report_record(content).model_dump(mode="json"))
    _write(folder / CRATE, crate_metadata(content, folder))


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="ascii")
