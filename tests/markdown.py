"""The project's pages as the tests of them read them: links, headings, spans and blocks of code."""

import re
import shlex
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.M)
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_ENDS_A_COMMAND = {"|", "||", "&&", ";", ">", ">>", "<"}


class Page:
    """A page of Markdown below the project's folder."""

    def __init__(self, path: Path) -> None:
        """Read it."""
        self.path = path
        self.text = path.read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        """Its path in the project."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def prose(self) -> str:
        """The text without blocks of code."""
        return _FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """Its blocks of code in this language."""
        return [text for found, text in _FENCE.findall(self.text) if found == language]

    def spans(self) -> list[str]:
        """The code within its sentences, each in one line."""
        return [" ".join(span.split()) for span in _SPAN.findall(self.prose)]

    def links(self) -> list[str]:
        """Where its links and pictures lead, but for other sites."""
        without_code = _SPAN.sub("", self.prose)
        return [to for to in _LINK.findall(without_code) if not re.match(r"[a-z]+:", to)]

    def anchors(self) -> set[str]:
        """The fragments by which its headings are linked, as GitHub makes them."""
        seen: dict[str, int] = {}
        anchors = set()
        for heading in _HEADING.findall(self.prose):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            count = seen[slug] = seen.get(slug, -1) + 1
            anchors.add(f"{slug}-{count}" if count else slug)
        return anchors

    def shell(self) -> Iterator[list[str]]:
        """The words of each line that a person is to type into a shell, without its comment."""
        for block in self.blocks("console"):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>")
                    lexer.whitespace_split = True
                    yield list(lexer)


def pages() -> list[Page]:
    """Every page for people."""
    return [Page(path) for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])]


def commands_in(words: list[str], program: str) -> Iterator[list[str]]:
    """The arguments of each call of a program in a line of shell."""
    for place, word in enumerate(words):
        if word.rsplit("/", 1)[-1] == program and "=" not in word:  # no URL in a variable before the program
            arguments = words[place + 1 :]
            ends = [i for i, argument in enumerate(arguments) if argument in _ENDS_A_COMMAND]
            yield arguments[: ends[0]] if ends else arguments
