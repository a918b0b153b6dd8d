import { useEffect, useRef, useState } from "react";
import { Radio, RadioGroup } from "react-aria-components";
import type { WrittenMail } from "./api.ts";
import { fill } from "./frame.ts";
import "./mail-view.css";

type Look = "light" | "dark" | "text";

const LOOKS: { value: Look; label: string }[] = [
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
  { value: "text", label: "Text" },
];

/** A mail as its reader sees it: on a light or a dark screen, or in a program that shows text only. */
export function MailView({ mail, stale, name }: { mail: WrittenMail; stale?: boolean; name: string }) {
  const [look, setLook] = useState<Look>("light");
  return (
    <div className="mail-view" data-stale={stale || undefined}>
      <div className="mail-view-head">
        <span className="mail-view-subject" dir="auto" title={mail.subject}>
          {mail.subject}
        </span>
        <RadioGroup
          className="segments"
          orientation="horizontal"
          aria-label="How to show the mail"
          value={look}
          onChange={(value) => setLook(value as Look)}
        >
          {LOOKS.map(({ value, label }) => (
            <Radio key={value} value={value} className="segment">
              {label}
            </Radio>
          ))}
        </RadioGroup>
      </div>
      {look === "text" ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: long text scrolls and must be reachable by keyboard
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls
        <pre className="mail-view-text" tabIndex={0} role="group" aria-label={`${name}, as text`} dir="auto">
          {mail.text}
        </pre>
      ) : (
        <Frame html={mail.html} dark={look === "dark"} name={name} />
      )}
    </div>
  );
}

const EMPTY = "<!doctype html><html><head></head><body></body></html>";

/** Nothing in it may run, send or lead away: only what our own script puts there is shown. */
function Frame({ html, dark, name }: { html: string; dark: boolean; name: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const doc = frame.current?.contentDocument;
    if (ready && doc) fill(doc, html, dark);
  }, [html, dark, ready]);
  return (
    <iframe
      ref={frame}
      className="mail-view-frame"
      title={name}
      sandbox="allow-same-origin"
      srcDoc={EMPTY}
      onLoad={() => setReady(true)}
    />
  );
}
