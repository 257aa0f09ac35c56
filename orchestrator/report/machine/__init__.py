"""What programs read of a report: report.json, the scores as tables, tables for papers, the RO-Crate."""
