// Lays the streamed pieces of model answers out as one readable log. Pure: no editor in it.

import type { StreamParams } from './protocol';

export class StreamLog {
  private answer = '';
  private attempt = 0;

  /** What to append to the log for one piece. */
  feed(piece: StreamParams): string {
    const answer = `${piece.runId} ${piece.phase} ${piece.iteration}`;
    if (answer === this.answer && piece.attempt === this.attempt) {
      return piece.delta;
    }
    const again = answer === this.answer;
    const gap = this.answer === '' ? '' : '\n\n';
    this.answer = answer;
    this.attempt = piece.attempt;
    const title = again
      ? `${piece.phase}, iteration ${piece.iteration}, attempt ${piece.attempt}: the answer above was thrown away`
      : `${piece.phase}, iteration ${piece.iteration}`;
    return `${gap}── ${title} ──\n${piece.delta}`;
  }
}
