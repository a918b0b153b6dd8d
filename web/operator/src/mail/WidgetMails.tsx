import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type ApiError, asApiError } from "../api/error.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { CheckEntry, SwitchEntry, TextEntry } from "../design/fields.tsx";
import { Callout } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { type Form, useForm } from "../settings/form.ts";
import { FormEnd, FormSection, LoadFault, Loading } from "../settings/parts.tsx";
import { sentence } from "../settings/standing.ts";
import { mail, type Tested, type WidgetMail } from "./api.ts";
import { SERVER_KEY, widgetMailKey } from "./keys.ts";
import { MailTextsSection } from "./MailTexts.tsx";
import { SecretEntry } from "./SecretEntry.tsx";
import { TestedCallout } from "./TestedCallout.tsx";
import {
  callbackEdited,
  WIDGET_MAIL_FIELDS,
  type WidgetMailValues,
  widgetMailInput,
  widgetMailValues,
} from "./widget-mail-form.ts";
import "./mail.css";

/** Chat > Advanced of a widget: which mails its contacts get, and which way they go. */
export default function WidgetMails({ widget }: { widget: number }) {
  const settings = useQuery({
    queryKey: widgetMailKey(widget),
    queryFn: () => mail.ofWidget(widget),
    refetchOnMount: "always",
  });
  if (settings.data) return <Editor widget={widget} saved={settings.data} />;
  if (settings.isError) return <LoadFault error={settings.error} onRetry={() => void settings.refetch()} />;
  return <Loading rows={6} />;
}

function Editor({ widget, saved }: { widget: number; saved: WidgetMail }) {
  const client = useQueryClient();
  const form = useForm(widgetMailValues(saved), async (values) => {
    client.setQueryData(widgetMailKey(widget), await mail.setOfWidget(widget, widgetMailInput(values)));
    for (const key of [SERVER_KEY, ["mails"], ["mail-preview", widget]])
      void client.invalidateQueries({ queryKey: key });
    toast("Saved");
  });
  return (
    <>
      <Way widget={saved} />
      <form className="card form" onSubmit={form.submit} noValidate>
        <CallbackSection form={form} widget={widget} saved={saved} />
        <WayBack form={form} />
        <Which form={form} saved={saved} />
        <Look form={form} />
        <MailTextsSection form={form} widget={widget} saved={saved} />
        <FormEnd form={form} label="Save" fields={WIDGET_MAIL_FIELDS} />
      </form>
    </>
  );
}

/** There is neither a callback nor a mail server. */
function useNowhere(widget: WidgetMail): boolean {
  const server = useQuery({ queryKey: SERVER_KEY, queryFn: mail.server, refetchOnMount: "always" });
  return !widget.custom_email_api.enabled && server.data?.state === "unset";
}

/** Whether mails go out now, and what to do when they do not. */
function Way({ widget }: { widget: WidgetMail }) {
  const { state, reason, custom_email_api } = widget;
  const nowhere = useNowhere(widget);
  if (nowhere) {
    return (
      <Callout tone="warn" still>
        Mails of this widget wait, because no mail server is set up. None is lost. Set up the{" "}
        <Link to="/settings/mail">mail server</Link> or use the custom email API.
      </Callout>
    );
  }
  if (state === "ok") return null;
  return (
    <Callout tone={state === "failing" ? "bad" : "warn"} still>
      {state === "failing" ? "Mails of this widget do not arrive." : "Mails of this widget wait."}{" "}
      {sentence(reason)} None is lost.{" "}
      {!custom_email_api.enabled && <Link to="/settings/mail">Mail server</Link>}
    </Callout>
  );
}

interface SectionProps {
  form: Form<WidgetMailValues>;
}

interface CallbackProps extends SectionProps {
  widget: number;
  saved: WidgetMail;
}

function CallbackSection({ form, widget, saved }: CallbackProps) {
  const { values, set, fault } = form;
  const api = saved.custom_email_api;
  return (
    <FormSection
      title="Custom email API"
      hint="Mails to contacts go to your own program, which sends them: sender and return path are yours."
    >
      <CheckEntry
        selected={values.enabled}
        onChange={(value) => set("enabled", value)}
        hint={
          values.enabled ? (
            "No mail of this widget goes through the mail server."
          ) : (
            <>Off: mails go through the mail server of this installation.</>
          )
        }
      >
        Custom email API
      </CheckEntry>
      {values.enabled && (
        <div className="stack sub-fields">
          <TextEntry
            label="Callback URL"
            type="url"
            value={values.url}
            onChange={(value) => set("url", value)}
            error={fault("custom_email_api.url")}
            hint="Each mail is posted to it as JSON."
            placeholder="https://"
            required
            mono
          />
          <SecretEntry
            label="Token"
            value={values.token}
            onChange={(value) => set("token", value)}
            stored={api.has_token}
            tail={api.token_hint ?? ""}
            hint="Sent in the header API-SECURITY-TOKEN, so that your program knows who calls."
            error={fault("custom_email_api.token")}
          />
          <SwitchEntry
            selected={values.context_as_text}
            onChange={(value) => set("context_as_text", value)}
            hint="For programs that expect context as a string of JSON, not as an object."
          >
            Context as text
          </SwitchEntry>
          <CallbackTest widget={widget} edited={callbackEdited(values, saved)} />
        </div>
      )}
    </FormSection>
  );
}

