// Keys of providers that the person typed: kept in the editor's secret storage, handed to each server that starts, and
// masked in every log. They stand in no setting.

import * as vscode from 'vscode';
import { ResponseError, type LanguageClient } from 'vscode-languageclient/node';
import type { Masking } from './masking';
import { METHOD } from './protocol';

/** Names of the providers that have a key; the storage itself cannot be listed in every version of the editor. */
const PROVIDERS = 'ralph.keys';
const OFFERED = ['openai', 'anthropic', 'gemini', 'azure', 'mistral', 'groq', 'deepseek', 'xai', 'openrouter', 'huggingface'];

export class Keys {
  constructor(
    private readonly storage: vscode.SecretStorage,
    private readonly memory: vscode.Memento,
    private readonly masking: Masking,
  ) {}

  /** Asks for a provider and its key, and hands it over; true where a key is set now. An empty key is forgotten. */
  async ask(client: LanguageClient): Promise<boolean> {
    const provider = await this.askProvider();
    if (provider === undefined) {
      return false;
    }
    const key = await vscode.window.showInputBox({
      title: `Ralph: key of ${provider}`,
      prompt: `Kept in the editor's secret storage, sent to ${provider}'s own host only. Leave empty to forget it.`,
      password: true,
      ignoreFocusOut: true,
    });
    if (key === undefined) {
      return false;
    }
    return this.set(client, provider, key.trim());
  }

  /** Hands all keys to a server that has just started: it keeps them in memory, for its session. */
  async handOver(client: LanguageClient): Promise<void> {
    for (const provider of this.providers) {
      const key = await this.storage.get(place(provider));
      if (key !== undefined) {
        this.masking.add(key);
        await client.sendRequest(METHOD.setKey, { provider, key });
      }
    }
  }

  private async set(client: LanguageClient, provider: string, key: string): Promise<boolean> {
    this.masking.add(key);
    try {
      await client.sendRequest(METHOD.setKey, { provider, key });
    } catch (error) {
      if (!(error instanceof ResponseError)) {
        throw error;
      }
      await vscode.window.showErrorMessage(`Ralph: ${this.masking.mask(error.message)}`);
      return false;
    }
    const others = this.providers.filter((one) => one !== provider);
    if (key === '') {
      await this.storage.delete(place(provider));
    } else {
      await this.storage.store(place(provider), key);
    }
    await this.memory.update(PROVIDERS, key === '' ? others : [...others, provider]);
    return key !== '';
  }

  private get providers(): string[] {
    return this.memory.get<string[]>(PROVIDERS, []);
  }

  private async askProvider(): Promise<string | undefined> {
    const set = this.providers;
    const other = 'Another provider…';
    const rows = [...new Set([...set, ...OFFERED])].map((label) => ({ label, description: set.includes(label) ? 'a key is set' : '' }));
    const chosen = await vscode.window.showQuickPick([...rows, { label: other }], { title: 'Ralph: whose key?' });
    if (chosen?.label !== other) {
      return chosen?.label;
    }
    const name = await vscode.window.showInputBox({ title: 'Ralph: whose key?', prompt: 'The name of the provider, as in `mistral/…`.' });
    return name === undefined || name.trim() === '' ? undefined : name.trim().toLowerCase();
  }
}

function place(provider: string): string {
  return `ralph.key.${provider}`;
}
