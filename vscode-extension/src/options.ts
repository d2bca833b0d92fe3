// Turns the editor's settings into what the server is told: only what somebody set, split by who could have set it.

/** One setting as package.json declares it. */
export interface Declared {
  scope?: string;
}

/** What the editor knows of one setting; a subset of vscode's `inspect()`. */
export interface Values {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

export interface ServerOptions {
  /** May come from a workspace file, so the server believes it no more than the repository. */
  settings: Record<string, unknown>;
  /** Set where no workspace can: settings of machine scope. */
  userSettings: Record<string, unknown>;
}

const PREFIX = 'ralph.';

/** The extension's own business; the server refuses keys that it does not know. */
const CLIENT_ONLY: ReadonlySet<string> = new Set(['ralph.server.command', 'ralph.trace.server']);

export function isUserOnly(declared: Declared): boolean {
  return declared.scope === 'machine' || declared.scope === 'application';
}

/**
 * Reads each declared setting by its id.
 *
 * An empty text, like null, is unset: the settings page has no other way to say that. Defaults are left out: the server has its own, and a default that arrived as a value would hide
 * what `ralph.config.yaml` says.
 */
export function serverOptions(
  declared: Readonly<Record<string, Declared>>,
  inspect: (id: string) => Values | undefined,
): ServerOptions {
  const options: ServerOptions = { settings: {}, userSettings: {} };
  // "ralph.models" and "ralph.models.artisan" may both be set: the wider first, so that the narrower one wins.
  const byDepth = Object.entries(declared).sort(([a], [b]) => a.split('.').length - b.split('.').length);
  for (const [id, declaration] of byDepth) {
    if (!id.startsWith(PREFIX) || CLIENT_ONLY.has(id)) {
      continue;
    }
    const values = inspect(id);
    if (values === undefined) {
      continue;
    }
    const userOnly = isUserOnly(declaration);
    const value = userOnly
      ? values.globalValue
      : (values.workspaceFolderValue ?? values.workspaceValue ?? values.globalValue);
    if (value !== undefined && value !== null && value !== '') {
      place(userOnly ? options.userSettings : options.settings, id.slice(PREFIX.length).split('.'), value);
    }
  }
  return options;
}

function place(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = target;
  for (const step of path.slice(0, -1)) {
    const next = node[step];
    if (isObject(next)) {
      node = next;
    } else {
      const made: Record<string, unknown> = {};
      node[step] = made;
      node = made;
    }
  }
  const last = path[path.length - 1];
  if (last !== undefined) {
    node[last] = structuredClone(value); // a copy: what is placed inside it later is not the editor's to keep
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
