"""What should not leave the author's machine: secrets, and paths that exist only there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fedjob.folder.checks.finding import Finding, error, warning
from fedjob.folder.checks.walk import configured
from fedjob.folder.model import File, JobModel

_HOME = re.compile(r"(/home/|/Users/|/root/|/tmp/|[A-Za-z]:\\Users\\)[^\s'\"]*")

#: High precision: each form belongs to one issuer, or is a key in words.
_SECRETS = {
    "an AWS key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})"),
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a private key": re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----"),
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:(?!\{)[^\s/:@]{3,}@"),
    "an API key": re.compile(r"\bsk-[A-Za-z0-9_-]{32,}\b"),
}
_KEY = re.compile(
    r"(^|[._-])(password|passwd|secret|api_?key|access_?token|auth_?token|private_?key)\Z", re.IGNORECASE
)
#: The same in the arguments of a script or a command.
_OPTION = re.compile(
    r"--?(?P<key>(?:[\w-]+[_-])?(?:password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token|private[_-]?key))"
    r"(?:=|\s+)(?P<value>\"[^\"]*\"|'[^']*'|[^\s-]\S*)",
    re.IGNORECASE,
)
_PLAIN = {"true", "false", "none", "null", "auto", "default", "enabled", "disabled"}
#: References that are resolved at the site, and files there, are no secrets.
_REFERENCE = re.compile(
    r"[\"']?(Bearer |Basic )?(\{[A-Za-z_:/.]+\}|\$\{?\w+\}?|\$\{secret:[^}]+\}|<[^>]+>|\*+|(~|\.{0,2}/).*|)[\"']?"
)

_TEXT = (".py", ".json", ".yml", ".yaml", ".conf", ".txt", ".toml", ".cfg", ".ini", ".sh", ".env", ".md")
_LARGEST = 2_000_000


def check(model: JobModel) -> Iterator[Finding]:
    before = ""
    for place, text in configured(model):
        # In a list, an option and its value are neighbours.
        option, before = before if place.endswith("]") else "", text if " " not in text else ""
        kind = secret_in(text) or _named_secret(place, text) or _optional_secret(f"{option} {text}")
        if kind:
            yield _leak(place, kind)
        elif _HOME.match(text):
            yield warning(
                "path-absolute",
                place,
                f"{_shorten(text)} exists on the author's machine; a site will not have it",
                "use a path relative to custom/, or hand it to the script as an argument of the site",
            )
    for app in model.apps:
        for file in app.files:
            yield from _in_file(file, f"{app.name}: {file.path}")


def _in_file(file: File, place: str) -> Iterator[Finding]:
    if not file.path.endswith(_TEXT) or file.size > _LARGEST:
        return
    try:
        text = file.source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for number, line in enumerate(text.splitlines(), start=1):
        kind = secret_in(line)
        if kind:
            yield _leak(f"{place}:{number}", kind)


def secret_in(text: str) -> str | None:
    """What kind of secret stands in `text`, if any."""
    return next((kind for kind, pattern in _SECRETS.items() if pattern.search(text)), None)


def _named_secret(place: str, text: str) -> str | None:
    match = _KEY.search(place)
    return f"the value of {match[2]!r}" if match and _is_literal(text) else None


def _optional_secret(text: str) -> str | None:
    found = next((m for m in _OPTION.finditer(text) if _is_literal(m["value"])), None)
    return f"the value of {found['key']!r}" if found else None


def _is_literal(text: str) -> bool:
    return len(text) >= 4 and text.casefold() not in _PLAIN and not _REFERENCE.fullmatch(text)


def _leak(place: str, kind: str) -> Finding:
    # The value itself is never repeated: logs outlive secrets.
    return error(
        "secret", place, f"{kind} stands here in the clear", "take it out, revoke it, and read it at the site"
    )


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:40]}...{text[-15:]}"
