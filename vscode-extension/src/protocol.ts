// The names and shapes that ralphd adds to LSP, as docs/protocol.md lists them; knows neither the editor nor the client.

export interface Position {
  line: number;
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

export type HunkState = 'pending' | 'accepted' | 'rejected' | 'stale';

export interface Hunk {
  hunkId: string;
  uri: string;
  range: Range;
  newText: string;
  oldText: string;
  state: HunkState;
  /** It changes other code than was asked for. */
  outsideTarget: boolean;
  /** It makes a new file; its range is empty then. */
  creates: boolean;
}

/** What the changes of a review are verified by, as the text is now. */
export interface Proof {
  state: 'verified' | 'reproduces' | 'unverified' | 'pending' | 'broken' | 'stale';
  /** One sentence for a person. */
  sentence: string;
  /** What the tests showed, in a few words; empty where nothing is known. */
  evidence: string;
  /** What mends a set of changes that does not hold on its own. */
  action?: Action | null;
}

export interface Cost {
  /** Null where a used model has no known price. */
  usd: number | null;
}

export interface Usage {
  totalTokens: number;
  calls: number;
}

interface EventOf<T extends string> {
  runId: string | null;
  seq: number;
  type: T;
}

/** The events that the extension shows. The server sends more; they are passed over. */
export type RalphEvent =
  | (EventOf<'phaseStarted'> & { phase: string; iteration: number })
  | (EventOf<'phaseEnded'> & { phase: string; iteration: number })
  | (EventOf<'iterationStarted'> & { iteration: number; of: number })
  | (EventOf<'fallback'> & { role: string; from: string; to: string; why: string })
  | (EventOf<'retry'> & { role: string; model: string; attempt: number; waitMs: number; why: string })
  /** No cost where the configuration hides the figures. */
  | (EventOf<'costChanged'> & { cost: Cost | null; usage: Usage })
  | (EventOf<'hunksChanged'> & { reviewId: string; hunks: Hunk[]; proof: Proof; home: string });

export interface StreamParams {
  runId: string;
  phase: string;
  iteration: number;
  attempt: number;
  seq: number;
  delta: string;
}

export type Outcome =
  | 'proposed'
  | 'proposed_unverified'
  | 'proposed_suspect'
  | 'proposed_failing'
  | 'reviewed'
  | 'tests_proposed'
  | 'no_change'
  | 'stuck'
  | 'iteration_limit'
  | 'budget_exceeded'
  | 'cancelled'
  | 'stale'
  | 'untrusted'
  | 'misconfigured'
  | 'provider_failed'
  | 'internal_error';

/** What a person can do about an ending: a command of the server. */
export interface Action {
  kind: string;
  title: string;
  command: string;
  arguments: unknown[];
}

/** What the person decided, or what the workspace asks for. */
export interface Consent {
  digest: string;
  state: 'always' | 'never' | 'asked';
  text: string;
}

export interface RunResult {
  runId: string;
  command: string;
  outcome: Outcome;
  /** One sentence for a person. */
  reason: string;
  reviewId: string | null;
  hunks: number;
  findings: number;
  cost?: Cost | null;
  actions?: Action[];
}

export const METHOD = {
  event: 'ralph/event',
  stream: 'ralph/stream',
  runEnded: 'ralph/runEnded',
  setKey: 'ralph/setKey',
} as const;

/** Commands of the server. The language client registers each under its own name, so no command of ours may start so. */
export const SERVER = {
  implement: 'ralph.server.implement',
  critique: 'ralph.server.critique',
  chaosTests: 'ralph.server.chaosTests',
  opinions: 'ralph.server.opinions',
  fix: 'ralph.server.fix',
  dismiss: 'ralph.server.dismiss',
  dismissals: 'ralph.server.dismissals',
  undismiss: 'ralph.server.undismiss',
  accept: 'ralph.server.accept',
  reject: 'ralph.server.reject',
  retry: 'ralph.server.retry',
  cancel: 'ralph.server.cancel',
  showLog: 'ralph.server.showLog',
  showRun: 'ralph.server.showRun',
  showRuns: 'ralph.server.showRuns',
  showWhatWouldBeSent: 'ralph.server.showWhatWouldBeSent',
  doctor: 'ralph.server.doctor',
  fetchModel: 'ralph.server.fetchModel',
  openSetting: 'ralph.server.openSetting',
  consents: 'ralph.server.consents',
  trust: 'ralph.server.trust',
} as const;
