"""The lines that a run writes of itself: they survive a cut, and tell what was planned from what was begun."""

from __future__ import annotations

from orchestrator.store.store import Store


def test_run_record_survives_a_cut_line(tmp_path):
    store = Store(tmp_path / "store")
    record = store.run("first")
    assert record.events() == []
    assert record.keys() == {}
    assert store.run_names() == []
    record.append({"event": "planned", "keys": {"report": "k1"}})
    with (record.folder / "events.jsonl").open("a") as stream:
        stream.write('{"event": "planned", "keys": {"rep')
    record.append({"event": "state", "stage": "report", "note": "Größe \u2028 next"})
    assert [event["event"] for event in store.run("first").events()] == ["planned", "state"]
    assert store.run("first").keys() == {"report": "k1"}
    assert store.run_names() == ["first"]


def test_run_record_tells_what_was_planned_from_what_was_begun(tmp_path):
    store = Store(tmp_path / "store")
    record = store.run("first")
    record.append({"event": "planned", "keys": {"a": "1", "b": "1", "c": "1"}})
    record.append({"event": "state", "stage": "a", "state": "stored", "key": "1"})
    record.append({"event": "state", "stage": "b", "state": "running", "key": "1"})
    record.append({"event": "state", "stage": "b", "state": "cancelled", "key": "1"})
    record.append({"event": "state", "stage": "c", "state": "skipped", "because": "b"})
    record.append({"event": "planned", "keys": {"a": "2", "b": "2", "c": "2"}})
    assert record.begun() == {"a": "1", "b": "1"}
    assert record.keys() == {"a": "2", "b": "2", "c": "2"}
