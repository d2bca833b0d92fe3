"""What a line names: one function decides it, against the files that exist.

A model writes a file's path in many dresses: as a heading, bold, numbered, in a sentence that ends with a colon, in a
fence's info string. `name_of` takes the dress off and looks the rest up: the exact path, then a unique path that ends
with it, then without regard to case. A path that does not exist counts only where it is plainly one; a line that looks
like a label and names nothing is `unclear`, and then the answer is refused instead of falling to the target.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

MAX_LABEL = 300
"""Characters of the longest line that can be a label."""


@dataclass(frozen=True)
class Label:
    """`path`: the file; "" for none. `unclear`: what was written, where it looks like a file's name and names none.
    `alone`: the line is the name and nothing else. `mentioned`: existing files that a sentence talks about."""

    path: str = ""
    unclear: str = ""
    alone: bool = False
    mentioned: frozenset[str] = frozenset()


PROSE = Label()
_SUFFIXES = frozenset(
    "py pyi pyx pxd ipynb js mjs cjs jsx ts mts cts tsx vue svelte astro go rs java kt kts scala groovy gradle c h cc cpp "
    "cxx hpp hh m mm cs fs fsx vb rb erb php pl pm lua r jl ex exs erl hrl hs elm clj cljs edn lisp el swift dart zig nim "
    "sol v sv vhd md mdx rst txt adoc tex org json jsonc json5 yaml yml toml ini cfg conf env properties xml html htm css "
    "scss sass less svg csv tsv sql graphql gql proto thrift sh bash zsh fish ps1 bat cmd tf tfvars hcl nix cmake mk lock "
    "dockerfile gitignore template tmpl j2 jinja hbs ejs pug snap patch diff log".split()
)
_NAMES = frozenset(
    "dockerfile makefile gnumakefile license licence copying readme changelog authors notice jenkinsfile procfile gemfile "
    "rakefile vagrantfile brewfile justfile codeowners caddyfile containerfile pipfile podfile fastfile taskfile "
    "build workspace gradlew".split()
)
_LANGUAGES = frozenset(
    "vb.net asp.net ado.net .net node.js vue.js next.js nuxt.js react.js express.js three.js d3.js nest.js ember.js "
    "backbone.js chart.js socket.io".split()
)
_DRESS = (
    re.compile(r"^(?:#{1,6}|//+|--|;+|>|[-+•]|\d{1,3}[.)]|%)[ \t]+"),
    re.compile(r"^(?:\*|•)[ \t]+"),
    re.compile(r"^<!--[ \t]*(?P<in>.*?)[ \t]*-->$"),
    re.compile(r"^/\*+[ \t]*(?P<in>.*?)[ \t]*\*+/$"),
    re.compile(r"^(?:={2,}|-{2,}|#{2,}|\*{3,})[ \t]*(?P<in>[^=]*?)[ \t]*(?:={2,}|-{2,}|#{2,}|\*{3,})$"),
    re.compile(r"^\*\*(?P<in>[^*]+)\*\*:?$"),
    re.compile(r"^__(?P<in>[^_].*)__:?$"),
    re.compile(r"^\*(?P<in>[^*]+)\*:?$"),
    re.compile(r"^(`+)(?P<in>[^`]+)\1:?$"),
    re.compile(r"^\[(?P<in>[^\]]+)\](?:\([^)]*\))?:?$"),
    re.compile(r"^\"(?P<in>[^\"]+)\":?$"),
    re.compile(r"^<(?:file|document|code|edit|source)?\s*(?:path|name|file|filename|src)\s*=\s*[\"']?(?P<in>[^\"'<>]+)[\"']?\s*/?>$", re.I),
    re.compile(r"^<(?P<in>[^<>=]+)>$"),
    re.compile(r"^(?:the\s+)?(?:file(?:name)?|path|filepath|file\s+path|new\s+file|target)\s*:\s*", re.I),
    re.compile(r"^\*\*(?:file(?:name)?|path)\s*:?\*\*\s*:?\s*", re.I),
    re.compile(r"^(?P<in>\S.*?)[ \t]*\((?:modified|updated?|new|new file|changed?|edited|created?|unchanged|complete|full|deleted)\):?$", re.I),
    re.compile(r"^(?:step|file|change)\s*\d{1,3}\s*[:.)-]\s*", re.I),
)  # fmt: skip
_LABEL_WORDS = frozenset(
    "update updated updating modify modified create created creating new add added edit edited change changed changes in "
    "for to the full complete final revised whole entire corrected fixed file files version of here is here's and now code "
    "contents content below following your this my rewritten replace with".split()
)
_TOKEN = re.compile(r"`([^`\n]+)`|([^\s`]+)")
_WRAPPING = "\"'*()<>{}[],;:!?"


def clean(text: str) -> str:
    """A path as this project writes it: forward slashes, without a leading "./"."""
    text = text.strip().replace("\\", "/")
    while text.startswith("./"):
        text = text[2:]
    return text


def plainly_a_path(text: str) -> bool:
    """Whether `text` can only be a file's path, though no such file exists."""
    if not text or len(text) > MAX_LABEL or re.search(r"[\s<>|?*\"\0]", text) or text.endswith(("/", ".", ",")):
        return False
    if text.casefold() in _LANGUAGES or "://" in text:
        return False
    name = text.rpartition("/")[2]
    suffix = name.rpartition(".")[2].casefold() if "." in name else ""
    if suffix in _SUFFIXES or name.casefold() in _NAMES or re.fullmatch(r"\.[\w.-]{2,}", name):
        return True
    return "/" in text and bool(re.fullmatch(r"[\w.@+~$#()&',\[\] -]+(?:/[\w.@+~$#()&',\[\] -]+)+", text.lstrip("/")))


