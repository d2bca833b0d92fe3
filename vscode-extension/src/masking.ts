// Keeps texts that must not be seen out of a log. Pure: no editor in it.

export class Masking {
  private readonly secrets = new Set<string>();

  /** From now on `secret` is replaced wherever it would be written. */
  add(secret: string): void {
    if (secret !== '') {
      this.secrets.add(secret);
      this.secrets.add(JSON.stringify(secret).slice(1, -1)); // as it stands in a message that is logged as JSON
    }
  }

  mask(text: string): string {
    return [...this.secrets].reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
  }

  /** `log` with every string that is handed to it masked; other values are passed on as they are. */
  over<T extends object>(log: T): T {
    // Not a proxy of `log` itself: the editor may have frozen it, and a frozen member cannot be replaced by a masked one.
    return new Proxy({} as T, {
      get: (_, name) => {
        const member: unknown = Reflect.get(log, name);
        if (typeof member !== 'function') {
          return member;
        }
        return (...given: unknown[]): unknown =>
          member.apply(log, given.map((value) => (typeof value === 'string' ? this.mask(value) : value)));
      },
    });
  }
}
