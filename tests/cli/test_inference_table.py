"""What `infer --check` prints of a network."""

import io

from rich.console import Console

from orchestrator.cli.inference import print_plan
from stagekit.results.plan import NotTileable, PlanFile, SizePlan


def printed(plan: SizePlan) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=120)
    wrong = print_plan(PlanFile(sizes=(plan,)), console)
    return wrong, console.file.getvalue()  # type: ignore[attr-defined]


def test_nodes_are_counted_where_all_of_them_were_placed() -> None:
    wrong, text = printed(SizePlan(41, 57, (NotTileable("Gelu", "transmission", "is not known"),), 0, 0))
    assert wrong
    assert text.splitlines() == [
        "41 x 57 pixels",
        "  not exact in parts: whole where memory suffices, else blended and labelled",
        "  Gelu (transmission): is not known",
    ]
    wrong, text = printed(SizePlan(41, 57, (), 7, 1, refused="too little memory"))
    assert wrong
    assert text.splitlines() == ["41 x 57 pixels: 7 nodes, 1 global reduction", "  too little memory"]
