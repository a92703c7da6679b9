/** A fenced block of a Markdown text. */
export interface CodeBlock {
  /** Of its first line of code, from 1. */
  readonly line: number;
  readonly code: string;
}

/** The blocks that are fenced with exactly this word: "```ts" but not "```ts fragment". */
export function codeBlocks(markdown: string, language: string): CodeBlock[] {
  const fenced = new RegExp(`^\`\`\`${language} *\\n(.*?)^\`\`\``, "gms");
  return [...markdown.matchAll(fenced)].map(({ 1: code = "", index }) => ({
    line: markdown.slice(0, index).split("\n").length + 1,
    code,
  }));
}
