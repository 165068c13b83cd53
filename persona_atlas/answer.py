"""An answer in Markdown, parsed once, so that all checkers share the work.

    >>> answer = Answer("# Rice\\n\\n- Rinse it.\\n- Simmer it for **12 minutes**.")
    >>> answer.words, [block.kind for block in answer.blocks], answer.strong
    (7, ['heading', 'item', 'item'], ('12 minutes',))

Markdown is read with markdown-it-py (CommonMark with tables). Code blocks are in `blocks` but not in `visible`, because checkers of wording
must not read code. Of HTML, the text between the tags is kept, and `<b>`, `<strong>`, `<i>` and `<em>` count as bold and italic. Bullet
characters that models print instead of Markdown's own (`•`, `‣`, `–` at the start of a line) are read as `-`. A checkbox at the start of a
line begins a list item, too.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

WORD = regex.compile(r"[^\W_]+(?:[-'’.,:/][^\W_]+)*")
_SIGN = r"[♀♂♟♠♣♦✝✡✳✴❇➡]|✖ ?\d|(?<=\b(?:[2-9AJKQ]|10))♥|(?<=^|\n)☑"
_DRAWN = rf"(?=[\u2600-\u27BF\U0001F000-\U0001FAFF])(?!{_SIGN})\p{{Emoji}}\uFE0F?(?!\uFE0E)"
EMOJI = regex.compile(rf"\p{{Emoji_Presentation}}|\p{{Extended_Pictographic}}\uFE0F|[\d#*]\uFE0F?\u20E3|{_DRAWN}")
SENTENCE_END = regex.compile(r"(?<=[.!?…])[\"'”’)*\s]*\s+(?=[^\s])")
TAG = regex.compile(r"<!--.*?-->|<[^>]*>", regex.S)
EMPHASIS = {"b": "strong", "strong": "strong", "i": "em", "em": "em"}
EMPHASIS_TAG = regex.compile(r"<(?P<close>/)?(?P<name>b|strong|i|em)\b[^>]*>", regex.I)
RUN_END = regex.compile(r"<(?P<opens>b|strong|i|em)\b[^>]*>|</(?P<closes>b|strong|i|em)\s*>", regex.I)
NO_RUN = regex.compile(r"<!--.*?-->|<(h[1-6])\b.*?</\1\s*>", regex.I | regex.S)
ODD_BULLET = regex.compile(r"(?m)^([^\S\n]*)(?:[•‣▪◦–]\s+|(?=(?:[☐☑☒□]|\[[ xX]?\])\s))")


@lru_cache(maxsize=1)
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


@lru_cache(maxsize=2**14)  # the lines of a content plan are counted again in every style
def count_words(text: str) -> int:
    """Count the words in `text`: runs of letters and digits, joined by single inner hyphens, apostrophes, dots, commas, colons or slashes.

    `6:30` is one word.
    """
    return len(WORD.findall(text))


@dataclass(frozen=True, slots=True)
class Block:
    """One block of an answer.

    `kind` is `paragraph`, `heading`, `item`, `cell` or `code`. `text` has no markup. `ordered` says whether the outermost list around the
    block is numbered. `language` is the language that a code fence names, in lower case.
    """

    kind: str
    text: str
    ordered: bool = False
    language: str = ""

    @property
    def words(self) -> int:
        return count_words(self.text)


class Answer:
    """A Markdown answer, and everything that checkers ask about it, each computed at most once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.degrees: dict[str, float] = {}

    @cached_property
    def _parsed(self) -> tuple[tuple[Block, ...], tuple[tuple[str, str], ...]]:
        return _read(_parser().parse(ODD_BULLET.sub(r"\1- ", self.text)))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return self._parsed[0]

    @cached_property
    def strong(self) -> tuple[str, ...]:
        """The bold runs outside headings, in order."""
        return tuple(text for kind, text in self._parsed[1] if kind == "strong")

    @cached_property
    def emphasized(self) -> tuple[str, ...]:
        """The bold and italic runs outside headings, in order."""
        return tuple(text for _, text in self._parsed[1])

    @cached_property
    def visible(self) -> str:
        """The text that a reader sees, one line per block, without code."""
        return "\n".join(block.text for block in self.blocks if block.kind != "code")

    @cached_property
    def lower(self) -> str:
        """`visible` in lower case with straight apostrophes."""
        return self.visible.lower().replace("’", "'")

    @cached_property
    def words(self) -> int:
        return count_words(self.visible)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The sentences, in order. A list item, heading or cell ends a sentence even without a full stop."""
        found: list[str] = []
        for line in self.visible.split("\n"):
            found.extend(part.strip() for part in SENTENCE_END.split(line) if part.strip())
        return tuple(found)

    @cached_property
    def content(self) -> tuple[Block, ...]:
        """The blocks that have text and are not headings."""
        return tuple(block for block in self.blocks if block.kind != "heading" and block.text.strip())

    def of_kind(self, kind: str) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if block.kind == kind)

    @cached_property
    def emoji(self) -> tuple[str, ...]:
        return tuple(EMOJI.findall(self.visible))


def _read(tokens: "list[Token]") -> tuple[tuple[Block, ...], tuple[tuple[str, str], ...]]:
    """Flatten markdown-it's tokens into blocks, and the (kind, text) of each bold or italic run.

    Each paragraph of a list item, nested or not, becomes an `item` block of its own. It is `ordered` if the outermost list is.
    """
    blocks: list[Block] = []
    strong: list[tuple[str, str]] = []
    lists: list[bool] = []
    heading = cell = False
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                lists.append(False)
            case "ordered_list_open":
                lists.append(True)
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "heading_open" | "heading_close":
                heading = token.nesting == 1
            case "td_open" | "th_open" | "td_close" | "th_close":
                cell = token.nesting == 1
            case "fence" | "code_block":
                language = "".join(token.info.lower().split()[:1]).strip("{.}")
                blocks.append(Block("code", token.content, language=language))
            case "html_block":
                if text := _without_tags(token.content):
                    blocks.append(Block("item" if lists else "paragraph", text, bool(lists) and lists[0]))
                strong.extend(_html_runs(token.content))
            case "inline":
                text, runs = _inline(token)
                kind = "heading" if heading else "cell" if cell else "item" if lists else "paragraph"
                blocks.append(Block(kind, text, bool(lists) and lists[0]))
                if not heading:
                    strong.extend(runs)
    return tuple(blocks), tuple(strong)


def _without_tags(html: str) -> str:
    """The text between the tags. After the last `>` there are none, which is not tried for each `<` there."""
    last = html.rfind(">") + 1
    return " ".join(f"{TAG.sub(' ', html[:last])}{html[last:]}".split())


def _html_runs(html: str) -> list[tuple[str, str]]:
    """The bold and italic runs of an HTML block outside its headings and comments. Of nested runs of one tag, the outermost up to the first end.

    Read in one pass: an answer may have thousands of tags.
    """
    html = NO_RUN.sub(" ", html)
    begun: dict[str, int] = {}  # a tag's name -> where its outermost open run begins
    runs: list[tuple[str, str]] = []
    for end in RUN_END.finditer(html, overlapped=True):
        if end["opens"]:
            begun.setdefault(end["opens"].lower(), end.end())
        elif (start := begun.get(name := end["closes"].lower(), len(html))) <= end.start():
            del begun[name]
            if text := _without_tags(html[start : end.start()]):
                runs.append((EMPHASIS[name], text))
    return runs


def _inline(token: "Token") -> tuple[str, list[tuple[str, str]]]:
    """The visible text of an inline token and its bold (`strong`) and italic (`em`) runs; inline code counts as text."""
    parts: list[str] = []
    runs: list[tuple[str, str]] = []
    open_runs: list[tuple[str, int]] = []
    for child in token.children or []:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak") or child.content.lower().startswith("<br"):
            parts.append(" ")
        elif mark := _mark(child):
            kind, name, opens = mark
            if opens:
                open_runs.append((name, len(parts)))
            elif (start := _close(open_runs, name)) is not None and (run := "".join(parts[start:]).strip()):
                runs.append((kind, run))
    return "".join(parts).strip(), runs


def _mark(token: "Token") -> tuple[str, str, bool] | None:
    """If `token` opens or closes a bold or italic run: the run's kind, the name that both its ends share, and whether it opens the run."""
    if token.type in ("strong_open", "strong_close", "em_open", "em_close"):
        return token.tag, token.markup, token.nesting == 1
    if token.type == "html_inline" and (tag := EMPHASIS_TAG.fullmatch(token.content)):
        name = tag["name"].lower()
        return EMPHASIS[name], name, tag["close"] is None
    return None


def _close(open_runs: list[tuple[str, int]], name: str) -> int | None:
    """Remove the innermost open run called `name` from `open_runs`, and return where it started, or None if there is none."""
    for place in reversed(range(len(open_runs))):
        if open_runs[place][0] == name:
            return open_runs.pop(place)[1]
    return None
