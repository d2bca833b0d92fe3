// The words about one proposed change: the label of its thread and the text in it. Pure: no editor in it.

import { changedWords, type Changed } from './changed_words';
import { codeHtml } from './code_html';
import type { Hunk, Proof } from './protocol';
import { visible } from './visible';

/** "change 2 of 7 · 4 tests passed, 7 of 8 planted faults noticed"; `number` counts from 1. */
export function label(hunk: Hunk, number: number, total: number, proof: Proof): string {
  const place = `change ${number} of ${total}`;
  const aside = hunk.outsideTarget && !hunk.creates ? ' · outside what you asked for' : '';
  return hunk.state === 'stale' ? `${place} · these lines were edited since: try again` : `${place} · ${proofWords(proof)}${aside}`;
}

/** What holds for the changes, in a few words. What is not verified is told so, whatever the reason. */
export function proofWords(proof: Proof): string {
  switch (proof.state) {
    case 'verified':
    case 'reproduces':
      return proof.evidence === '' ? bareSentence(proof) : proof.evidence;
    case 'pending':
      return 'NOT verified yet: Ralph is at work on it';
    case 'stale':
      return 'NOT verified: the text was edited since';
    case 'broken':
      return bareSentence(proof);
    default:
      return 'NOT verified';
  }
}

function bareSentence(proof: Proof): string {
  return proof.sentence.replace(/\.$/, '');
}

/** "replaces 1 line by 3", "adds 2 lines", "removes 1 line", "makes lib/a.py, 12 lines". */
export function verb(hunk: Hunk, path: string): string {
  const old = lineCount(hunk.oldText);
  const fresh = lineCount(hunk.newText);
  if (hunk.creates) {
    return `makes ${path}, ${lines(fresh)}`;
  }
  if (old === 0) {
    return `adds ${lines(fresh)}`;
  }
  return fresh === 0 ? `removes ${lines(old)}` : `replaces ${lines(old)} by ${fresh}`;
}

function lineCount(text: string): number {
  return text === '' ? 0 : text.replace(/\r\n?/g, '\n').replace(/\n$/, '').split('\n').length;
}

function lines(count: number): string {
  return `${count} line${count === 1 ? '' : 's'}`;
}

/** Where at least so much of a change stays, its words are marked; where less does, marks would cover all of it. */
const ALIKE = 0.5;

/** The words that a change takes out and brings in, where few enough of them do. */
export function markedWords(hunk: Hunk): Changed | undefined {
  if (hunk.creates || hunk.oldText === '' || hunk.newText === '') {
    return undefined;
  }
  const changed = changedWords(hunk.oldText, hunk.newText);
  return changed.alike >= ALIKE ? changed : undefined;
}

/** The text of the thread, as Markdown. `language` is the editor's id of the document's language. */
export function body(hunk: Hunk, language: string): string {
  const fresh = bare(hunk.newText);
  if (fresh === '') {
    return '*The lines above go; nothing takes their place.*';
  }
  const changed = markedWords(hunk);
  return changed === undefined || changed.new.length === 0 ? fenced(visible(fresh), language) : codeHtml(hunk.newText, changed.new, language);
}

/** Without the blank lines at either edge, which a block would show as a gap. */
function bare(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/\n+$/, '').replace(/^\n+/, '');
}

/** A block that ends only where it should: its fence is longer than any run of backticks in the text. */
export function fenced(text: string, language: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}
