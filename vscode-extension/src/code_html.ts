// A piece of code as HTML with some words marked. Pure: no editor in it.
//
// The editor colours a fenced block by the language's own grammar but lets nobody mark words in it, and offers that
// grammar to no extension. So blocks with marks are coloured here by what nearly all languages share: strings, comments,
// numbers and common keywords. The colours are the theme's own for values in the debugger, so they follow the theme.

import type { Piece } from './changed_words';
import { visible } from './visible';

type Kind = 'string' | 'comment' | 'number' | 'keyword' | 'plain';

const COLOUR: Readonly<Record<Kind, string>> = {
  string: 'color:var(--vscode-debugTokenExpression-string);',
  comment: 'color:var(--vscode-descriptionForeground);',
  number: 'color:var(--vscode-debugTokenExpression-number);',
  keyword: 'color:var(--vscode-debugTokenExpression-name);',
  plain: '',
};
const MARK = 'background-color:var(--vscode-diffEditor-insertedTextBackground);';

const KEYWORDS: ReadonlySet<string> = new Set(
  ('and as assert async await break case catch class const continue def defer del do elif else end enum except export '
    + 'extends finally fn for from func function global go if impl import in interface is lambda let loop match mod '
    + 'module mut new nil nonlocal not or package pass pub raise range require rescue return select self static struct '
    + 'super switch then this throw trait try type typeof unless until use var void when where while with yield '
    + 'True False None true false null undefined').split(' '),
);
/** Languages whose comments start with a hash. */
const HASH: ReadonlySet<string> = new Set(['python', 'ruby', 'shellscript', 'yaml', 'toml', 'perl', 'r', 'makefile', 'dockerfile', 'elixir', 'julia']);

const STRING = /("""|''')[^]*?(?:\1|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`?/.source;
const WORDS = /\d[\w.]*|[\p{L}_][\p{L}\p{N}_]*|\s+|[^]/u.source;
const HASHED = new RegExp(`#.*|${STRING}|${WORDS}`, 'gu');
const SLASHED = new RegExp(`//.*|/\\*[^]*?(?:\\*/|$)|${STRING}|${WORDS}`, 'gu');

/** `marks` are places in `code`, in their order. Line ends become plain ones; the text is escaped. */
export function codeHtml(code: string, marks: readonly Piece[], language: string): string {
  let html = '';
  let at = 0;
  for (const [token] of code.matchAll(HASH.has(language) ? HASHED : SLASHED)) {
    const style = COLOUR[kindOf(token, HASH.has(language))];
    for (const { text, isMarked } of cut(token, at, marks)) {
      html += span(text, style + (isMarked ? MARK : ''));
    }
    at += token.length;
  }
  return `<pre>${html.replace(/^\n+|\n+$/g, '')}</pre>`;
}

function kindOf(token: string, hash: boolean): Kind {
  if (hash ? token.startsWith('#') : token.startsWith('//') || token.startsWith('/*')) {
    return 'comment';
  }
  if (/^["'`]./s.test(token)) {
    return 'string';
  }
  return /^\d/.test(token) ? 'number' : KEYWORDS.has(token) ? 'keyword' : 'plain';
}

/** The parts of a token that begins at `at`: inside a mark, and outside of one. */
function cut(token: string, at: number, marks: readonly Piece[]): { text: string; isMarked: boolean }[] {
  const parts: { text: string; isMarked: boolean }[] = [];
  let done = 0;
  for (const mark of marks) {
    const start = Math.max(mark.start - at, done);
    const end = Math.min(mark.end - at, token.length);
    if (end > start) {
      parts.push({ text: token.slice(done, start), isMarked: false }, { text: token.slice(start, end), isMarked: true });
      done = end;
    }
  }
  parts.push({ text: token.slice(done), isMarked: false });
  return parts.filter(({ text }) => text !== '');
}

function span(text: string, style: string): string {
  const escaped = visible(text).replace(/\r\n?/g, '\n').replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  return style === '' ? escaped : `<span style="${style}">${escaped}</span>`;
}
