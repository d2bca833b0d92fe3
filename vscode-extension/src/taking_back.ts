// Puts back all that was accepted of the latest review, whatever was edited elsewhere since: one step of undo. What was edited
// in those lines themselves stays, and then nothing is put back. The changes wait again afterwards.

import * as vscode from 'vscode';
import type { Reviews } from './reviews';

export async function takeBack(reviews: Reviews): Promise<void> {
  const taken = reviews.taken;
  const edit = new vscode.WorkspaceEdit();
  for (const { hunk, number } of taken.filter(({ hunk }) => !hunk.creates)) {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(hunk.uri));
    const { start, end } = hunk.range;
    const range = new vscode.Range(start.line, start.character, end.line, end.character);
    if (plain(document.getText(range)) !== plain(hunk.newText)) {
      const name = vscode.workspace.asRelativePath(document.uri);
      await vscode.window.showWarningMessage(`Ralph: change ${number} in ${name} was edited since, so nothing was taken back.`);
      return;
    }
    edit.replace(document.uri, range, hunk.oldText);
  }
  if (edit.size > 0 && !(await vscode.workspace.applyEdit(edit))) {
    await vscode.window.showWarningMessage('Ralph: the editor did not take the changes back.');
    return;
  }
  const made = taken.filter(({ hunk }) => hunk.creates).map(({ hunk }) => vscode.workspace.asRelativePath(vscode.Uri.parse(hunk.uri)));
  if (taken.length === 0) {
    await vscode.window.showInformationMessage('Ralph: nothing was accepted that could be taken back.');
  } else if (made.length > 0) {
    await vscode.window.showInformationMessage(`Ralph: ${made.join(', ')}: new, so it stays; delete it yourself.`);
  }
}

/** Line ends are the document's own. */
function plain(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}
