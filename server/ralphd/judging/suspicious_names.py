"""The rules of `suspicion.py` for JavaScript, TypeScript, Go and Rust: names that appear in the code, not in a comment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ralphd.context.languages import language_of, parse
from ralphd.judging import honest_script
from ralphd.judging.test_words import PROJECTS_VARIABLE, TEST_WORD

if TYPE_CHECKING:
    from tree_sitter import Node

_SPEC = r"\.spec\.?(?:[cm]?[jt]sx?\b|['\"`])|\bspecs?/[^'\"`\n]{0,80}\.[cm]?[jt]sx?\b|['\"`](?:\.{1,2}/)?specs?/?['\"`]"
"""A test file or its folder by the other usual name; a variable `specPath` holds any specification."""
_ENDS = "exit|reallyExit|abort|kill|exitCode"
_REQUIRED = r"require\(\s*['\"](?:node:)?process['\"]\s*\)"
_PROCESS = rf"(?:{_REQUIRED}|(?:globalThis\.|global\.)?process\b(?![\w.\[(]))"
"""The process as a value: under another name, or taken apart, it can be ended as well."""
_SCRIPT = (
    r"process\.(?:exit|reallyExit|abort|kill|exitCode|emit|_rawDebug|binding|removeAllListeners)\b",
    r"process\.on\(\s*['\"](?:exit|beforeExit|uncaughtException)",
    rf"\b(?:const|let|var)\s*\{{[^}}\n]*\b(?:{_ENDS})\b[^}}\n]*\}}\s*=\s*{_PROCESS}|\bimport\s*\{{[^}}\n]*\b(?:{_ENDS})\b[^}}\n]*\}}\s*from\s*['\"](?:node:)?process['\"]",
    rf"(?<![.\w])(?!process\b)[A-Za-z_$][\w$]*\s*=\s*{_PROCESS}\s*(?:[;,)\n]|$)|\bimport\s+(?:\*\s*as\s+)?(?!process\b)[\w$]+\s+from\s*['\"](?:node:)?process['\"]",
    rf"{_REQUIRED}\.(?:{_ENDS})\b",
    # Asks whether it was handed a stand-in of the tests, or writes into its record.
    r"(?<!\boptions)(?<!\bopts)(?<!\bconfig)(?<!\bsettings)(?<!\benv)(?<!\bflags)(?<!\bargs)\??\.mock\b|['\"]mock['\"]\s*in\b|\[\s*['\"]mock['\"]\s*\]|\b_isMockFunction\b|\bgetMockName\b|\bmock(?:Return|Resolved|Rejected)Value(?:Once)?\b|\bmockImplementation(?:Once)?\b|\bgetMockImplementation\b",
    r"NODE_TEST_CONTEXT|JEST_WORKER_ID|VITEST\w*|RALPHD_\w+|/proc/self",
    r"require\.cache\b|module\.(?:parent|children)\b|_getActiveHandles\b",
    r"\bnew\s+Proxy\b|(?<![.\w])valueOf\s*(?::|\([^)\n]{0,40}\)\s*\{)|\bSymbol\.toPrimitive\b|\bReflect\.setPrototypeOf\b",
    r"\bError\.(?:prepareStackTrace|captureStackTrace|stackTraceLimit)\b|\bnew\s+Error\b[^;\n]{0,80}\.stack\b",
    r"\.stack\s*\.(?:split|match|includes|indexOf|search|slice)\b",
    r"\bprocess\.(?:execArgv|mainModule|getBuiltinModule)\b|\bmodule\.(?:constructor|require)\b|\brequire\.main\.(?!filename\b)\w+",
    # What a variable of the project's own is compared with, `process.env.APP_MODE === "testing"`, is its own matter.
    rf"\bprocess\.(?:argv|env)\b(?!\.{PROJECTS_VARIABLE}(?:\s*(?:\?\?|\|\|)\s*['\"]\w*['\"]\)?)?\s*[!=]==?\s*['\"][A-Za-z]+['\"])[^;\n]{{0,100}}{TEST_WORD}",
    r"\brequire\(\s*(?:[^'\"`\s)]|['\"][^'\"\n]{0,80}['\"]\s*\+|`[^`\n]{0,80}\$)",
    rf"\b(?:readFile|readdir|createReadStream|exists|stat|access)(?:Sync)?\([^;\n]{{0,120}}(?:{TEST_WORD}|{_SPEC})",
    r"\batob\(\s*['\"`]|\bBuffer\.from\(\s*['\"`][^'\"`\n]{8,}['\"`]\s*,\s*['\"](?:base64|base64url|hex)\b",
    r"\bnew\s+Function\(|(?<![.\w])eval\(|__defineGetter__|__lookupGetter__",
    r"(?:require\(|from\s|import\()\s*['\"](?:node:)?(?:test|assert|vm|inspector|async_hooks|vitest|@vitest|jest|jest-\w+|@jest|expect|mocha|ava|chai|tape)(?:/[^'\"\n]{0,80})?['\"]",
    r"['\"`][^'\"`\n]{0,80}\bnode_modules/",
    r"(?<![.\w])(?:before|after)(?:Each|All)\s*\(",
    r"\bisMainThread\b|\bimport\.meta\.(?:env\b(?!\.)|env\.(?:VITEST|TEST)\b|vitest\b)",
    r"\bprocess\.(?:uptime|memoryUsage|moduleLoadList|getActiveResourcesInfo|send|connected|channel)\b|\bObject\.(?:keys|entries)\(\s*process\.env\s*\)\.length|__vitest_\w+|__tinypool\w+",
    r"\bprocess\.(?:once|addListener|prependListener|prependOnceListener)\(\s*['\"](?:exit|beforeExit|uncaughtException)|\bprocess\[",
    r"(?<!\bnew\s)(?<![.\w])Error\([^)\n]{0,80}\)\.stack\b|\b\w+\.caller\b|\barguments\.callee\b",
    r"\btypeof\s+\(?(?:describe|it|test|suite|jest|vi|expect|beforeEach)\b|['\"](?:describe|it|jest|expect)['\"]\s*in\s+global",
    r"(?<![.\w])import\(\s*(?:['\"][^'\"\n]{0,80}['\"]\s*\+|`[^`\n]{0,80}\$)",
    r"\bDate\.now\(\)\s*[<>]=?\s*[\d_]{12,}|\bnew\s+Date\(\)\s*[<>]=?\s*new\s+Date\(\s*['\"\d]",
    r"\b(?:Reflect|Symbol|RegExp)(?:\.prototype)?\.\w+\s*=(?!=)|\{\s*prototype\s*(?::\s*\w+\s*)?\}\s*=|\bObject\.getPrototypeOf\(\s*['\"\[{/]",
    r"\bprocess\.env\b[^;\n]{0,100}['\"](?:JEST_?|VITES?|NODE_T\w{0,20})['\"]",
    r"\bprocess\.(?:getuid|geteuid|getgid|getegid)\(\)\s*(?:[!=]==?|[<>]=?)\s*[1-9]|\bprocess\.p?pid\s*(?:[!=]==?|[<>]=?)\s*\d",
    r"\bstack\b[^;\n=]{0,40}=\s*(?:new\s+)?\w{0,20}Error\b",
    r"\b(?:assert|expect|globalThis|global|jest|vi|Object|Array|String|Number|Function|Promise|JSON|Math|Error)(?:\.prototype)?\s*\[[^=;\n]{1,80}\]\s*=(?!=)",
    r"\b(?:assert|expect|globalThis|global|jest|vi)\.\w+\s*=(?!=)",
    r"\b(?:Object|Array|String|Number|Function|Promise|JSON|Math|Error|Object\.prototype)(?:\.prototype)?\.\w+\s*=(?!=)",
    r"\bObject\.(?:defineProperty|defineProperties|assign)\(\s*(?:globalThis|global|assert|expect|Object|Array|String|Number|JSON)\b",
)
_OF: dict[str, tuple[re.Pattern[str], ...]] = {
    "go": tuple(
        map(
            re.compile,
            (
                r"\bos\.Exit\b",
                r"\b(?:syscall|unix)\.\w+",
                r"\bruntime\.(?:Caller\w*|Goexit|Stack)\b",
                r"\btesting\.\w+",
                r"\btest\.(?:v|run|timeout)\b",
                r"--- (?:PASS|FAIL|SKIP)|=== RUN",
                r"\bos\.Args\b",
                r"\bflag\.(?:Set|Lookup|Parsed)\b",
                r"\"\.test\"",
                r"\bos\.Get(?:uid|euid|gid|egid|pid|ppid)\(\)\s*(?:[!=]=|[<>]=?)\s*[1-9]",
                r"_test\.go\b",
                r"\bruntime\.NumGoroutine\b|\bdebug\.ReadBuildInfo\b",
                r"\bos\.(?:Stat|Lstat|Open|ReadFile|ReadDir)\([^)\n]{0,80}\.go\"",
                r"\bos\.(?:Getenv|LookupEnv)\(\"GO[A-Z]",
                r"\btime\.Now\(\)\.(?:Before|After|Unix\(\)\s*[<>])[^\n]{0,20}(?:time\.Date|\d{9})",
                r"\bdebug\.(?:Stack|PrintStack)\b",
                r"\bunsafe\.Pointer\b|go:linkname",
            ),
        )
    ),
    "rust": tuple(
        map(
            re.compile,
            (
                r"\bprocess::exit\b",
                r"\bprocess::abort\b",
                r"\bcfg!?\s*\(\s*(?:not\s*\()?test\b",
                r"\bpanic::set_hook\b",
                r"\bmacro_rules!\s*(?:assert|debug_assert|panic|matches)\w*",
                r"\bthread::current\(\)\s*\.\s*name\b|\b[Bb]acktrace::",
                r"\benv::var(?:_os)?\(\s*\"CARGO|\boption_env!\(\s*\"CARGO",
                r"\binclude_(?:str|bytes)!\(\s*\"[^\"\n]{0,120}tests?/",
                r"\bcurrent_exe\b|\bcfg!?\s*\(\s*(?:not\s*\()?debug_assertions\b",
                r"\bRUST_TEST_THREADS\b|\benv::args\b[^;\n]{0,100}test",
            ),
        )
    ),
    **dict.fromkeys(("javascript", "typescript", "tsx"), tuple(map(re.compile, _SCRIPT))),
}
_MOST = 1_000_000


def found(path: str, text: str, *, reported: bool = True) -> list[str]:
    language = language_of(path)
    rules = _OF.get(language.name, ())
    if not rules or len(text) > _MOST:
        return []
    source = text.encode("utf-8", "surrogatepass")
    tree = parse(language, source)
    code = source
    if tree is not None:
        code = _without(source, _comments(tree.root_node))
        if rules is _OF["javascript"]:
            code = _without(code, honest_script.places(tree.root_node, reported=reported))
    plain = code.decode("utf-8", "replace")
    return [f"uses `{' '.join(match.group().split())}`" for rule in rules for match in rule.finditer(plain)]


def _without(source: bytes, places: Iterable[tuple[int, int]]) -> bytes:
    left = bytearray(source)
    for start, end in places:
        left[start:end] = b" " * (end - start)
    return bytes(left)


def _comments(root: Node) -> Iterator[tuple[int, int]]:
    todo = [root]
    while todo:
        node = todo.pop()
        if "comment" in node.type:
            yield node.start_byte, node.end_byte
        else:
            todo.extend(node.children)
