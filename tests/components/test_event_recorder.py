"""EventRecorder: what it counts, and what it writes."""

import pytest

RECORDER = "app_common.widgets.event_recorder.EventRecorder"


def counted(recorder):
    names = [
        "call_count",
        "prop_missing",
        "prop_none_value",
        "prop_dtype_mismatch",
        "prop_attr_mismatch",
        "prop_block_list_violation",
        "peer_ctx_missing",
    ]
    return {event: {n: getattr(s, n) for n in names} for event, s in recorder.event_stats.items()}


def bare(world, value, private, sticky):
    """A context whose run number is not as it should be."""
    ctx = world("apis.fl_context.FLContext")()
    for key, is_set in (("__engine__", world.engine), ("__identity_name__", "a")):
        ctx.put(key, is_set, private=key == "__engine__", sticky=True)
    ctx.put("__run_num__", value, private=private, sticky=sticky)
    return ctx


def test_it_counts_as_flare_does(same_as_flare):
    def scenario(world):
        recorder = world.add(world(RECORDER)())
        world.fire("_start_run")
        world.fire("round_started", world.context(peer="site-1"))
        world.fire("round_started")
        for value, private, sticky in [(None, False, True), (3, True, False), ("x", False, False)]:
            recorder.handle_event("_start_run", bare(world, value, private, sticky))
        world.fire("_end_run")
        return counted(recorder), recorder.log_file_name

    same_as_flare(scenario)


def test_a_missing_prop_counts(same_as_flare):
    def scenario(world):
        recorder = world.add(world(RECORDER)())
        world.fire("_start_run")
        empty = world("apis.fl_context.FLContext")()
        recorder.handle_event("_end_run", empty)
        return counted(recorder)

    same_as_flare(scenario)


@pytest.mark.parametrize("name", [None, "events.log"])
def test_what_it_writes(world, name):
    recorder = world.add(world(RECORDER)(name))
    for event in ("_start_run", "round_started", "_end_run"):
        world.fire(event)
    lines = (world.app_dir / (name or "event_recorded.txt")).read_text().splitlines()
    texts = [line.split(" - ", 1)[1] for line in lines]
    came = [t.split(",")[0] for t in texts if t.startswith("INFO - event")]
    assert came == ["INFO - event _start_run", "INFO - event round_started", "INFO - event _end_run"]
    assert texts[-3:] == [
        f"INFO - statistics of event {e}: {counts}" for e, counts in counted(recorder).items()
    ]


def test_it_says_what_a_context_lacks(world):
    recorder = world.add(world(RECORDER)())
    recorder.handle_event("_start_run", bare(world, None, private=True, sticky=True))
    text = (world.app_dir / "event_recorded.txt").read_text()
    assert "ERROR - event _start_run: prop '__run_num__' is None" in text
    assert "prop '__run_num__' must be not private" in text
