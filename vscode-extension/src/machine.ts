// What launch.ts asks of this machine, answered by the real one: PATH, files, and the Python extension.

import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as vscode from 'vscode';
import type { Machine } from './launch';

const PROBE_TIMEOUT_MS = 5000;

export const realMachine: Machine = {
  platform: process.platform,
  path: process.env['PATH'] ?? '',
  isExecutable(file) {
    try {
      fs.accessSync(file, fs.constants.X_OK);
      return fs.statSync(file).isFile();
    } catch {
      return false;
    }
  },
  succeeds(program, args) {
    return new Promise((resolve) => {
      execFile(program, args, { cwd: os.homedir(), timeout: PROBE_TIMEOUT_MS }, (error) => resolve(error === null));
    });
  },
};

interface PythonApi {
  environments?: { getActiveEnvironmentPath?(): { path?: string } };
}

/** The interpreter chosen in the Python extension; none in an untrusted workspace, which may have brought its own. */
export async function activeInterpreter(): Promise<string | undefined> {
  const python = vscode.extensions.getExtension<PythonApi>('ms-python.python');
  if (!vscode.workspace.isTrusted || python === undefined) {
    return undefined;
  }
  try {
    const api = python.isActive ? python.exports : await python.activate();
    const path = api.environments?.getActiveEnvironmentPath?.().path;
    return path !== undefined && fs.existsSync(path) && fs.statSync(path).isFile() ? path : undefined;
  } catch {
    return undefined; // somebody else's extension failed; ours then says what it looked for
  }
}
