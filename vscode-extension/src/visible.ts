// Makes what a text hides visible: what a model wrote must not look like other code than it is. Pure: no editor in it.
//
// The server does so with every text that a person sees, except those that are edits; those are drawn here.

/** Controls, text direction, zero width, tags, half characters, separators, selectors, and letters that show nothing. */
const HIDING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/gu;
const ORDINARY = new Set('\t\n\r\f');
/** The joints and selectors of pictures, behind a symbol. */
const IN_PICTURES = new Set('\u200d\ufe0e\ufe0f');

/** The text with each hidden character as source code writes its number, such as \u202e; line ends and tabs stay. */
export function visible(text: string): string {
  return text.replace(HIDING, (char, at: number) => {
    const before = text.slice(Math.max(0, at - 2), at);
    return ORDINARY.has(char) || (IN_PICTURES.has(char) && /[\p{S}\ufe0f]$/u.test(before)) ? char : number(char);
  });
}

function number(char: string): string {
  const hex = (char.codePointAt(0) ?? 0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
