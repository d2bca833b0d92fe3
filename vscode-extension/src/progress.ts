// Shows the server's cancellable progress as a notification with a Cancel button.
//
// The client library on its own shows it as a silent entry in the status bar, with Cancel two clicks away:
// too far for something that spends money.

import * as vscode from 'vscode';
import {
  WorkDoneProgressCancelNotification,
  type Middleware,
  type ProgressToken,
} from 'vscode-languageclient/node';

interface Shown {
  report(message: string): void;
  close(): void;
}

type Handler = NonNullable<Middleware['handleWorkDoneProgress']>;

export class ProgressNotifications {
  private readonly shown = new Map<ProgressToken, Shown>();

  constructor(private readonly send: (type: typeof WorkDoneProgressCancelNotification.type, params: { token: ProgressToken }) => void) {}

  readonly handle: Handler = (token, params, next) => {
    switch (params.kind) {
      case 'begin':
        if (params.cancellable !== true) {
          next(token, params);
          return;
        }
        this.open(token, params.title, params.message);
        return;
      case 'report': {
        const shown = this.shown.get(token);
        if (shown === undefined) {
          next(token, params);
        } else if (params.message !== undefined) {
          shown.report(params.message);
        }
        return;
      }
      case 'end':
        this.close(token);
        next(token, params); // the library's own bookkeeping of the token ends here too
        return;
    }
  };

  /** Closes all: a server that is gone sends no end. */
  clear(): void {
    for (const token of [...this.shown.keys()]) {
      this.close(token);
    }
  }

  private open(token: ProgressToken, title: string, message: string | undefined): void {
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    void vscode.window.withProgress(
      options,
      (progress, cancellation) =>
        new Promise<void>((resolve) => {
          const listener = cancellation.onCancellationRequested(() => {
            this.send(WorkDoneProgressCancelNotification.type, { token });
          });
          this.shown.set(token, {
            report: (text) => progress.report({ message: text }),
            close: () => {
              listener.dispose();
              resolve();
            },
          });
          if (message !== undefined) {
            progress.report({ message });
          }
        }),
    );
  }

  private close(token: ProgressToken): void {
    this.shown.get(token)?.close();
    this.shown.delete(token);
  }
}
