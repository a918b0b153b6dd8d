// A secret that is stored: the form cannot show it, so it holds only what becomes of it.

export interface SecretValue {
  /** What was typed; empty while the stored one stays. */
  typed: string;
  /** The stored one is to be taken away. */
  gone: boolean;
}

export const UNCHANGED: SecretValue = { typed: "", gone: false };

/** What to send: undefined leaves the stored one as it is. */
export function changedSecret({ typed, gone }: SecretValue): string | undefined {
  if (typed !== "") return typed;
  return gone ? "" : undefined;
}
