import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { asApiError } from "../api/error.ts";
import { TextEntry } from "../design/fields.tsx";
import { Callout, Skeleton } from "../design/marks.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import type { Form } from "../settings/form.ts";
import { sentence } from "../settings/standing.ts";
import { type MailKind, type MailTexts, mail, type TextName, type WidgetMail } from "./api.ts";
import { MailView } from "./MailView.tsx";
import { faultyKind, TEXT_KINDS, type WidgetMailValues } from "./widget-mail-form.ts";
import { KIND_NAMES } from "./words.ts";

interface TextsProps {
  form: Form<WidgetMailValues>;
  widget: number;
  saved: WidgetMail;
}

/** What mails say beside the messages, with the mail as it becomes while one types. */
export function MailTextsSection({ form, widget, saved }: TextsProps) {
  const [kind, setKind] = useState<MailKind>("transcript");
  const { values, trouble } = form;
  const faulty = faultyKind(trouble?.byField().keys() ?? []);
  // A fault in a text that is not shown would be a riddle.
  useEffect(() => {
    if (faulty) setKind(faulty);
  }, [faulty]);
  const entry = (name: TextName, label: string, lines?: number) => (
    <TextEntry
      key={name}
      label={label}
      value={values.texts[name]}
      onChange={(value) => form.set("texts", { ...values.texts, [name]: value })}
      error={form.fault(`texts.${name}`)}
      placeholder={saved.default_texts[name]}
      lines={lines}
    />
  );
  return (
    <section className="form-section texts-section">
      <div className="form-about">
        <h2>Texts</h2>
        <p className="field-hint">
          What stands grey counts while a field is empty. <code>{"{name}"}</code> becomes the contact's name,{" "}
          <code>{"{widget}"}</code> the widget's.
        </p>
      </div>
      <div className="texts">
        <div className="texts-fields">
          <SegmentEntry label="Mail" value={kind} onChange={setKind} choices={TEXT_KINDS} />
          {entry(`${kind}_subject`, "Subject")}
          {entry(`${kind}_intro`, "Introduction", 4)}
          {entry("footer", "Footer of all mails", 3)}
        </div>
        <Preview widget={widget} kind={kind} texts={values.texts} />
      </div>
    </section>
  );
}

/** What is typed, once the typing pauses. */
function useSettled(texts: MailTexts): MailTexts {
  const [settled, setSettled] = useState(texts);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(texts), 400);
    return () => window.clearTimeout(timer);
  }, [texts]);
  return settled;
}

function Preview({ widget, kind, texts }: { widget: number; kind: MailKind; texts: MailTexts }) {
  const settled = useSettled(texts);
  const written = useQuery({
    queryKey: ["mail-preview", widget, kind, settled],
    queryFn: ({ signal }) => mail.preview(widget, kind, settled, signal),
    placeholderData: keepPreviousData,
    gcTime: 60_000,
    retry: false,
  });
  return (
    <div className="texts-preview">
      {written.isError && (
        <Callout tone="warn" still>
          No preview: {sentence(asApiError(written.error).detail)}
        </Callout>
      )}
      {written.data ? (
        <MailView
          mail={written.data}
          stale={written.isPlaceholderData}
          name={`Preview: ${KIND_NAMES[kind]}`}
        />
      ) : (
        !written.isError && (
          <div className="stack" role="status" aria-label="The preview is being made">
            <Skeleton width="50%" height={18} />
            <Skeleton width="100%" height={200} />
          </div>
        )
      )}
      <p className="field-hint">Made up, with the texts as typed; colour, logo and name are as saved.</p>
    </div>
  );
}