_LINES = re.compile(r":\d{1,6}(?:-\d{1,6})?$|#L\d{1,6}(?:-L?\d{1,6})?$")
"""The number of a line, or a range of them, behind a path."""


class Names:
    """The files of a workspace, to look labels up in."""

    def __init__(self, paths: Collection[str]) -> None:
        self.paths = frozenset(paths)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.paths:
            found[path.rpartition("/")[2].casefold()].append(path)
        return found

    def find(self, text: str, *, edits: bool = False) -> Label:
        """The existing file that `text` names. `edits`: the file must exist, for lines of it are quoted."""
        path = clean(text)
        if not path or len(path) > MAX_LABEL:
            return PROSE
        if path in self.paths:
            return Label(path)
        if path[:2] in ("a/", "b/") and path[2:] in self.paths:
            return Label(path[2:])
        if (
            edits and (cited := _LINES.search(path)) is not None
        ):  # lines are quoted anyway; above a text it may be a part
            path = path[: cited.start()]
        outside = path.startswith(("/", "~")) or path[1:2] == ":" or path.startswith("path/to/")
        same_name = self._by_name.get(path.rpartition("/")[2].casefold(), [])
        for fold in (str, str.casefold):
            wanted = fold(path)
            inside = [p for p in same_name if f"/{fold(p)}".endswith(f"/{wanted}")]
            if not inside and (outside or edits) and " " not in path and ".." not in path.split("/"):
                around = [p for p in same_name if f"/{wanted}".endswith(f"/{fold(p)}")]
                longest = max((len(p) for p in around), default=0)
                inside = [p for p in around if len(p) == longest]
            if len(inside) == 1:
                return Label(inside[0])
            if inside:
                return Label(unclear=path)
        return PROSE


def name_of(line: str, names: Names, *, edits: bool = False) -> Label:
    """What `line`, which stands before a block or a fence, names. `edits`: a block that quotes lines follows."""
    line = line.strip()
    if not line or len(line) > MAX_LABEL:
        return PROSE
    bare = line
    for _ in range(8):
        for text in dict.fromkeys((bare, bare.rstrip(":").strip())):
            found = names.find(text, edits=edits)
            if found.path or found.unclear:
                return Label(found.path, found.unclear, alone=True)
        less = _undressed(bare)
        if less == bare:
            break
        bare = less
    bare = clean(bare.rstrip(":").strip("`* "))
    if bare.casefold() in _LANGUAGES:
        return PROSE
    if plainly_a_path(bare):
        return Label(bare, alone=True)
    return _sentence(line, bare, names, edits)


def _undressed(text: str) -> str:
    for pattern in _DRESS:
        match = pattern.match(text)
        if match is not None:
            inner = match.groupdict().get("in")
            return (inner if inner is not None else text[match.end() :]).strip()
    return text


def _sentence(line: str, bare: str, names: Names, edits: bool) -> Label:
    """A sentence names a file where it ends with a colon and talks of one file only, or is but a verb and a path."""
    tokens = [(m[1] or m[2]).strip(_WRAPPING).removesuffix("'s").rstrip(".,") for m in _TOKEN.finditer(line)]
    known: dict[str, None] = {}
    fresh: dict[str, None] = {}
    unclear = ""
    for token in tokens:
        if token.casefold() in _LANGUAGES or ("." not in token and "/" not in token and token not in names.paths):
            continue
        found = names.find(token, edits=edits)
        unclear = unclear or found.unclear
        if found.path:
            known[found.path] = None
        elif plainly_a_path(clean(token)):
            fresh[clean(token)] = None
    mentioned = frozenset(known)
    leads = line.rstrip("*_ ").endswith(":")
    words = [t.casefold() for t in tokens if t]
    short = len(words) <= 8 and bool(words) and all(w in _LABEL_WORDS for w in words[:-1])
    if (leads or short) and len(known) == 1 and not unclear:
        return Label(next(iter(known)), mentioned=mentioned)
    if (leads or short) and not known and len(fresh) == 1 and not edits:
        return Label(next(iter(fresh)))
    if (leads or short) and (unclear or len(known) > 1 or len(fresh) > 1):
        return Label(unclear=unclear or line, mentioned=mentioned)
    looks_like_one = len(words) <= 3 and (fresh or (len(words) == 1 and re.search(r"\w[./]\w", bare)))
    if looks_like_one and not leads and not line.endswith("."):
        return Label(unclear=line, mentioned=mentioned)
    return Label(mentioned=mentioned)


_INFO_KEY = re.compile(r"^(?:path|file|filename|filepath|title|name|src)\s*[=:]\s*", re.I)
_LINES_CITED = re.compile(r"^\d+:\d+:")


def name_in_info(info: str, names: Names, *, edits: bool = False) -> Label:
    """What a fence's info string names: `python:a.py`, `python path=a.py`, `python {a.py}`, `a.py`."""
    if not info or len(info) > MAX_LABEL:
        return PROSE
    if _LINES_CITED.match(info):  # some editors cite "first:last:path": an excerpt, not a file
        return Label(unclear=info)
    first, _, rest = info.partition(" ")
    texts = [info, rest, first.partition(":")[2], rest.partition(":")[2], first, *rest.split()]
    for text in texts:
        text = _INFO_KEY.sub("", text.strip().strip("{}")).strip("\"'` ")
        if not text or text.casefold() in _LANGUAGES:
            continue
        found = names.find(text, edits=edits)
        if found.path or found.unclear:
            return found
        name = clean(text).rpartition("/")[2].casefold()
        if (
            ":" not in text
            and plainly_a_path(clean(text))
            and ((name.rpartition(".")[2] in _SUFFIXES and "." in name) or name in _NAMES)
        ):
            return Label(clean(text))
    return PROSE
