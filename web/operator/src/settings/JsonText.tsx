import { useMemo } from "react";

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

interface Piece {
  at: number;
  text: string;
  kind: "" | "key" | "string" | "value";
}

function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > from) found.push({ at: from, text: text.slice(from, match.index), kind: "" });
    const [whole, quoted, colon] = match;
    if (quoted && colon) {
      found.push({ at: match.index, text: quoted, kind: "key" });
      found.push({ at: match.index + quoted.length, text: colon, kind: "" });
    } else {
      found.push({ at: match.index, text: whole, kind: quoted ? "string" : "value" });
    }
    from = match.index + whole.length;
  }
  found.push({ at: from, text: text.slice(from), kind: "" });
  return found;
}

/** JSON laid out and lightly coloured; anything else as it came. */
export function JsonText({ text, label }: { text: string; label: string }) {
  const shown = useMemo(() => {
    try {
      return pieces(JSON.stringify(JSON.parse(text), null, 2));
    } catch {
      return null;
    }
  }, [text]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: wide text scrolls and must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls
    <pre className="json" tabIndex={0} role="group" aria-label={label}>
      {shown
        ? shown.map((piece) =>
            piece.kind ? (
              <span key={piece.at} className={`json-${piece.kind}`}>
                {piece.text}
              </span>
            ) : (
              piece.text
            ),
          )
        : text}
    </pre>
  );
}
