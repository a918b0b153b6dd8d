import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import { widgets } from "../api/routes.ts";
import type { Widget } from "../api/types.ts";
import { lazyPage } from "../app/lazily.tsx";
import { go, Link, useNumberParam, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Copyable } from "../design/Copyable.tsx";
import { Confirm } from "../design/Dialogs.tsx";
import { ChoiceEntry, SwitchEntry, TextEntry } from "../design/fields.tsx";
import { toast } from "../design/toasts.tsx";
import { useGroups } from "../inbox/lists.ts";
import { keys } from "../realtime/snapshots.ts";
import { useForm } from "./form.ts";
import { FormEnd, FormSection, LoadFault, Loading, Page, SecretOnce } from "./parts.tsx";
import { AfterChat, Goals } from "./WidgetAsks.tsx";
import { NEW_WIDGET, widgetInput, widgetValues } from "./widget-form.ts";

const WidgetHours = lazyPage(() => import("./WidgetHours.tsx"));
const WidgetWebhooks = lazyPage(() => import("../hooks/WidgetHooks.tsx"));
const WidgetMails = lazyPage(() => import("../mail/WidgetMails.tsx"));

const BACK = { to: "/settings/widgets", label: "Widgets" };

const TABS = [
  { end: "", label: "General" },
  { end: "/availability", label: "Availability" },
  { end: "/webhooks", label: "Webhooks" },
  { end: "/advanced", label: "Chat › Advanced" },
];

export default function WidgetEditor() {
  const id = useNumberParam("id");
  const isNew = Number.isNaN(id);
  const widget = useQuery({
    queryKey: [...keys.widgets, id],
    queryFn: () => widgets.get(id),
    enabled: !isNew,
    refetchOnMount: "always",
  });
  if (isNew) {
    return (
      <Page title="New widget" back={BACK}>
        <Editor widget={null} />
      </Page>
    );
  }
  if (widget.data) return <Tabs widget={widget.data} />;
  return (
    <Page title="Widget" back={BACK}>
      {widget.isError ? (
        <LoadFault error={widget.error} onRetry={() => void widget.refetch()} />
      ) : (
        <Loading rows={6} />
      )}
    </Page>
  );
}

function Tabs({ widget }: { widget: Widget }) {
  const { path } = usePlace();
  const home = `/settings/widgets/${widget.id}`;
  return (
    <Page wide title={widget.name} back={BACK}>
      <nav className="tabs" aria-label={widget.name}>
        {TABS.map(({ end, label }) => (
          <Link
            key={end}
            to={home + end}
            className="tab"
            aria-current={path === home + end ? "page" : undefined}
          >
            {label}
          </Link>
        ))}
      </nav>
      {path === home ? (
        <Editor widget={widget} />
      ) : path === `${home}/availability` ? (
        <WidgetHours widget={widget} />
      ) : path === `${home}/webhooks` ? (
        <WidgetWebhooks widget={widget} />
      ) : (
        <WidgetMails widget={widget.id} />
      )}
    </Page>
  );
}

const SHOWN = [
  "name",
  "lang",
  "domains",
  "color",
  "position",
  "title",
  "subtitle",
  "greeting",
  "theme",
  "session_timeout_seconds",
  "group_id",
  "privacy_mode",
  "show_visitors",
  "rating_form",
  "ask_feedback",
  "survey",
  "goals",
];

