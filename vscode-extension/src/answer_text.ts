// Lays one streamed answer of a model out as Markdown with its code in blocks, piece by piece. Pure: no editor in it.
//
// Edit blocks come as "<<<<<<< SEARCH", old lines, "=======", new lines, ">>>>>>> REPLACE" (docs/replies.md). Shown as they
// are they look like a merge that failed, so a person sees what goes and what comes instead.

import { languageOfPath } from './languages';

type Mode = 'prose' | 'fence' | 'old' | 'new' | 'json';

export class AnswerText {
  private mode: Mode = 'prose';
  private line = '';
  /** How much of the line was given out already, because it can be no row of an edit block. */
  private given = 0;
  private language = 'plaintext';
  private empty = true;
  /** Inside a fence around edit blocks, which is not shown: each half of a block has its own. */
  private wrapped = false;
  /** Whether the edit block at hand takes lines out. */
  private hasOld = false;

  /** What to show for a further piece of the answer. */
  feed(delta: string): string {
    let text = '';
    for (const part of delta.split(/(\n)/)) {
      if (part === '\n') {
        text += this.given > 0 ? `${this.line.slice(this.given)}\n` : this.whole(this.line);
        this.note(this.line);
        this.line = '';
        this.given = 0;
      } else if (part !== '') {
        this.line += part;
        text += this.early();
      }
    }
    return text;
  }

  /** What is missing at the end of the answer: the last line, and the end of an open block. */
  end(): string {
    const begun = this.line !== '';
    const rest = this.given > 0 ? this.line.slice(this.given) : begun ? this.whole(this.line).replace(/\n$/, '') : '';
    this.line = '';
    const open = this.mode === 'old' || this.mode === 'new' || this.mode === 'json';
    this.mode = 'prose';
    return rest + (open ? `${begun ? '\n' : ''}${FENCE}` : '');
  }

  /** The part of an unfinished line that may be shown already. */
  private early(): string {
    const opens = this.mode === 'old' && !this.hasOld;
    if (this.given === 0 && (this.empty || opens || MAY_BE_A_ROW.test(this.line))) {
      return '';
    }
    const text = this.line.slice(this.given);
    this.given = this.line.length;
    return text;
  }

  private whole(line: string): string {
    const row = line.trimEnd();
    if (row !== '' && this.empty) {
      this.empty = false;
      if (/^[{[]/.test(row)) {
        this.mode = 'json';
        return `${FENCE}json\n${line}\n`;
      }
    }
    if (this.mode === 'json') {
      return `${line}\n`;
    }
    return this.row(row) ?? this.plain(line);
  }

  /** What a row of an edit block is shown as; undefined where the line is none. */
  private row(row: string): string | undefined {
    if ((this.mode === 'prose' || this.mode === 'fence') && /^<{5,9} ?SEARCH$/.test(row)) {
      this.wrapped = this.wrapped || this.mode === 'fence';
      const close = this.mode === 'fence' ? `${FENCE}\n` : '';
      this.mode = 'old';
      this.hasOld = false;
      return `${close}\n`;
    }
    if (this.mode === 'old' && /^={5,9}$/.test(row)) {
      this.mode = 'new';
      const before = this.hasOld ? `${FENCE}\nthis comes:\n` : 'this is new:\n';
      return `${before}${FENCE}${this.language}\n`;
    }
    if (this.mode === 'new' && /^>{5,9} ?REPLACE$/.test(row)) {
      this.mode = 'prose';
      return `${FENCE}\n`;
    }
    return this.mode === 'prose' && row === 'END OF EDITS' ? '' : undefined;
  }

  private plain(line: string): string {
    if (this.mode === 'old' && !this.hasOld) {
      this.hasOld = true;
      return `this goes:\n${FENCE}${this.language}\n${line}\n`;
    }
    const isFence = line.startsWith(FENCE);
    if (isFence && this.wrapped && this.mode === 'prose') {
      this.wrapped = false;
      return '';
    }
    if (isFence && (this.mode === 'prose' || this.mode === 'fence')) {
      this.mode = this.mode === 'prose' ? 'fence' : 'prose';
    }
    return `${line}\n`;
  }

  /** A line outside of code may name the file that the next block is about. */
  private note(line: string): void {
    const path = this.mode === 'prose' || this.mode === 'fence' ? /[\w./-]+\.\w+/.exec(line)?.[0] : undefined;
    this.language = path === undefined ? this.language : languageOfPath(path);
  }
}

const FENCE = '```';
/** How a row of an edit block, a fence, or the last line of an answer may begin. */
const MAY_BE_A_ROW = /^(?:[<=>`]|E(?:$|N(?:$|D(?:$| ))))/;
