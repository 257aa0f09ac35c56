from orchestrator.errors import OutOfMemory
from orchestrator.execute.events import (
    Failed,
    Planned,
    StateChanged,
    Warned,
    fan_out,
    recorder,
)


class Record(list):
    """Stands for a run record: keeps what is appended."""


def entries(*events):
    record = Record()
    listen = recorder(record)
    for event in events:
        listen(event)
    return record


def test_recorder_keeps_what_explains_a_failure():
    error = OutOfMemory("too large", hint="make it smaller")
    error.took = {"seconds": 3.0}
    record = entries(
        Planned(("a", "b"), {"a": "1" * 64}),
        StateChanged("a", "running", {"key": "1" * 64}),
        Warned("a", "little light"),
        Failed("a", error),
        StateChanged("b", "skipped", {"because": "a"}),
    )
    assert [entry["event"] for entry in record] == ["planned", "state", "warning", "failure", "state"]
    failure = record[3]
    assert (failure["stage"], failure["code"], failure["message"]) == ("a", "out-of-memory", "too large")
    assert (failure["hint"], failure["took"]) == ("make it smaller", {"seconds": 3.0})
    assert record[4]["because"] == "a"


def test_together_tells_every_listener():
    first, second = [], []
    fan_out(first.append, second.append)(Warned("a", "b"))
    assert first == second == [Warned("a", "b")]
