import { memo, type ReactNode } from "react";

const ADDRESS = /\bhttps?:\/\/[^\s<>"']+/g;

/** Text as it was written, with its web addresses as links. */
export const Prose = memo(function Prose({ text }: { text: string }) {
  const parts: ReactNode[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    // A sentence may end right behind an address.
    const address = match[0].replace(/[.,;:!?)\]]+$/, "");
    parts.push(text.slice(from, match.index));
    parts.push(
      <a key={match.index} href={address} target="_blank" rel="noopener noreferrer">
        {address}
      </a>,
    );
    from = match.index + address.length;
  }
  parts.push(text.slice(from));
  return <>{parts}</>;
});
