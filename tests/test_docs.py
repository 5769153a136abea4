"""The reference pages say what the code says: every check, option, ini key, marker word, hook, command and link."""

import argparse
import ast
import inspect
import re
from pathlib import Path

import pytest
import yaml

from fedjob import hooks
from fedjob.cli import parser as cli_parser
from fedjob.folder.checks import closure
from fedjob.job import exported
from pytest_fedjob import hookspecs, markers, options
from pytest_fedjob.fixture import FedJobFixture

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def page(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def rows(text):
    """The cells of every table row, headings left out."""
    found = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"
    ]
    return [cells for cells in found if not set("".join(cells)) <= set("-: ")]


def codes():
    """Code and severity of every finding that the source can make."""
    found = set()
    for file in (ROOT / "fedjob" / "folder" / "checks").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"error", "warning"}
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add((first.value, node.func.id))
    found |= {(code, "error") for code in closure._REMEDIES}
    return found | {
        (exported._kebab(code), "warning" if code in exported._WARNINGS else "error")
        for code in exported._REMEDIES
    }


def test_every_check_stands_in_the_table_with_its_severity():
    told = set()
    for cells in rows(page("checks")):
        if match := re.fullmatch(r"`([a-z-]+)`", cells[0]):
            told |= {(match[1], severity.strip()) for severity in cells[1].split(",")}
            assert len(cells) == 4, cells
            assert all(cells)
    assert told == codes()


def test_every_check_has_a_test_on_its_text():
    tests = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("folder/checks", "cli", "plugin", "flare", "job")
        for path in (ROOT / "tests" / folder).rglob("test_*.py")
    )
    untested = [
        code
        for code, severity in codes()
        if f"{severity} {code}: " not in tests and f'"{code}"' not in tests and _pascal(code) not in tests
    ]
    assert untested == []


def _pascal(code):
    return "".join(word.title() for word in code.split("-"))


class Options(list):
    """What `add_options` would tell pytest."""

    def __init__(self):
        super().__init__()
        self.ini = set()

    def getgroup(self, *_):
        return self

    def addoption(self, name, **_):
        self.append(name)

    def addini(self, name, *_, **__):
        self.ini.add(name)


def test_every_option_ini_key_and_marker_word_is_told():
    told = page("fixture")
    known = Options()
    options.add_options(known)
    # A hook's cell has its arguments beside it.
    alone = [cells[0].strip("`") for cells in rows(told) if cells[0].count("`") == 2]
    names = {re.split(r"[=\[ ]", name)[0] for name in alone}
    assert {n for n in names if n.startswith("--fedjob")} == set(known)
    assert {n for n in names if n.startswith("fedjob_")} == known.ini
    for word in markers.WORDS:
        assert re.search(rf"fedjob\([^)]*{word}=", told), word


def test_every_method_with_every_parameter_is_told():
    told = page("fixture")
    for name, method in inspect.getmembers(FedJobFixture, inspect.isfunction):
        if name.startswith("_"):
            continue
        signature = re.search(rf"`fedjob\.{name}\(([^`]*)\)`", told)
        assert signature, name
        parameters = [p for p in inspect.signature(method).parameters if p != "self"]
        assert [p for p in parameters if not re.search(rf"\b{p}\b", signature[1])] == []


def test_every_hook_is_told():
    told = page("fixture")
    wanted = [n for n in vars(hookspecs) if n.startswith("pytest_fedjob_")]
    wanted += [n for n in vars(hooks.Hooks) if n.startswith("fedjob_")]
    assert len(wanted) == 6
    assert [name for name in wanted if f"`{name}`" not in told] == []


def commands(parser, prefix=""):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield f"{prefix}{name}", sub
                yield from commands(sub, f"{prefix}{name} ")


def test_every_command_and_its_options_are_told():
    told = page("cli")
    for name, parser in commands(cli_parser()):
        section = re.search(rf"^### `fedjob {name}.*?(?=^##|\Z)", told, re.MULTILINE | re.DOTALL)
        if name == "golden":
            continue  # its actions are told
        assert section, name
        words = {o for action in parser._actions for o in action.option_strings if o.startswith("--")} - {
            "--help"
        }
        assert [word for word in sorted(words) if f"`{word}" not in section[0]] == [], name


@pytest.mark.parametrize("file", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda p: p.name)
def test_links_lead_somewhere(file):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
    assert [t for t in targets if not (file.parent / t).exists()] == []


def test_the_pre_commit_hook_is_a_command_and_is_told():
    hooks_file = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    for hook in hooks_file:
        command = hook["entry"].split()
        assert command[0] == "fedjob"
        cli_parser().parse_args([*command[1:], "some/job.py"])
        assert re.search(hook["files"], "some/job.py")
        assert f"id: {hook['id']}" in page("cli")
