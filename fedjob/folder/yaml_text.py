"""YAML as data, without what can hide in it: keys that stand twice, and small texts that unfold to huge values."""

from __future__ import annotations

from typing import Any

#: Values in one document, aliases unfolded.
_MOST = 1_000_000


def parse_yaml(source: str) -> Any:
    """The data in `source`. Raises ``yaml.YAMLError``, with a mark where it knows one, and RecursionError."""
    import yaml

    # Both are safe loaders; the first is there where PyYAML was built with libyaml.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(source)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: Any, known: dict[int, int]) -> int:
    """How many values `node` unfolds to."""
    import yaml

    if id(node) in known:
        if not known[id(node)]:
            raise yaml.constructor.ConstructorError(None, None, "it contains itself", node.start_mark)
        return known[id(node)]
    known[id(node)] = 0
    size = 1
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            name = (key.tag, key.value if isinstance(key.value, str) else id(key))
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} stands twice in one mapping", key.start_mark
                )
            seen.add(name)
            size += _size(value, known)
    elif isinstance(node, yaml.SequenceNode):
        size += sum(_size(value, known) for value in node.value)
    if size > _MOST:
        raise yaml.constructor.ConstructorError(
            None, None, f"it unfolds to more than {_MOST:,} values", node.start_mark
        )
    known[id(node)] = size
    return size
