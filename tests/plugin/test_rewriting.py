from __future__ import annotations

from _pytest.assertion import DummyRewriteHook
from _pytest.assertion.rewrite import AssertionRewritingHook

from pytest_fedjob.rewriting import leave_ours_alone


class Manager:
    def __init__(self, hook):
        self.rewrite_hook = hook


class State:
    def trace(self, text):
        pass


def rewritten(hook, name):
    return hook._is_marked_for_rewrite(name, State())


def test_our_modules_are_not_rewritten_and_others_are(pytestconfig):
    hook = AssertionRewritingHook(pytestconfig)
    # As pytest marks the packages of an installed distribution.
    hook._must_rewrite.update({"their_plugin", "fedjob", "pytest_fedjob"})
    assert rewritten(hook, "fedjob.errors")
    leave_ours_alone(Manager(hook))
    assert not rewritten(hook, "fedjob.errors")
    assert not rewritten(hook, "pytest_fedjob.fixture")
    assert rewritten(hook, "their_plugin.module")


def test_another_kind_of_hook_is_left_as_it_is():
    leave_ours_alone(Manager(DummyRewriteHook()))
    leave_ours_alone(object())
