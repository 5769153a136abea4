from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedjob.engines.local.record import Recorder, entries, scalar
from fedjob.result import RunResult
from fedjob.result.read import EVENTS_FILE, read_events


def test_events_are_lines_with_the_time_since_the_start(tmp_path):
    record = Recorder(tmp_path / "events.jsonl")
    record.emit("round_started", round=0)
    record.error(site="site-1", kind="exception", message="boom", round=0, task="train")
    record.close()
    first, second = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
    assert first.pop("time") >= 0
    assert first == {"event": "round_started", "round": 0}
    assert second.pop("time") >= 0
    assert second == {
        "event": "error",
        "site": "site-1",
        "round": 0,
        "task": "train",
        "kind": "exception",
        "message": "boom",
        "traceback": None,
        "fatal": True,
    }


def test_values_that_json_does_not_know_are_made_plain(tmp_path):
    record = Recorder(tmp_path / "e")
    record.emit(
        "x", a=np.float32(0.5), b=np.int64(3), c=np.arange(2), d=Path("p"), e={2, 1}, f=np.bool_(True)
    )
    record.close()
    event = json.loads((tmp_path / "e").read_text())
    assert [event[name] for name in "abcdef"] == [0.5, 3, [0, 1], "p", [1, 2], True]


def test_several_processes_write_whole_lines(tmp_path):
    record = Recorder(tmp_path / "e")
    record.emit("first")
    pids = []
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            for _ in range(50):
                record.emit("line", number=number, filler="x" * 5000)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    assert len([json.loads(line) for line in (tmp_path / "e").read_text().splitlines()]) == 151


def test_gathered_events_are_written_together_and_with_an_error_at_once(tmp_path):
    path = tmp_path / "e"
    record = Recorder(path, gather=True)
    record.emit("one")
    record.emit("two")
    assert not path.exists()
    record.error(site="server", kind="panic", message="now")
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["one", "two", "error"]
    record.emit("large", text="x" * 100_000)
    assert len(path.read_text().splitlines()) == 4
    record.emit("last")
    record.flush()
    assert len(path.read_text().splitlines()) == 5
    record.emit("at the end")
    record.close()
    assert len(path.read_text().splitlines()) == 6


def test_what_many_sites_say_once_is_one_line_and_read_as_an_event_of_each(tmp_path):
    record = Recorder(tmp_path / EVENTS_FILE, many=True)
    for n in range(3):
        record.emit_of_site("site_ready", site=f"site-{n}", pid=n)
    assert not record.path.exists()
    record.emit("other", n=1)
    record.emit_of_site("traffic", site="site-1", sent=1, received=2)
    record.close()
    assert len(record.path.read_text().splitlines()) == 3
    read = [{k: v for k, v in event.items() if k != "time"} for event in read_events(tmp_path)]
    assert read == [
        *({"event": "site_ready", "site": f"site-{n}", "pid": n} for n in range(3)),
        {"event": "other", "n": 1},
        {"event": "traffic", "site": "site-1", "sent": 1, "received": 2},
    ]


texts = st.text(max_size=8)
numbers = st.integers() | st.floats() | st.booleans() | st.none() | texts | st.just(np.float32(1.5))


@given(
    round=st.integers(0, 99),
    site=texts,
    task=texts,
    metrics=st.dictionaries(texts | st.integers(), numbers | st.just([1]), max_size=4),
    weight=numbers,
)
def test_a_contribution_is_written_as_any_event_is(round, site, task, metrics, weight):
    fields = {"round": round, "site": site, "task": task, "rc": "OK", "metrics": metrics, "weight": weight}
    as_event = fields | {"metrics": entries(metrics), "weight": scalar(weight)}
    with TemporaryDirectory() as directory:
        record = Recorder(Path(directory) / "events.jsonl")
        record.contribution(**fields, params=3, bytes=400)
        record.emit("contribution", **as_event, params=3, bytes=400)
        record.close()
        one, two = map(json.loads, record.path.read_text().splitlines())
    assert one.pop("time") >= 0 <= two.pop("time")
    assert list(one) == list(two)
    assert repr(one) == repr(two)  # nan is nan.


columns = st.lists(st.integers() | st.floats() | st.booleans(), min_size=3, max_size=3) | st.lists(
    numbers, min_size=3, max_size=3
)


@given(
    sites=st.lists(texts, min_size=5, max_size=5, unique=True),
    first=st.integers(0, 2),
    by_range=st.booleans(),
    task=texts,
    metrics=st.dictionaries(texts, columns, max_size=3),
    weights=columns,
)
def test_many_contributions_are_read_as_each_of_them_is(sites, first, by_range, task, metrics, weights):
    them = sites[first : first + 3]
    same = {"round": 2, "task": task, "rc": "OK", "params": 3, "bytes": 400}
    with TemporaryDirectory() as directory:
        places = [Path(directory, name) for name in "ab"]
        for place in places:
            place.mkdir()
        one, two = (Recorder(place / EVENTS_FILE) for place in places)
        for record in (one, two):
            record.emit("run_started", engine="local", job="j", sites=sites)
        shown = {"from": them[0], "many": 3} if by_range else them
        one.contributions(sites=them, shown=shown, metrics=metrics, weights=weights, **same)
        for at, site in enumerate(them):
            own = {name: values[at] for name, values in metrics.items()}
            two.contribution(site=site, metrics=own, weight=weights[at], **same)
        for record in (one, two):
            record.emit("round_done", round=2, metrics=[])
            record.close()
        read = [RunResult.load(place) for place in places]
    assert [result.problems for result in read] == [read[1].problems] * 2
    # nan is nan.
    one, two = ([repr(c) for c in result.rounds[0].contributions] for result in read)
    assert len(one) == 3
    assert one == two
