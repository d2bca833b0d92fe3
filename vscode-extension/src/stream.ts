// Lays the streamed pieces of model answers out as one readable log. Pure: no editor in it.

import { AnswerText } from './answer_text';
import type { StreamParams } from './protocol';

export class StreamLog {
  private answer = '';
  private attempt = 0;
  private text: AnswerText | undefined;

  /** What to append to the log for one piece. */
  feed(piece: StreamParams): string {
    const answer = `${piece.runId} ${piece.phase} ${piece.iteration}`;
    if (this.text !== undefined && answer === this.answer && piece.attempt === this.attempt) {
      return this.text.feed(piece.delta);
    }
    const again = answer === this.answer;
    const last = this.text === undefined ? '' : `${this.text.end()}\n\n`;
    this.answer = answer;
    this.attempt = piece.attempt;
    this.text = new AnswerText();
    const role = piece.phase.charAt(0).toUpperCase() + piece.phase.slice(1);
    const thrown = again ? ' (the answer above was thrown away)' : '';
    return `${last}## ${role} · iteration ${piece.iteration} · attempt ${piece.attempt}${thrown}\n\n${this.text.feed(piece.delta)}`;
  }
}
