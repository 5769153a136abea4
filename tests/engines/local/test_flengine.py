"""What the engine remembers of its contexts and handlers is what it would find out anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fedjob.components.roles import FLComponent
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.hub import Hub
from fedjob.engines.local.load import LoadedApp


def engine():
    return FLEngine(
        name="site-1",
        identity="site-1",
        app=LoadedApp(),
        app_dir="/ws/site-1/simulate_job/app_site-1",
        hub=Hub(),
        record=None,
        post=None,
        meta={},
        public={"__client_name__": "site-1"},
    )


def public_in(fl_ctx):
    return fl_ctx.get_all_public_props()


PROPS = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(), st.booleans(), st.booleans())


@given(st.lists(PROPS, max_size=8))
def test_public_props_are_those_of_a_new_context(props):
    own = engine()
    for key, value, private, sticky in [("x", 0, True, True), *props]:
        before = own.public_props()
        assert before == own.public == public_in(own.new_context())
        own.new_context().set_prop(key, value, private=private, sticky=sticky)
        if not sticky:
            assert own.public_props() is before
    own.rest()
    assert own.public_props() == public_in(own.new_context())


class Listening(FLComponent):
    pass


def test_who_listens_is_found_out_again_when_that_may_have_changed():
    own, component = engine(), Listening()
    assert not own.hears(("late",))
    own.app.handlers.append(component)
    assert not own.hears(("late",))
    component.register_event_handler("late", lambda event_type, fl_ctx: None)
    assert own.hears(("late",))
    assert own.listeners("late") == (component,)
    own.app.handlers.remove(component)
    assert not own.hears(("late",))
