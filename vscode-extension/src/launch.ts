// Decides which program is the server. Pure: what it asks of the machine comes in as a Machine, so tests need no editor.

export interface Machine {
  platform: NodeJS.Platform;
  /** The PATH variable. */
  path: string;
  isExecutable(file: string): boolean;
  /** True where the program ends with 0. It is run outside the workspace. */
  succeeds(program: string, args: string[]): Promise<boolean>;
}

export interface Wish {
  /** The setting `ralph.server.command`. */
  command: readonly string[];
  /** True where the person set it, rather than left the default. */
  explicit: boolean;
  /** The server that "Install ralphd" made, where it did. */
  own?: string;
  /** The active Python interpreter, where there is one that may be run: none in an untrusted workspace. */
  interpreter: string | undefined;
}

export type Launch =
  | { kind: 'found'; command: string; args: string[] }
  | { kind: 'missing'; why: string };

export async function chooseLaunch(wish: Wish, machine: Machine): Promise<Launch> {
  const [program, ...args] = wish.command;
  if (program === undefined || program === '') {
    return { kind: 'missing', why: 'The setting "ralph.server.command" is empty.' };
  }
  if (!wish.explicit && wish.own !== undefined && machine.isExecutable(wish.own)) {
    return { kind: 'found', command: wish.own, args: [] };
  }
  const file = locate(program, machine);
  if (file !== undefined) {
    return { kind: 'found', command: file, args };
  }
  if (wish.explicit) {
    return { kind: 'missing', why: `The program "${program}" of the setting "ralph.server.command" cannot be found.` };
  }
  if (wish.interpreter !== undefined && (await machine.succeeds(wish.interpreter, [...HAS_SERVER]))) {
    return { kind: 'found', command: wish.interpreter, args: [...MODULE] };
  }
  return { kind: 'missing', why: `The server "${program}" is not installed, or not on PATH.` };
}

/** -P keeps the working folder off the import path: a `ralphd` folder in a repository must not be what runs. */
const MODULE = ['-P', '-m', 'ralphd'] as const;
const HAS_SERVER = ['-P', '-c', 'import importlib.util, sys; sys.exit(importlib.util.find_spec("ralphd") is None)'] as const;

// Never left to the operating system: Windows looks in the working folder first, and that is the repository.
export function locate(program: string, machine: Machine): string | undefined {
  const windows = machine.platform === 'win32';
  if (isAbsolute(program, windows)) {
    return machine.isExecutable(program) ? program : undefined;
  }
  if (/[/\\]/.test(program)) {
    return undefined; // relative to what? a path has to be absolute
  }
  const names = windows && !/\.(exe|cmd|bat)$/i.test(program) ? [`${program}.exe`] : [program];
  for (const folder of machine.path.split(windows ? ';' : ':')) {
    if (!isAbsolute(folder, windows)) {
      continue;
    }
    for (const name of names) {
      const file = `${folder.replace(/[/\\]+$/, '')}${windows ? '\\' : '/'}${name}`;
      if (machine.isExecutable(file)) {
        return file;
      }
    }
  }
  return undefined;
}

function isAbsolute(file: string, windows: boolean): boolean {
  return windows ? /^([a-z]:[/\\]|\\\\)/i.test(file) : file.startsWith('/');
}