function CallbackTest({ widget, edited }: { widget: number; edited: boolean }) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<ApiError | null>(null);
  const [answer, setAnswer] = useState<Tested | null>(null);
  const test = async () => {
    setBusy(true);
    setTrouble(null);
    setAnswer(null);
    try {
      setAnswer(await mail.testCallback(widget));
    } catch (cause) {
      setTrouble(asApiError(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="stack">
      <div className="inline wrap">
        <Action icon="bolt" isDisabled={busy || edited} onPress={() => void test()}>
          {busy ? "Testing…" : "Test"}
        </Action>
        <span className="field-hint">
          {edited ? "Save first: what is saved is tested." : "Posts an empty body with the token."}
        </span>
      </div>
      <TestedCallout trouble={trouble} answer={edited ? null : answer} good="Connected" bad="Not connected" />
    </div>
  );
}

function WayBack({ form }: SectionProps) {
  const { values, set, fault } = form;
  return (
    <FormSection title="Way back" hint="Where the links in mails lead.">
      <TextEntry
        label="Inbound URL"
        type="url"
        value={values.inbound_url}
        onChange={(value) => set("inbound_url", value)}
        error={fault("inbound_url")}
        hint="A page of your site that shows this widget. It opens there, on the conversation. Empty: mails have no links."
        placeholder="https://shop.example/help"
        mono
      />
    </FormSection>
  );
}

function Which({ form, saved }: SectionProps & { saved: WidgetMail }) {
  const { values, set, fault } = form;
  const nowhere = useNowhere(saved);
  return (
    <FormSection
      title="Mails"
      hint={
        nowhere
          ? "While mails have no way out, visitors are offered neither sign-in nor transcripts."
          : "Only contacts whose e-mail address is known get any."
      }
    >
      <SwitchEntry
        selected={values.transcript_on_end}
        onChange={(value) => set("transcript_on_end", value)}
        hint="Everything that was said, without internal notes."
      >
        Send a transcript when a conversation ends
      </SwitchEntry>
      <SwitchEntry
        selected={values.transcript_offer}
        onChange={(value) => set("transcript_offer", value)}
        hint="A transcript to their own address, from the menu of the messenger."
      >
        Contacts can ask for a transcript
      </SwitchEntry>
      <SwitchEntry
        selected={values.sign_in}
        onChange={(value) => set("sign_in", value)}
        hint="A link and a code by mail bring back earlier conversations in any browser."
      >
        Contacts can sign in again by mail
      </SwitchEntry>
      <SwitchEntry
        selected={values.missed}
        onChange={(value) => set("missed", value)}
        hint="For who has left before the answer came: one mail for all answers since."
      >
        Send answers that were not read
      </SwitchEntry>
      {values.missed && (
        <div className="sub-fields">
          <TextEntry
            label="After minutes without reading"
            value={values.missed_minutes}
            onChange={(value) => set("missed_minutes", value)}
            error={fault("missed_after_seconds")}
            hint="From 1 to 1440. An answer to the mail does not come into the conversation; the mail says so."
            inputMode="decimal"
          />
        </div>
      )}
    </FormSection>
  );
}

function Look({ form }: SectionProps) {
  const { values, set, fault } = form;
  return (
    <FormSection title="Look" hint="The colour is that of the widget.">
      <TextEntry
        label="Sender name"
        value={values.from_name}
        onChange={(value) => set("from_name", value)}
        error={fault("from_name")}
        hint={
          values.enabled
            ? "Of mails through the mail server; with the custom email API your program says who they are from."
            : "Empty: that of the mail server."
        }
      />
      <TextEntry
        label="Logo"
        type="url"
        value={values.logo_url}
        onChange={(value) => set("logo_url", value)}
        error={fault("logo_url")}
        hint="The https address of a picture. Empty: the widget's name is written."
        placeholder="https://shop.example/logo.png"
        mono
      />
    </FormSection>
  );
}
