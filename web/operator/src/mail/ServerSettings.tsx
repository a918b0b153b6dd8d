import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Copyable } from "../design/Copyable.tsx";
import { Confirm } from "../design/Dialogs.tsx";
import { TextEntry } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { Callout } from "../design/marks.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { toast } from "../design/toasts.tsx";
import { type Form, useForm } from "../settings/form.ts";
import { FormEnd, FormSection } from "../settings/parts.tsx";
import { sentence } from "../settings/standing.ts";
import { type MailServer, mail } from "./api.ts";
import { SERVER_KEY } from "./keys.ts";
import { SecretEntry } from "./SecretEntry.tsx";
import {
  SERVER_FIELDS,
  type ServerValues,
  serverInput,
  serverValues,
  TLS_CHOICES,
  withTls,
} from "./server-form.ts";
import { TestMail } from "./TestMail.tsx";

/** How mails leave the installation, a test of it, and the end of it. */
export function ServerSettings({ server }: { server: MailServer }) {
  const client = useQueryClient();
  const form = useForm(serverValues(server), async (values) => {
    const saved = await mail.setServer(serverInput(values));
    client.setQueryData(SERVER_KEY, saved);
    void client.invalidateQueries({ queryKey: ["mails"] });
    toast(
      server.waiting > 0
        ? `Saved. ${server.waiting === 1 ? "The waiting mail goes" : `The ${server.waiting.toLocaleString("en-US")} waiting mails go`} out now.`
        : "Saved",
    );
  });
  const set = server.state !== "unset";
  return (
    <>
      <Standing server={server} />
      <form className="card form" onSubmit={form.submit} noValidate>
        <Connection form={form} server={server} />
        <Sender form={form} />
        <Dkim form={form} server={server} />
        <FormEnd form={form} label="Save" fields={SERVER_FIELDS} />
      </form>
      {set && <TestMail stale={form.dirty} />}
      <Widgets server={server} />
      {set && <End server={server} />}
    </>
  );
}

function Standing({ server }: { server: MailServer }) {
  const { state, waiting, reason } = server;
  if (state === "failing")
    return (
      <Callout tone="bad" still>
        The mail server does not take mails. {sentence(reason)} They are tried again, and none is lost.
      </Callout>
    );
  if (state === "ok") return null;
  return (
    <Callout tone={waiting > 0 ? "warn" : undefined} icon={waiting > 0 ? undefined : "mail"} still>
      No mail server is set up.{" "}
      {waiting > 0
        ? `${waiting === 1 ? "1 mail waits" : `${waiting.toLocaleString("en-US")} mails wait`} and will go out as soon as there is one.`
        : "Mails wait until there is one; none is lost. Widgets with a custom email API need none."}
    </Callout>
  );
}

interface PartProps {
  form: Form<ServerValues>;
  server: MailServer;
}

function Connection({ form, server }: PartProps) {
  const { values, set, fault } = form;
  return (
    <FormSection title="Server" hint="As your mail provider gives it for outgoing mail (SMTP).">
      <div className="host-line">
        <TextEntry
          label="Host"
          value={values.host}
          onChange={(value) => set("host", value)}
          error={fault("host")}
          placeholder="smtp.example.com"
          required
          mono
        />
        <TextEntry
          label="Port"
          value={values.port}
          onChange={(value) => set("port", value)}
          error={fault("port")}
          inputMode="numeric"
          mono
        />
      </div>
      <SegmentEntry
        label="Encryption"
        value={values.tls}
        onChange={(tls) => {
          const next = withTls(values, tls);
          set("tls", next.tls);
          set("port", next.port);
        }}
        error={fault("tls")}
        hint={
          values.tls === "none"
            ? "Mails and the password travel in clear. Only for a server on the same machine or network."
            : "Required: nothing is sent when the server does not offer it or its certificate is wrong."
        }
        choices={TLS_CHOICES}
      />
      <TextEntry
        label="User name"
        value={values.username}
        onChange={(value) => set("username", value)}
        error={fault("username")}
        hint="Empty when the server asks for none."
        mono
      />
      <SecretEntry
        label="Password"
        value={values.password}
        onChange={(value) => set("password", value)}
        stored={server.has_password}
        error={fault("password")}
        password
      />
      <TextEntry
        label="Mails per minute"
        value={values.per_minute}
        onChange={(value) => set("per_minute", value)}
        error={fault("per_minute")}
        hint="What the provider allows. Empty for no limit."
        inputMode="numeric"
      />
    </FormSection>
  );
}

function Sender({ form }: { form: Form<ServerValues> }) {
  const { values, set, fault } = form;
  return (
    <FormSection title="Sender" hint="Who the mails are from. A widget may have a name of its own.">
      <TextEntry
        label="Address"
        type="email"
        value={values.from_email}
        onChange={(value) => set("from_email", value)}
        error={fault("from_email")}
        placeholder="support@example.com"
        required
      />
      <TextEntry
        label="Name"
        value={values.from_name}
        onChange={(value) => set("from_name", value)}
        error={fault("from_name")}
      />
      <TextEntry
        label="Reply to"
        type="email"
        value={values.reply_to}
        onChange={(value) => set("reply_to", value)}
        error={fault("reply_to")}
        hint="Where an answer by mail goes. Empty: to the sender's address. Answers do not come into the conversation."
      />
    </FormSection>
  );
}

