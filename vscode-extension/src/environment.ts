// The private environment of the server: which programs make it, in which order. Pure: no editor in it.

import { locate, type Machine } from './launch';

/** What the extension brings along: a wheel of the server, and the versions and hashes of all that it needs. */
export interface Bundled {
  wheel: string;
  requirements: string;
}

export interface Step {
  title: string;
  command: string;
  args: string[];
}

/** The oldest Python that runs the server. */
export const PYTHON = '3.11';
const PYTHONS = ['python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3', 'python'];
/** Exits with 0 where the interpreter is new enough and can make environments. */
const PROBE = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))';

/** uv where it is there, else the first Python that can do it; undefined: neither. */
export async function chooseTool(machine: Machine): Promise<{ kind: 'uv' | 'python'; program: string } | undefined> {
  const uv = locate('uv', machine);
  if (uv !== undefined) {
    return { kind: 'uv', program: uv };
  }
  for (const name of PYTHONS) {
    const program = locate(name, machine);
    if (program !== undefined && (await machine.succeeds(program, ['-I', '-c', PROBE]))) {
      return { kind: 'python', program };
    }
  }
  return undefined;
}

/** `folder`: where the environment will be. Each package is taken by its hash; the server itself from the extension. */
export function steps(
  tool: { kind: 'uv' | 'python'; program: string },
  folder: string,
  bundled: Bundled,
  platform: NodeJS.Platform,
): Step[] {
  const python = programIn(folder, 'python', platform);
  const locked = ['--require-hashes', '-r', bundled.requirements];
  const own = ['--no-deps', bundled.wheel];
  if (tool.kind === 'uv') {
    return [
      { title: 'Making an environment', command: tool.program, args: ['venv', '--python', `>=${PYTHON}`, folder] },
      { title: 'Fetching what the server needs', command: tool.program, args: ['pip', 'install', '--python', python, ...locked] },
      { title: 'Installing the server', command: tool.program, args: ['pip', 'install', '--python', python, ...own] },
    ];
  }
  const pip = ['-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input'];
  return [
    { title: 'Making an environment', command: tool.program, args: ['-I', '-m', 'venv', folder] },
    { title: 'Fetching what the server needs', command: python, args: [...pip, ...locked] },
    { title: 'Installing the server', command: python, args: [...pip, ...own] },
  ];
}

/** The path of a program of an environment. */
export function programIn(folder: string, name: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? `${folder}\\Scripts\\${name}.exe` : `${folder}/bin/${name}`;
}
