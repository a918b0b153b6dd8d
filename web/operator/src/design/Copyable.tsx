import { useEffect, useState } from "react";
import { Action } from "./Action.tsx";

export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http has no clipboard; a selected text field is what remains.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden-text";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function CopyAction({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = window.setTimeout(() => setCopied(false), 2000);
    return () => window.clearTimeout(timer);
  }, [copied]);
  return (
    <Action
      small
      icon={copied ? "check" : "copy"}
      onPress={() => void copy(text).then((done) => setCopied(done))}
      aria-label={copied ? "Copied" : label}
    >
      {copied ? "Copied" : "Copy"}
    </Action>
  );
}

export function Copyable({ text, label, wrap }: { text: string; label: string; wrap?: boolean }) {
  return (
    <div className="copyable">
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      {/* biome-ignore-start lint/a11y/useSemanticElements: a fieldset is for controls */}
      <pre
        className={wrap ? "copyable-text wrap" : "copyable-text"}
        tabIndex={0}
        role="group"
        aria-label={label}
      >
        {text}
      </pre>
      {/* biome-ignore-end lint/a11y/useSemanticElements: a fieldset is for controls */}
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <CopyAction text={text} label={`Copy ${label.toLowerCase()}`} />
    </div>
  );
}
