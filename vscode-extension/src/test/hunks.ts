// Changes as the server tells them, for the tests.

import type { Hunk, Proof } from '../protocol';

let next = 1;

export function hunk(from: [number, number], to: [number, number], newText: string, more: Partial<Hunk> = {}): Hunk {
  return {
    hunkId: `h${next++}`,
    uri: 'file:///a.py',
    range: { start: { line: from[0], character: from[1] }, end: { line: to[0], character: to[1] } },
    newText,
    oldText: 'old\n',
    state: 'pending',
    outsideTarget: false,
    creates: false,
    ...more,
  };
}

export const VERIFIED: Proof = { state: 'verified', sentence: 'The tests passed with all of these changes.', evidence: '4 tests passed' };
