"""References to secrets: how they are written, where they lead, and how they are split from what is around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.exchange.job_config import get_client_config_value, get_server_config_value
from fedjob.exchange.secrets import (
    command_words,
    has_secret_refs,
    resolve_secret_refs,
    script_words,
    secret_file_ref,
    secret_ref,
)
from fedjob.flare import shim


@pytest.fixture(autouse=True)
def secrets(monkeypatch, tmp_path):
    monkeypatch.setenv("ONE", "a b")
    monkeypatch.setenv("TWO", '"${secret:ONE}')
    monkeypatch.delenv("NONE", raising=False)
    (tmp_path / "key").write_text("k\n\n")
    return secret_file_ref(str(tmp_path / "key"))


def test_a_reference_leads_to_the_environment_or_a_file(secrets):
    assert secret_ref("ONE") == "${secret:ONE}"
    assert has_secret_refs(f"x{secrets}")
    given = {"${secret:ONE}": [f"<{secret_ref('ONE')}>", ("x", secrets)], "n": 1}
    assert resolve_secret_refs(given) == {"${secret:ONE}": ["<a b>", ("x", "k\n")], "n": 1}
    assert resolve_secret_refs("${secret:X}", env={"X": "1"}) == "1"


@pytest.mark.parametrize("name", ["", "A-B", "1A", "A B", "A\n", None, "file:x"])
def test_what_cannot_be_a_variable(name):
    with pytest.raises(ValueError, match="env_var must be the name of an environment variable"):
        secret_ref(name)


@pytest.mark.parametrize("path", ["", "a b", "{x}", "a\x00", "a\x07", 3])
def test_what_cannot_be_a_file(path):
    with pytest.raises(ValueError, match="path must be printable"):
        secret_file_ref(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "${secret:NONE}",
            r"cannot resolve \$\{secret:NONE\}: this site has no environment variable NONE; set it",
        ),
        ("${secret:file:/no/such/key}", "FileNotFoundError when reading it at this site"),
        ("${secret:A B}", r"must be \$\{secret:NAME\} or \$\{secret:file:PATH\}"),
        ("${secret:ONE} ${secret:", "a reference to a secret must be"),
    ],
)
def test_what_leads_nowhere_is_an_error_without_secrets(text, message):
    with pytest.raises(ValueError, match=message) as error:
        resolve_secret_refs(text)
    assert "a b" not in str(error.value)


def test_an_argument_with_a_reference_stays_one():
    assert script_words('--k ${secret:ONE} "Bearer ${secret:ONE}" "x y"') == [
        "--k",
        "a b",
        "Bearer a b",
        '"x',
        'y"',
    ]
    assert script_words("--k=${secret:TWO}") == ['--k="${secret:ONE}']
    assert command_words("p '--k=${secret:ONE} c' \"x y\"") == ["p", "--k=a b c", "x y"]
    assert command_words(["p", "${secret:ONE}"]) == ["p", "a b"]


@pytest.mark.parametrize(
    "command",
    [
        "bash -lc 'echo ${secret:ONE}'",
        "env A=1 /bin/sh -c ${secret:ONE}",
        "python3 -u -c 'print(${secret:ONE})'",
    ],
)
def test_code_that_is_parsed_again_may_hold_none(command):
    with pytest.raises(
        ValueError, match=r"a reference to a secret stands in code after (bash|sh|python3) -l?c"
    ):
        command_words(command)


@given(st.text())
def test_without_references_arguments_are_split_at_blanks(text):
    if "${secret:" not in text:
        assert script_words(text) == text.split()


PIECES = st.sampled_from(
    ["a", "--k", "=", '"', "'", " ", "  ", "${secret:ONE}", "Bearer ", "\\", "it", "${secret:TWO}", "-c", "bash ", "env ",
     "A=1 ", "python3 ", ";", "${secret:", "${secret:NONE}", "--"]
)  # fmt: skip


@pytest.mark.flare
@pytest.mark.skipif(not shim.real_flare(), reason="nvflare is not installed here")
@given(st.lists(PIECES, max_size=12))
def test_words_are_those_of_flare(pieces):
    from nvflare.fuel.utils import secret_utils
    from nvflare.utils.process_utils import prepare_subprocess_command

    def script(text):
        words = secret_utils.split_command_preserving_secret_refs(
            text, posix=False, group_secret_ref_quotes="${secret:" in text
        )
        return [secret_utils.resolve_secret_refs(word) for word in words]

    def outcome(split):
        try:
            return split("".join(pieces))
        except ValueError:
            return ValueError

    assert outcome(script_words) == outcome(script)
    assert outcome(command_words) == outcome(prepare_subprocess_command)


class Context:
    """As much of an FLContext as is asked."""

    def __init__(self, folder):
        self._folder = folder

    def get_engine(self):
        return self

    get_workspace = get_engine

    def get_job_id(self):
        return "j"

    def get_app_config_dir(self, job_id):
        return str(self._folder)


def test_values_at_the_top_of_a_configuration(tmp_path):
    (tmp_path / "config_fed_client.json").write_text(
        '{"url": "x/${secret:ONE}", "n": null, "bad": "${secret:NONE}"}'
    )
    context = Context(tmp_path)
    assert get_client_config_value(context, "url") == "x/a b"
    assert get_client_config_value(context, "url", resolve_refs=False) == "x/${secret:ONE}"
    assert get_client_config_value(context, "n", default=1) is None
    assert get_client_config_value(context, "m", default=1) == 1
    assert get_server_config_value(context, "url", default=2) == 2
    with pytest.raises(ValueError, match="NONE"):
        get_client_config_value(context, "bad")