function Editor({ widget }: { widget: Widget | null }) {
  const client = useQueryClient();
  const groups = useGroups();
  const form = useForm(widgetValues(widget ?? NEW_WIDGET), async (values, key) => {
    const input = widgetInput(values);
    const saved = widget ? await widgets.update(widget.id, input) : await widgets.create(input, key);
    client.setQueryData([...keys.widgets, saved.id], saved);
    void client.invalidateQueries({ queryKey: keys.widgets, exact: true });
    toast(widget ? "Saved" : "Widget made. Its snippet is below.");
    if (!widget) go(`/settings/widgets/${saved.id}`, { replace: true });
  });
  const { values, set, fault } = form;

  return (
    <>
      {widget && <Snippet widget={widget} />}
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection title="Basics">
          <TextEntry
            label="Name"
            value={values.name}
            onChange={(value) => set("name", value)}
            error={fault("name")}
            hint="Operators see it; visitors do not."
            required
            autoFocus={!widget}
          />
          <TextEntry
            label="Domains"
            value={values.domains}
            onChange={(value) => set("domains", value)}
            error={fault("domains")}
            hint="One a line, such as shop.example. Empty: any site may show this widget."
            lines={3}
            mono
          />
          <ChoiceEntry
            label="Group"
            value={values.group}
            onChange={(value) => set("group", value)}
            error={fault("group_id")}
            hint="New conversations go to its operators."
            choices={[
              { value: "none", label: "Everybody" },
              ...(groups.data ?? []).map((group) => ({ value: String(group.id), label: group.name })),
            ]}
          />
          <SwitchEntry
            selected={values.active}
            onChange={(value) => set("active", value)}
            hint="Off: the widget does not show on any site."
          >
            Active
          </SwitchEntry>
        </FormSection>
        <FormSection title="Texts">
          <TextEntry
            label="Title"
            value={values.title}
            onChange={(value) => set("title", value)}
            error={fault("title")}
          />
          <TextEntry
            label="Line below the title"
            value={values.subtitle}
            onChange={(value) => set("subtitle", value)}
            error={fault("subtitle")}
          />
          <TextEntry
            label="Greeting"
            value={values.greeting}
            onChange={(value) => set("greeting", value)}
            error={fault("greeting")}
            hint="The first thing in an empty conversation."
            lines={2}
          />
          <TextEntry
            label="Language"
            value={values.lang}
            onChange={(value) => set("lang", value)}
            error={fault("lang")}
            hint="A language tag, such as en or de."
          />
        </FormSection>
        <FormSection title="Look">
          <div className="field-row">
            <TextEntry
              label="Colour"
              value={values.color}
              onChange={(value) => set("color", value)}
              error={fault("color")}
              mono
            />
            <input
              type="color"
              className="color-well"
              aria-label="Pick a colour"
              value={/^#[0-9a-f]{6}$/i.test(values.color) ? values.color : "#4f46e5"}
              onChange={(event) => set("color", event.target.value)}
            />
          </div>
          <ChoiceEntry
            label="Position"
            value={values.position}
            onChange={(value) => set("position", value)}
            error={fault("position")}
            choices={[
              { value: "right", label: "Bottom right" },
              { value: "left", label: "Bottom left" },
            ]}
          />
          <ChoiceEntry
            label="Theme"
            value={values.theme}
            onChange={(value) => set("theme", value)}
            error={fault("theme")}
            choices={[
              { value: "auto", label: "As the visitor's system" },
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
            ]}
          />
        </FormSection>
        <FormSection title="Sessions and identity">
          <TextEntry
            label="Session ends after minutes without messages"
            value={values.minutes}
            onChange={(value) => set("minutes", value)}
            error={fault("session_timeout_seconds")}
            inputMode="decimal"
          />
          <SwitchEntry
            selected={values.identity_required}
            onChange={(value) => set("identity_required", value)}
            hint="Visitors need a token signed with the identity secret of this widget."
          >
            Only signed-in visitors may write
          </SwitchEntry>
          {widget && <IdentitySecret widget={widget} />}
        </FormSection>
        <FormSection title="Privacy">
          <SwitchEntry
            selected={values.privacy_mode}
            onChange={(value) => set("privacy_mode", value)}
            hint="Neither the address of visitors nor the place they write from is stored."
          >
            Privacy mode
          </SwitchEntry>
          <SwitchEntry
            selected={values.show_visitors}
            onChange={(value) => set("show_visitors", value)}
            hint={
              values.privacy_mode
                ? "Not in privacy mode: nobody is shown while it is on."
                : "Operators see who is on the site now and what they read, and can write first. Nothing is stored on the visitors' devices."
            }
          >
            Show visitors on the site
          </SwitchEntry>
        </FormSection>
        <AfterChat form={form} />
        <Goals form={form} />
        <FormEnd form={form} label={widget ? "Save" : "Make widget"} fields={SHOWN} />
      </form>
    </>
  );
}

function Snippet({ widget }: { widget: Widget }) {
  return (
    <section className="card pad stack">
      <div>
        <h2>Snippet</h2>
        <p className="field-hint">
          Put it before the end of the body on every page that should show the messenger.
        </p>
      </div>
      <Copyable text={widget.snippet} label="Snippet" wrap />
    </section>
  );
}

function IdentitySecret({ widget }: { widget: Widget }) {
  const client = useQueryClient();
  const [secret, setSecret] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const make = async () => {
    try {
      setSecret((await widgets.identitySecret(widget.id)).secret);
      void client.invalidateQueries({ queryKey: [...keys.widgets, widget.id] });
    } catch (cause) {
      toast(asApiError(cause).detail);
    }
  };
  return (
    <div className="stack-small">
      <span className="field-label">Identity secret</span>
      <div className="inline">
        <span className="mono">{widget.has_identity_secret ? "••••••••••••" : "None yet"}</span>
        <Action small icon="key" onPress={() => (widget.has_identity_secret ? setAsking(true) : void make())}>
          {widget.has_identity_secret ? "Make a new secret" : "Make a secret"}
        </Action>
      </div>
      <Confirm
        open={asking}
        title="Make a new identity secret?"
        action="Make a new secret"
        onClose={() => setAsking(false)}
        onConfirm={() => void make()}
      >
        Tokens signed with the present secret stop working at once.
      </Confirm>
      <SecretOnce
        secret={secret}
        title="Identity secret"
        label="Identity secret"
        onClose={() => setSecret(null)}
      >
        Sign your visitors' tokens (JWT, HS256) with it on your server.
      </SecretOnce>
    </div>
  );
}
