// Keeps what the status item says about runs, from the server's events. Pure: no editor in it.

import type { Outcome, RalphEvent, RunResult } from './protocol';

interface Live {
  phase: string | undefined;
  iteration: number | undefined;
  of: number | undefined;
  usd: number | null | undefined;
  tokens: number | undefined;
}

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
  private last: RunResult | undefined;
  private spentUsd: number | undefined;
  private anyUnpriced = false;

  get running(): boolean {
    return this.live.size > 0;
  }

  onEvent(event: RalphEvent): void {
    // Events keep coming for a review after its run; such a run is not live again.
    if (event.runId === null || event.runId === this.last?.runId) {
      return;
    }
    const run = this.run(event.runId);
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

  onEnded(result: RunResult): void {
    this.live.delete(result.runId);
    this.last = result;
    const usd = result.cost?.usd;
    if (typeof usd === 'number') {
      this.spentUsd = (this.spentUsd ?? 0) + usd;
    } else if (usd === null) {
      this.anyUnpriced = true;
    }
  }

  /** The server is gone, and its runs with it. */
  clear(): void {
    this.live.clear();
  }

  /** The status item's text, with the editor's icon names. */
  text(): string {
    const [run] = this.live.values();
    if (run !== undefined) {
      const more = this.live.size > 1 ? ` +${this.live.size - 1}` : '';
      return [`$(sync~spin) Ralph${more}`, phaseText(run), money(run.usd)].filter((part) => part !== '').join(' · ');
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

/** Nothing where the figure is unknown: an unknown price is never zero. */
export function money(usd: number | null | undefined): string {
  if (typeof usd !== 'number') {
    return '';
  }
  return usd >= 1 ? `$${usd.toFixed(2)}` : `$${usd.toFixed(3)}`;
}
