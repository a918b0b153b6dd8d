import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { endpoints, widgets } from "../api/routes.ts";
import type { Endpoint, Widget } from "../api/types.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { SwitchEntry, TextEntry } from "../design/fields.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { toast } from "../design/toasts.tsx";
import { keys } from "../realtime/snapshots.ts";
import { EndpointStanding, Standing, StandingStory } from "../settings/EndpointStanding.tsx";
import { type Form, useForm } from "../settings/form.ts";
import { FormEnd, FormSection, LoadFault, Loading } from "../settings/parts.tsx";
import { TestDialog } from "../settings/TestDialog.tsx";
import { WholeFault } from "../settings/WholeFault.tsx";
import { type HookSecrets, hooksKey, type WidgetHook, type WidgetHooks, widgetHooks } from "./api.ts";
import { HookSecretsOnce } from "./HookSecretsOnce.tsx";
import {
  type HookValues,
  hooksChange,
  hookValues,
  saveHooks,
  TRANSCRIPT_HINT,
  transcriptHook,
} from "./hook-form.ts";
import "./hooks.css";

/** The five webhooks of a widget. */
export default function WidgetWebhooks({ widget }: { widget: Widget }) {
  const hooks = useQuery({
    queryKey: hooksKey(widget.id),
    queryFn: () => widgetHooks.get(widget.id),
    refetchOnMount: "always",
  });
  if (hooks.data) return <HooksForm widget={widget} hooks={hooks.data} />;
  return hooks.isError ? (
    <LoadFault error={hooks.error} onRetry={() => void hooks.refetch()} />
  ) : (
    <Loading rows={5} />
  );
}

function HooksForm({ widget, hooks }: { widget: Widget; hooks: WidgetHooks }) {
  const client = useQueryClient();
  const [secrets, setSecrets] = useState<HookSecrets | null>(null);
  const [testing, setTesting] = useState<Endpoint | null>(null);
  // How calls go moves by itself.
  const list = useQuery({
    queryKey: ["endpoints"],
    queryFn: async () => (await endpoints.list()).items,
    refetchOnMount: "always",
    refetchInterval: 5000,
  });
  const start = hookValues(hooks, widget);
  const form = useForm(start, async (values, key) => {
    const change = hooksChange(values, start);
    const when = transcriptHook(values.transcript);
    await saveHooks({
      hooks:
        change &&
        (async () => {
          const answer = await widgetHooks.set(widget.id, change, key);
          const { secrets: made } = answer;
          // They are told once, whatever becomes of the rest.
          if (made && Object.keys(made).length > 0) setSecrets(made);
          return answer;
        }),
      widget:
        values.transcript === start.transcript
          ? null
          : () => widgets.update(widget.id, { transcript_hook: when }),
      onHooks: ({ secrets: _, ...stored }) => {
        client.setQueryData(hooksKey(widget.id), stored);
        void client.invalidateQueries({ queryKey: ["endpoints"] });
      },
      onWidget: (stored) => client.setQueryData([...keys.widgets, widget.id], stored),
    });
    toast("Saved");
  });
  const { values, set } = form;
  const transcripts = (values.urls.transcript ?? "").trim() !== "";
  return (
    <>
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection
          title="Addresses"
          hint={
            <>
              Each is called by POST when its event happens on this widget. Leave empty what nobody listens
              to. What is sent: <a href="/docs/">the documentation</a>.
            </>
          }
        >
          {hooks.hooks.map((hook) => (
            <HookEntry
              key={hook.hook}
              hook={hook}
              form={form}
              endpoint={list.data?.find(({ id }) => id === hook.endpoint_id)}
              onTest={setTesting}
            />
          ))}
        </FormSection>
        <FormSection title="Transcripts">
          <SegmentEntry
            label="Sent by itself"
            value={values.transcript}
            onChange={(value) => set("transcript", value)}
            error={form.fault("transcript_hook")}
            hint={
              transcripts
                ? TRANSCRIPT_HINT[values.transcript]
                : `${TRANSCRIPT_HINT[values.transcript]} It needs an address above.`
            }
            choices={[
              { value: "never", label: "Never" },
              { value: "end", label: "At the end" },
              { value: "review", label: "After the rating" },
            ]}
          />
          <SwitchEntry
            selected={values.real_names}
            onChange={(value) => set("real_names", value)}
            hint="Operators stand in it with their full names. Off: alias, or first name and initial."
          >
            Real names
          </SwitchEntry>
          <WholeFault form={form} field="real_names" />
          <SwitchEntry
            selected={values.traits_text}
            onChange={(value) => set("traits_text", value)}
            hint={
              <>
                For receivers that read <code>visitorTraits</code> as a string of JSON instead of an object.
              </>
            }
          >
            Traits as text
          </SwitchEntry>
          <WholeFault form={form} field="traits_text" />
        </FormSection>
        <FormEnd form={form} label="Save" fields={["urls", "transcript_hook", "real_names", "traits_text"]} />
      </form>
      {testing && <TestDialog endpoint={testing} onClose={() => setTesting(null)} />}
      <HookSecretsOnce secrets={secrets} hooks={hooks.hooks} onClose={() => setSecrets(null)} />
    </>
  );
}

interface EntryProps {
  hook: WidgetHook;
  form: Form<HookValues>;
  /** Once it is known. */
  endpoint: Endpoint | undefined;
  onTest: (endpoint: Endpoint) => void;
}

function HookEntry({ hook, form, endpoint, onTest }: EntryProps) {
  const { values, set, fault } = form;
  const url = values.urls[hook.hook] ?? "";
  const changed = url.trim() !== hook.url;
  const ends = hook.url !== "" && url.trim() === "";
  return (
    <div className="stack hook-entry">
      <TextEntry
        label={hook.title}
        type="url"
        value={url}
        onChange={(value) => set("urls", { ...values.urls, [hook.hook]: value })}
        error={fault(`urls.${hook.hook}`)}
        hint={ends ? "Saving ends this webhook. Calls that still wait are not sent." : hook.description}
        placeholder="https://"
        mono
      />
      {endpoint && (
        <>
          <div className="hook-line">
            <Standing endpoint={endpoint} />
            <EndpointStanding endpoint={endpoint} />
          </div>
          {endpoint.state !== "active" && <StandingStory endpoint={endpoint} />}
          <div className="hook-line">
            <Action
              small
              icon="send"
              aria-label={`Send test: ${hook.title}`}
              isDisabled={changed || endpoint.state !== "active"}
              onPress={() => onTest(endpoint)}
            >
              Send test…
            </Action>
            <Link
              className="button small"
              to={`/settings/deliveries?endpoint=${endpoint.id}`}
              aria-label={`Log: ${hook.title}`}
            >
              Log
            </Link>
            <Link
              className="button small"
              to={`/settings/endpoints/${endpoint.id}`}
              aria-label={`${endpoint.state === "active" ? "Details" : "Resume"}: ${hook.title}`}
            >
              {endpoint.state === "active" ? "Details" : "Resume…"}
            </Link>
          </div>
        </>
      )}
    </div>
  );
}
