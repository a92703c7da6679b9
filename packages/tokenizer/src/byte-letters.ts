/** A letter that can be seen for each byte (GPT-2's `bytes_to_unicode`): printable Latin-1 stands for itself. */
const letters: readonly string[] = byteLetters();
const bytes: ReadonlyMap<string, number> = new Map(letters.map((letter, byte) => [letter, byte]));

function byteLetters(): string[] {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(isPrintable ? byte : 256 + others++);
  });
}

/** The UTF-8 bytes of a text as letters. */
export function lettersOf(text: string): string[] {
  return Array.from(new TextEncoder().encode(text), (byte) => letters[byte] ?? "");
}

/** The text that letters stand for; what is no letter stays. */
export function textOfLetters(text: string): string {
  const utf8 = Array.from(text, (letter) => bytes.get(letter) ?? 0);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(utf8));
}
