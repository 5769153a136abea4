"""The sampler sees what a whole tree of processes holds, orphans included, and nobody else's."""

import subprocess
import sys
import textwrap
import time

import pytest

from benchmarks.memory import MIB, PROC, TreeMemory, memory, tree

pytestmark = pytest.mark.skipif(
    not PROC.joinpath("self", "smaps_rollup").exists(), reason="needs Linux's /proc"
)

SIZE = 60  # MiB, far more than an interpreter


def start(code):
    """A process that says a line when it is set up, and ends when its input does."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    return process


def end(process):
    process.communicate(timeout=30)


def test_children_count():
    process = start(
        f"""
        import os, sys
        if os.fork() == 0:
            held = b"x" * ({SIZE} * {MIB})
            print("held", flush=True)
        sys.stdin.read()
        """
    )
    try:
        found = TreeMemory(process.pid)
        found.sample()
    finally:
        end(process)
    assert found.processes == 2
    assert found.peak > SIZE


def test_pages_that_are_shared_count_once():
    process = start(
        f"""
        import mmap, os, sys
        held = mmap.mmap(-1, {SIZE} * {MIB})
        held.write(b"x" * ({SIZE} * {MIB}))
        for _ in range(3):
            if os.fork() == 0:
                assert len(bytes(held)) == {SIZE} * {MIB}
                print("read", flush=True)
                break
        sys.stdin.read()
        """
    )
    try:
        for _ in range(2):
            process.stdout.readline()
        found = TreeMemory(process.pid)
        found.sample()
    finally:
        end(process)
    assert found.processes == 4
    assert SIZE < found.peak < 2 * SIZE


def test_a_process_stays_in_the_tree_when_its_parent_ends():
    process = start(
        """
        import os, sys
        until_root_ends, root = os.pipe()
        until_told, teller = os.pipe()
        if os.fork() == 0:
            os.close(teller)
            os.close(root)
            if os.fork() == 0:
                os.read(until_root_ends, 1)
            else:
                print("forked", flush=True)
                os.read(until_told, 1)
            os._exit(0)
        sys.stdin.readline()
        os.close(teller)
        os.wait()
        print("orphaned", flush=True)
        sys.stdin.read()
        """
    )
    try:
        found = TreeMemory(process.pid)
        found.sample()
        before = found._known
        process.stdin.write("end\n")
        process.stdin.flush()
        assert process.stdout.readline() == "orphaned\n"
        after = tree(before)
    finally:
        end(process)
    assert len(before) == 3
    assert len(after) == 2


def test_a_process_id_that_is_used_again_is_somebody_else():
    assert tree({(1, 1 << 60)}) == set()


def test_what_has_ended_holds_nothing():
    process = start("print()")
    end(process)
    assert memory(process.pid) is None
    with TreeMemory(process.pid) as found:
        pass
    assert (found.peak, found.processes) == (None, 0)


def test_the_peak_outlives_the_process():
    code = f"held = b'x' * ({SIZE} * {MIB}); print(flush=True); input()"
    process = start(code)
    with TreeMemory(process.pid) as found:
        while found.peak is None or found.peak < SIZE:
            assert process.poll() is None
            time.sleep(0.01)
        end(process)
    assert found.peak > SIZE
