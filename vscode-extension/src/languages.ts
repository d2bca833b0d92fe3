// The editor's id of a file's language, by the ending of its name. Pure: for files that are not open.

const BY_ENDING: Readonly<Record<string, string>> = {
  c: 'c', cc: 'cpp', cpp: 'cpp', cs: 'csharp', css: 'css', go: 'go', h: 'cpp', html: 'html', java: 'java',
  js: 'javascript', json: 'json', jsx: 'javascriptreact', kt: 'kotlin', md: 'markdown', mjs: 'javascript', php: 'php',
  py: 'python', rb: 'ruby', rs: 'rust', sh: 'shellscript', toml: 'toml', ts: 'typescript', tsx: 'typescriptreact',
  yaml: 'yaml', yml: 'yaml',
};

export function languageOfPath(path: string): string {
  return BY_ENDING[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ''] ?? 'plaintext';
}
