"""Who is spared which events."""

from __future__ import annotations

import pytest

from fedjob.components.executors.in_process import InProcessClientAPIExecutor
from fedjob.components.persistors.pt import PTFileModelPersistor
from fedjob.components.receivers.analytics import AnalyticsReceiver
from fedjob.components.roles import FLComponent, Widget, listens
from fedjob.components.widgets.convert_to_fed_event import ConvertToFedEvent
from fedjob.components.widgets.metrics_artifact_writer import MetricsArtifactWriter
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.load import LoadedApp
from fedjob.exchange.events import AppEventType, EventType
from fedjob.flare import names


class Everything(MetricsArtifactWriter):
    def handle_event(self, event_type, fl_ctx):
        super().handle_event(event_type, fl_ctx)


class AsItWas(PTFileModelPersistor):
    pass


class HandlersOfItsOwn(Widget):
    def get_event_handlers(self):
        return {"made up": []}


def test_a_component_without_a_handler_hears_nothing_until_it_registers_one():
    widget = Widget()
    assert not listens(widget, EventType.START_RUN)
    before = FLComponent._registrations
    widget.register_event_handler([EventType.START_RUN], print)
    assert listens(widget, EventType.START_RUN)
    assert not listens(widget, EventType.END_RUN)
    assert FLComponent._registrations > before


def test_a_class_with_a_handler_of_its_own_hears_all():
    assert listens(Everything(), "made up")
    assert not listens(MetricsArtifactWriter(), "made up")
    assert listens(HandlersOfItsOwn(), "anything")


def test_a_subclass_without_one_hears_what_its_parent_does():
    assert listens(AsItWas(), AppEventType.GLOBAL_BEST_MODEL_AVAILABLE)
    assert not listens(AsItWas(), EventType.BEFORE_TASK_EXECUTION)


def test_a_handler_put_on_an_object_hears_all():
    executor = InProcessClientAPIExecutor("train.py")
    assert not listens(executor, EventType.END_RUN)
    executor.handle_event = lambda event_type, fl_ctx: None
    assert listens(executor, EventType.END_RUN)


class Converts(ConvertToFedEvent):
    pass


class ConvertsMore(ConvertToFedEvent):
    def handle_event(self, event_type, fl_ctx):
        super().handle_event(event_type, fl_ctx)


class Receives(AnalyticsReceiver):
    def initialize(self, fl_ctx):
        pass

    def save(self, fl_ctx, shareable, record_origin):
        pass

    def finalize(self, fl_ctx):
        pass


@pytest.mark.parametrize("kind", [ConvertToFedEvent, Converts])
def test_an_instance_hears_the_events_that_it_names_whenever_it_names_them(kind):
    widget = kind(["one", "two"])
    assert listens(widget, "one")
    assert listens(widget, "three", "two")
    assert not listens(widget, "three", EventType.START_RUN)
    widget.events_to_convert.append("three")
    assert listens(widget, "three")
    widget.events_to_convert = []
    assert not listens(widget, "one", "three")


@pytest.mark.parametrize("odd", ["one two", {"one": 1}, [1], None])
def test_an_instance_that_names_events_in_another_way_hears_all(odd):
    widget = ConvertToFedEvent(odd)
    assert listens(widget, "three")


def test_a_subclass_that_looks_at_events_itself_hears_all():
    assert listens(ConvertsMore(["one"]), "three")


def test_a_receiver_hears_what_it_names_besides_begin_and_end():
    receiver = Receives(events=["mine"])
    assert listens(receiver, "mine")
    assert listens(receiver, EventType.START_RUN)
    assert listens(receiver, EventType.END_RUN)
    assert not listens(receiver, EventType.BEFORE_TASK_EXECUTION, "analytix_log_stats")


def test_the_engine_looks_again_when_a_handler_names_other_events():
    one, two = ConvertToFedEvent(["one"]), ConvertToFedEvent(["two"])
    engine = FLEngine.__new__(FLEngine)
    engine.app = LoadedApp(handlers=[one, Widget(), two])
    engine._handlers, engine._registrations = [], -1
    engine._heard, engine._heard_any, engine._named = {}, {}, []
    assert engine.listeners("one") == (one,)
    assert engine.listeners("two") == (two,)
    assert not engine.hears(("three",))
    two.events_to_convert.append("three")
    assert engine.hears(("three", "four"))
    assert engine.listeners("three") == (two,)
    one.events_to_convert = ["three"]
    assert engine.listeners("three") == (one, two)
    assert engine.listeners("one") == ()


class WithoutInit(Widget):
    def __init__(self):
        pass


def test_a_component_that_was_not_initialized_is_called_so_that_its_error_is_heard_of():
    assert listens(WithoutInit(), EventType.START_RUN)


EVENTS = sorted(
    {
        value
        for kind in (EventType, AppEventType)
        for name, value in vars(kind).items()
        if isinstance(value, str) and not name.startswith("_")
    }
)


def _components():
    """Every class of ours under a name of FLARE's that says which events it looks at."""
    for path in names.paths():
        try:
            cls = names.load(path)
        except ImportError:  # for a framework that is not installed here.
            continue
        if isinstance(cls, type) and issubclass(cls, FLComponent) and "_EVENTS" in vars(cls):
            yield cls


class Asked(Exception):
    pass


def test_what_a_class_says_it_looks_at_is_all_that_its_handler_looks_at():
    """At an event that it does not name, its handler does not even look at the context, or at more of itself than its names."""

    class Context:
        def __getattr__(self, name):
            raise Asked(name)

    seen = set(_components()) - {FLComponent}
    assert len(seen) > 10
    for cls in seen:

        class Blank(cls):
            def __init__(self):
                pass

            def __getattribute__(self, name, named=cls._EVENTS_IN):
                if name == named:
                    return ["another"]
                raise Asked(name)

        Blank.__abstractmethods__ = frozenset()
        for event in {*EVENTS, "made up"} - cls._EVENTS:
            cls.handle_event(Blank(), event, Context())
