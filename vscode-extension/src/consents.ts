// Shows what the person agreed to and what the workspace asks for, and decides on it anew.

import * as vscode from 'vscode';
import type { Execute } from './client';
import { SERVER, type Consent } from './protocol';

const IN_WORDS: Record<Consent['state'], string> = { always: 'allowed', never: 'forbidden', asked: 'not decided' };
const ICON: Record<Consent['state'], string> = { always: '$(check)', never: '$(circle-slash)', asked: '$(question)' };
const DECISIONS = [
  { label: 'Allow always', decision: 'always' },
  { label: 'Allow once', decision: 'once' },
  { label: 'Never', decision: 'never' },
  { label: 'Take back: ask again', decision: 'revoke' },
] as const;

export async function decideOnConsents(uri: string | undefined, execute: Execute): Promise<void> {
  const answer = (await execute(SERVER.consents, [uri === undefined ? {} : { uri }])) as { consents: Consent[] } | undefined;
  if (answer === undefined) {
    return;
  }
  if (answer.consents.length === 0) {
    await vscode.window.showInformationMessage('Ralph: nothing was allowed or forbidden so far, and this workspace asks for nothing.');
    return;
  }
  const rows = answer.consents.map((consent) => ({
    label: `${ICON[consent.state]} ${consent.text}`,
    description: IN_WORDS[consent.state],
    consent,
  }));
  const chosen = await vscode.window.showQuickPick(rows, { title: 'Ralph: what may be run and used', matchOnDescription: true });
  if (chosen === undefined) {
    return;
  }
  const { digest, state, text } = chosen.consent;
  const offered = DECISIONS.filter(({ decision }) => decision !== state && (decision !== 'revoke' || state !== 'asked'));
  const decided = await vscode.window.showQuickPick(offered, { title: 'Ralph: decide', placeHolder: text });
  if (decided !== undefined) {
    await execute(SERVER.trust, [{ digest, decision: decided.decision }]);
  }
}
