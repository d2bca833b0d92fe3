// Keeps what the status item says about runs, from the server's events. Pure: no editor in it.

import type { Outcome, RalphEvent, RunResult } from './protocol';

/** What was asked of the server when a run began, so that it can be asked again. */
export interface Started {
  command: string;
  argument: Record<string, unknown>;
}

/** A run that ended with its server, which told no result. */
export interface Lost {
  started: Started | undefined;
  usd: number | null | undefined;
}

export interface Ended {
  result: RunResult;
  started: Started | undefined;
  /** It ended with its server; the next server told so. */
  lost: boolean;
}

interface Live {
  phase: string | undefined;
  iteration: number | undefined;
  of: number | undefined;
  usd: number | null | undefined;
  tokens: number | undefined;
}

/** Ended runs that are listed. */
const LISTED = 30;

export type Severity = 'none' | 'info' | 'warning' | 'error';

/** How loudly an outcome is told. "none": the person asked for it. */
export function severityOf(outcome: Outcome): Severity {
  switch (outcome) {
    case 'cancelled':
      return 'none';
    case 'proposed':
    case 'reviewed':
    case 'tests_proposed':
    case 'no_change':
      return 'info';
    case 'misconfigured':
    case 'provider_failed':
    case 'internal_error':
      return 'error';
    default:
      // Also what a newer server may add: a word that this extension does not know is not good news.
      return 'warning';
  }
}

export class Runs {
  private readonly live = new Map<string, Live>();
  private readonly begun = new Map<string, Started>();
  /** The latest first. */
  readonly ended: Ended[] = [];
  private last: RunResult | undefined;
  private lost = false;
  private readonly lostRuns = new Map<string, Started | undefined>();
  private spentUsd: number | undefined;
  private anyUnpriced = false;

  get running(): boolean {
    return this.live.size > 0;
  }

  /** Whether a run began that has not ended, by its id; its document where that is known. */
  get working(): { runId: string; text: string; started: Started | undefined }[] {
    return [...this.live].map(([runId, run]) => ({
      runId,
      text: [phaseText(run), money(run.usd)].filter((part) => part !== '').join(' · '),
      started: this.begun.get(runId),
    }));
  }

  /** The answer to the command that began a run; the run's events may have come before it. */
  onStarted(runId: string, started: Started): void {
    this.begun.set(runId, started);
  }

  onEvent(event: RalphEvent): void {
    // Events keep coming for a review after its run; such a run is not live again.
    if (event.runId === null || event.runId === this.last?.runId) {
      return;
    }
    const run = this.run(event.runId);
    this.lost = false;
    switch (event.type) {
      case 'phaseStarted':
        run.phase = event.phase;
        // Zero is what comes before the first attempt.
        run.iteration = event.iteration > 0 ? event.iteration : run.iteration;
        break;
      case 'iterationStarted':
        run.iteration = event.iteration;
        run.of = event.of;
        break;
      case 'costChanged':
        run.usd = event.cost?.usd;
        run.tokens = event.usage.totalTokens;
        break;
      default:
        break;
    }
  }

  /** Whether the person was told already that the run was lost with its server. */
  wasLost(runId: string): boolean {
    return this.lostRuns.has(runId);
  }

  onEnded(result: RunResult): void {
    this.live.delete(result.runId);
    this.last = result;
    // The next server tells the end of a run that was cut short.
    this.lost = this.wasLost(result.runId);
    const started = this.begun.get(result.runId) ?? this.lostRuns.get(result.runId);
    this.ended.unshift({ result, started, lost: this.lost });
    this.begun.delete(result.runId);
    this.ended.splice(LISTED);
    const usd = result.cost?.usd;
    if (typeof usd === 'number') {
      this.spentUsd = (this.spentUsd ?? 0) + usd;
    } else if (usd === null) {
      this.anyUnpriced = true;
    }
  }

  /** The server is gone, and its runs with it: those that were at work. */
  clear(): Lost[] {
    const lost = [...this.live].map(([runId, { usd }]) => ({ started: this.begun.get(runId), usd }));
    [...this.live.keys()].forEach((runId) => this.lostRuns.set(runId, this.begun.get(runId)));
    this.live.clear();
    this.begun.clear();
    this.lost = this.lost || lost.length > 0;
    return lost;
  }

  /** The status item's text, with the editor's icon names. */
  text(): string {
    const [run] = this.live.values();
    if (run !== undefined) {
      const more = this.live.size > 1 ? ` +${this.live.size - 1}` : '';
      return [`$(sync~spin) Ralph${more}`, phaseText(run), money(run.usd)].filter((part) => part !== '').join(' · ');
    }
    if (this.lost) {
      return '$(warning) Ralph · run lost'; // and not how an older run ended
    }
    if (this.last === undefined) {
      return '$(wand) Ralph';
    }
    return [`${ICON[severityOf(this.last.outcome)]} Ralph`, money(this.last.cost?.usd)]
      .filter((part) => part !== '')
      .join(' · ');
  }

  tooltip(): string {
    const lines: string[] = [];
    for (const run of this.live.values()) {
      const tokens = run.tokens === undefined ? '' : `${run.tokens} tokens`;
      lines.push(['Running', phaseText(run), tokens, money(run.usd)].filter((part) => part !== '').join(' · '));
    }
    if (this.last !== undefined) {
      lines.push(`Last run: ${this.last.reason}`);
      const spent = [...(this.spentUsd === undefined ? [] : [money(this.spentUsd)]), ...(this.anyUnpriced ? ['calls without a known price'] : [])];
      if (spent.length > 0) {
        lines.push(`Since this window opened: ${spent.join(', and ')}`);
      }
    }
    return lines.length > 0 ? lines.join('\n') : 'Ralph is ready.';
  }

  private run(runId: string): Live {
    let run = this.live.get(runId);
    if (run === undefined) {
      run = { phase: undefined, iteration: undefined, of: undefined, usd: undefined, tokens: undefined };
      this.live.set(runId, run);
    }
    return run;
  }
}

const ICON: Record<Severity, string> = {
  none: '$(wand)',
  info: '$(check)',
  warning: '$(warning)',
  error: '$(error)',
};

function phaseText(run: Live): string {
  const phase = run.phase === undefined ? '' : run.phase.charAt(0).toUpperCase() + run.phase.slice(1);
  if (run.iteration === undefined) {
    return phase;
  }
  return `${phase} ${run.iteration}${run.of === undefined ? '' : `/${run.of}`}`.trim();
}

/** As the server words it. Nothing where the figure is unknown: that is never zero; nor does a small one read as zero. */
export function money(usd: number | null | undefined): string {
  if (typeof usd !== 'number') {
    return '';
  }
  if (usd >= 0.001 || usd === 0) {
    return `$${usd.toFixed(3)}`;
  }
  return usd >= 0.00001 ? `$${usd.toFixed(5)}` : '<$0.00001';
}

/** "The run on slug.py is lost; it had cost $0.013 when it last told." A call that was under way then is not in it. */
export function lostSentence({ started, usd }: Lost): string {
  const uri = started?.argument['uri'];
  const name = typeof uri === 'string' ? decodeURIComponent(uri.slice(uri.lastIndexOf('/') + 1)) : '';
  const cost = money(usd);
  return `The run${name === '' ? '' : ` on ${name}`} is lost; ${cost === '' ? 'what it cost is not known' : `it had cost ${cost} when it last told`}.`;
}
