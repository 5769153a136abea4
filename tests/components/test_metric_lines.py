from hypothesis import given
from hypothesis import strategies as st

from fedjob.components.widgets.metric_lines import _entries


@given(
    texts=st.lists(st.text("ab", max_size=9), max_size=9), used=st.integers(0, 20), room=st.integers(0, 120)
)
def test_entries_are_kept_as_long_as_each_has_room(texts, used, room):
    kept, total = [], used
    for text in texts:
        total += len(text) + 2
        if total > room:
            break
        kept.append(text)
    assert _entries(iter(texts), used, room) == (kept, total)
