// The side bar "Ralph": the changes that wait, by file, with their proof; the runs of this session with what they cost;
// and the findings that were dismissed for good.

import * as vscode from 'vscode';
import { label, proofWords, verb } from './hunk_text';
import { keyOf, type Change, type Review, type Reviews } from './reviews';
import { money, severityOf, type Ended, type Runs, type Started } from './runs';

interface FileRow {
  kind: 'file';
  uri: vscode.Uri;
  review: Review;
}
/** `key` names the change to the commands of the row's buttons. */
interface ChangeRow {
  kind: 'change';
  key: string;
  change: Change;
}

export class ChangesTree implements vscode.TreeDataProvider<FileRow | ChangeRow>, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.emitter.event;
  private readonly view: vscode.TreeView<FileRow | ChangeRow>;

  constructor(private readonly reviews: Reviews) {
    this.view = vscode.window.createTreeView('ralph.changes', { treeDataProvider: this });
  }

  refresh(): void {
    const waiting = this.reviews.pending().length;
    this.view.badge = waiting === 0 ? undefined : { value: waiting, tooltip: `${waiting} changes wait for you` };
    this.emitter.fire(undefined);
  }

  getChildren(row?: FileRow | ChangeRow): (FileRow | ChangeRow)[] {
    if (row === undefined) {
      return this.reviews.all.flatMap((review) =>
        [...new Set(review.hunks.map((hunk) => hunk.uri))].map((uri) => ({ kind: 'file' as const, uri: vscode.Uri.parse(uri), review })),
      );
    }
    if (row.kind === 'change') {
      return [];
    }
    return row.review.hunks.flatMap((hunk, index) => {
      const change = { review: row.review, hunk, number: index + 1 };
      return hunk.uri === row.uri.toString() ? [{ kind: 'change' as const, key: keyOf(change), change }] : [];
    });
  }

  getTreeItem(row: FileRow | ChangeRow): vscode.TreeItem {
    if (row.kind === 'file') {
      const item = new vscode.TreeItem(row.uri, vscode.TreeItemCollapsibleState.Expanded);
      item.description = proofWords(row.review.proof);
      item.tooltip = row.review.proof.sentence;
      item.iconPath = vscode.ThemeIcon.File;
      item.contextValue = 'file';
      return item;
    }
    const { change } = row;
    const { hunk, number, review } = change;
    const item = new vscode.TreeItem(`${number}. ${verb(hunk, vscode.workspace.asRelativePath(vscode.Uri.parse(hunk.uri)))}`);
    item.description = hunk.state === 'pending' ? '' : hunk.state;
    item.tooltip = label(hunk, number, review.hunks.length, review.proof);
    item.iconPath = new vscode.ThemeIcon(ICON[hunk.state]);
    item.contextValue = hunk.state;
    if (hunk.state === 'pending') {
      item.command = { command: 'ralph.show', title: 'Show', arguments: [row] };
    }
    return item;
  }

  dispose(): void {
    this.view.dispose();
    this.emitter.dispose();
  }
}

const ICON = { pending: 'circle-large-outline', accepted: 'check', rejected: 'close', stale: 'warning' } as const;

/** A run that is at work has a text; one that ended, its result. */
type RunRow = { kind: 'working'; runId: string; text: string; started: Started | undefined } | { kind: 'ended'; runId: string; ended: Ended };

export class RunsTree implements vscode.TreeDataProvider<RunRow>, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.emitter.event;
  private readonly view: vscode.TreeView<RunRow>;

  constructor(private readonly runs: Runs) {
    this.view = vscode.window.createTreeView('ralph.runs', { treeDataProvider: this });
  }

  refresh(): void {
    this.emitter.fire(undefined);
  }

  getChildren(row?: RunRow): RunRow[] {
    if (row !== undefined) {
      return [];
    }
    return [...this.runs.working.map((run) => ({ kind: 'working' as const, ...run })), ...this.runs.ended.map((ended) => ({ kind: 'ended' as const, runId: ended.result.runId, ended }))];
  }

  getTreeItem(row: RunRow): vscode.TreeItem {
    if (row.kind === 'working') {
      const item = new vscode.TreeItem(`${row.started?.command.split('.').at(-1) ?? 'a run'}${onDocument(row.started)}`);
      item.description = row.text;
      item.iconPath = new vscode.ThemeIcon('sync~spin');
      item.contextValue = 'working';
      return item;
    }
    const { result, started, lost } = row.ended;
    const item = new vscode.TreeItem(`${result.command}${onDocument(started)}`);
    const cost = result.cost === null || result.cost === undefined ? '' : money(result.cost.usd) || 'price unknown';
    item.description = [lost ? 'lost' : result.outcome.replaceAll('_', ' '), cost].filter((part) => part !== '').join(' · ');
    item.tooltip = result.reason;
    const severity = lost ? 'warning' : severityOf(result.outcome);
    item.iconPath = new vscode.ThemeIcon({ none: 'circle-slash', info: 'check', warning: 'warning', error: 'error' }[severity]);
    item.contextValue = 'ended';
    return item;
  }

  dispose(): void {
    this.view.dispose();
    this.emitter.dispose();
  }
}

/** " slug.py": the document that a run was asked for, where that is known. */
function onDocument(started: Started | undefined): string {
  const uri = started?.argument['uri'];
  return typeof uri === 'string' ? ` ${vscode.workspace.asRelativePath(vscode.Uri.parse(uri))}` : '';
}

/** A finding that the person put away for good, as the server lists it. */
export interface Dismissal {
  fingerprint: string;
  text: string;
}

/** Asks the server each time the view comes into sight or a finding is put away: another window may have done so too. */
export class DismissedTree implements vscode.TreeDataProvider<Dismissal>, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.emitter.event;
  private readonly view: vscode.TreeView<Dismissal>;
  private readonly subscription: vscode.Disposable;

  /** `list` answers with nothing while no server runs. */
  constructor(private readonly list: () => Promise<Dismissal[]>) {
    this.view = vscode.window.createTreeView('ralph.dismissed', { treeDataProvider: this });
    this.subscription = this.view.onDidChangeVisibility(() => this.refresh());
  }

  refresh(): void {
    this.emitter.fire(undefined);
  }

  async getChildren(row?: Dismissal): Promise<Dismissal[]> {
    return row === undefined && this.view.visible ? this.list() : [];
  }

  getTreeItem(row: Dismissal): vscode.TreeItem {
    const item = new vscode.TreeItem(row.text);
    item.tooltip = row.text;
    item.iconPath = new vscode.ThemeIcon('eye-closed');
    item.contextValue = 'dismissed';
    return item;
  }

  dispose(): void {
    this.subscription.dispose();
    this.view.dispose();
    this.emitter.dispose();
  }
}
