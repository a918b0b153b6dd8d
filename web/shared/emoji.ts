const ONE =
  /(?:\p{RI}\p{RI}|[0-9#*]\uFE0F?\u20E3|\p{Extended_Pictographic}\p{EMod}?\uFE0F?(?:\u200D\p{Extended_Pictographic}\p{EMod}?\uFE0F?)*)/u;
const ONLY = new RegExp(`^(?:${ONE.source}\\s*){1,3}$`, "u");

/** One to three emoji and nothing else: shown bigger. */
export const isEmojiOnly = (text: string): boolean => text.length < 64 && ONLY.test(text.trim());