const KEY_CHOICES = {
  none: { value: "keep", label: "None" },
  kept: { value: "keep", label: "Keep" },
  make: { value: "make", label: "Make one" },
  paste: { value: "paste", label: "Paste one" },
  remove: { value: "remove", label: "Remove" },
} as const;

function Dkim({ form, server }: PartProps) {
  const { values, set, fault } = form;
  const { has_key, record, domain, selector } = server.dkim;
  const name = `${values.dkim_selector.trim() || selector || "parley"}._domainkey.${values.dkim_domain.trim() || domain || "example.com"}`;
  return (
    <FormSection
      title="DKIM"
      hint="Signs every mail, so that other servers believe the sender. Leave it empty when your provider signs."
    >
      <div className="two">
        <TextEntry
          label="Domain"
          value={values.dkim_domain}
          onChange={(value) => set("dkim_domain", value)}
          error={fault("dkim.domain")}
          placeholder="example.com"
          mono
        />
        <TextEntry
          label="Selector"
          value={values.dkim_selector}
          onChange={(value) => set("dkim_selector", value)}
          error={fault("dkim.selector")}
          placeholder="parley"
          mono
        />
      </div>
      <SegmentEntry
        label="Private key"
        value={values.dkim_key}
        onChange={(value) => set("dkim_key", value)}
        error={
          values.dkim_key === "paste" ? undefined : (fault("dkim.private_key") ?? fault("dkim.generate"))
        }
        hint={
          values.dkim_key === "make"
            ? "It is made when you save. Its DNS record is shown here afterwards."
            : values.dkim_key === "remove"
              ? "Mails are not signed any more once you save."
              : undefined
        }
        choices={
          has_key
            ? [KEY_CHOICES.kept, KEY_CHOICES.make, KEY_CHOICES.paste, KEY_CHOICES.remove]
            : [KEY_CHOICES.none, KEY_CHOICES.make, KEY_CHOICES.paste]
        }
      />
      {values.dkim_key === "paste" && (
        <TextEntry
          label="Your private key"
          value={values.dkim_pasted}
          onChange={(value) => set("dkim_pasted", value)}
          error={fault("dkim.private_key")}
          hint="RSA or Ed25519, as PEM."
          placeholder="-----BEGIN PRIVATE KEY-----"
          lines={5}
          mono
        />
      )}
      {has_key && record && (
        <div className="stack-small">
          <span className="field-label">DNS record (TXT)</span>
          <span className="field-hint">
            Publish it at <span className="mono dns-name">{name}</span>
          </span>
          <Copyable text={record} label="DNS record" wrap />
        </div>
      )}
    </FormSection>
  );
}

const TONES = {
  ok: { label: "Go out", tone: "good" },
  waiting: { label: "Wait", tone: "warn" },
  failing: { label: "Failing", tone: "bad" },
};

/** How the mails of each widget do, with the way to what it says of them. */
function Widgets({ server }: { server: MailServer }) {
  const widgets = server.widgets ?? [];
  if (widgets.length === 0) return null;
  return (
    <section className="stack">
      <h2>Widgets</h2>
      <ul className="card rows">
        {widgets.map(({ widget_id, name, state, reason, waiting, failed }) => (
          <li key={widget_id}>
            <Link to={`/settings/widgets/${widget_id}/advanced`} className="item">
              <Icon name="chat" />
              <span className="item-main">
                <span className="item-title">{name}</span>
                <span className="item-hint">
                  {waiting === 0
                    ? "No mail waits"
                    : waiting === 1
                      ? "1 mail waits"
                      : `${waiting.toLocaleString("en-US")} mails wait`}
                  {failed > 0 && ` · ${failed.toLocaleString("en-US")} not sent in the last 24 h`}
                </span>
                {state !== "ok" && <span className="item-hint">{sentence(reason)}</span>}
              </span>
              <span className={`tag ${TONES[state].tone}`}>{TONES[state].label}</span>
              <Icon name="right" size={16} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function End({ server }: { server: MailServer }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = async () => {
    try {
      await mail.removeServer();
      toast("The mail server was removed");
      await client.invalidateQueries({ queryKey: SERVER_KEY });
    } catch (cause) {
      toast(asApiError(cause).detail);
    }
  };
  return (
    <section className="card pad stack">
      <h2>End</h2>
      <div>
        <Action kind="danger" icon="trash" onPress={() => setAsking(true)}>
          Remove mail server
        </Action>
      </div>
      <Confirm
        open={asking}
        title={`Remove ${server.host}?`}
        action="Remove mail server"
        onClose={() => setAsking(false)}
        onConfirm={() => void remove()}
      >
        Its settings are forgotten, the password and the DKIM key too. Mails of widgets without a custom email
        API wait until another one is set up.
      </Confirm>
    </section>
  );
}
