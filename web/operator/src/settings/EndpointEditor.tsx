import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { endpoints, widgets as widgetRoutes } from "../api/routes.ts";
import type { Dialect, Endpoint } from "../api/types.ts";
import { go, Link, useNumberParam } from "../app/router.tsx";
import { ChoiceEntry, SwitchEntry, TextEntry } from "../design/fields.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { toast } from "../design/toasts.tsx";
import { hooksPage } from "../hooks/HookBadge.tsx";
import { useGroups } from "../inbox/lists.ts";
import { keys } from "../realtime/snapshots.ts";
import { isTold, newestOf, useDialects } from "./dialects.ts";
import { HeaderLines, known, Scope, SigningSecret } from "./endpoint-fields.tsx";
import { changeOf, headersChange, inputOf, PERSONAL, TREATMENTS, valuesOf } from "./endpoint-form.ts";
import { useForm } from "./form.ts";
import { FormEnd, FormSection, LoadFault, Loading, Page } from "./parts.tsx";
import { FaultLine } from "./WholeFault.tsx";

const BACK = { to: "/settings/endpoints", label: "Endpoints" };
const SHOWN = [
  "name",
  "url",
  "dialect",
  "dialect_version",
  "events",
  "widgets",
  "groups",
  "headers",
  "timeout_seconds",
  "in_flight_limit",
  "rate_limit",
  "success",
  "private_ranges",
  "policy",
  "switches",
];

/** Where a conversation can belong, to narrow down what is told. */
const PLACES = [
  {
    every: "everyWidget",
    chosen: "widgets",
    kind: "Widget",
    title: "Every widget",
    hint: "What belongs to no conversation, such as an operator's status, is told in any case.",
  },
  {
    every: "everyGroup",
    chosen: "groups",
    kind: "Group",
    title: "Every group",
    hint: "Off: conversations that no group has are left out, too.",
  },
] as const;

export default function EndpointEditor() {
  const id = useNumberParam("id");
  const isNew = Number.isNaN(id);
  const dialects = useDialects();
  const endpoint = useQuery({
    queryKey: ["endpoints", id],
    queryFn: () => endpoints.get(id),
    enabled: !isNew,
    refetchOnMount: "always",
  });
  if (dialects.data && (isNew || endpoint.data)) {
    return <Editor endpoint={endpoint.data ?? null} dialects={dialects.data} />;
  }
  const failed = dialects.error ?? endpoint.error;
  return (
    <Page title={isNew ? "New endpoint" : "Endpoint"} back={BACK}>
      {failed ? (
        <LoadFault
          error={failed}
          onRetry={() => {
            void dialects.refetch();
            if (!isNew) void endpoint.refetch();
          }}
        />
      ) : (
        <Loading rows={6} />
      )}
    </Page>
  );
}

function Editor({ endpoint, dialects }: { endpoint: Endpoint | null; dialects: Dialect[] }) {
  const client = useQueryClient();
  const groups = useGroups();
  const widgets = useQuery({
    queryKey: keys.widgets,
    queryFn: async () => (await widgetRoutes.list()).items,
  });
  const [made, setMade] = useState<{ id: number; secret: string } | null>(null);
  const start = valuesOf(endpoint, dialects);
  const form = useForm(start, async (values, key) => {
    const input = inputOf(values);
    const headers = headersChange(values.headers, start.headers);
    if (endpoint) {
      const saved = await endpoints.update(endpoint.id, { ...changeOf(input, endpoint), ...headers });
      client.setQueryData(["endpoints", endpoint.id], saved);
      toast("Saved");
      go(`/settings/endpoints/${endpoint.id}`, { replace: true });
    } else {
      const answer = await endpoints.create({ ...input, ...headers }, key);
      setMade({ id: answer.endpoint.id, secret: answer.secret });
    }
    void client.invalidateQueries({ queryKey: ["endpoints"] });
  });
  const { values, set, fault } = form;
  const dialect = dialects.find((each) => each.name === values.dialect);
  const newest = newestOf(dialect) ?? values.version;
  const hook = endpoint?.hook ?? null;
  const switches = hook ? [] : (dialect?.switches ?? []);
  // What is chosen stays in sight, though the chosen version does not tell of it.
  const told = (dialect?.events ?? []).filter(
    (event) => isTold(event, values.version) || values.events.includes(event.name),
  );

  return (
    <Page
      title={endpoint ? `Edit ${endpoint.name}` : "New endpoint"}
      back={endpoint ? { to: `/settings/endpoints/${endpoint.id}`, label: endpoint.name } : BACK}
    >
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection title="Receiver" hint="Who is called, and in which form.">
          <TextEntry
            label="Name"
            value={values.name}
            onChange={(value) => set("name", value)}
            error={fault("name")}
            required
            autoFocus={!endpoint}
          />
          <TextEntry
            label="URL"
            type="url"
            value={values.url}
            onChange={(value) => set("url", value)}
            error={fault("url")}
            placeholder="https://"
            required
            mono
          />
          {!hook && (
            <ChoiceEntry
              label="Dialect"
              value={values.dialect}
              onChange={(value) => {
                const next = dialects.find((each) => each.name === value);
                set("dialect", value);
                set("version", next?.version ?? "");
                set("events", []);
                set("everyEvent", true);
                set("switches", []);
              }}
              error={fault("dialect")}
              choices={dialects.map((each) => ({ value: each.name, label: each.title }))}
            />
          )}
          <ChoiceEntry
            label="Version"
            value={values.version}
            onChange={(value) => set("version", value)}
            error={fault("dialect_version")}
            hint={
              values.version === newest
                ? "Calls keep this form when a later version of Parley adds another."
                : `Calls keep this form. The newest is version ${newest}.`
            }
            choices={[...new Set([...(dialect?.versions ?? []), values.version])].map((each) => ({
              value: each,
              label: each === newest ? `Version ${each} (newest)` : `Version ${each}`,
            }))}
          />
        </FormSection>
        {switches.length > 0 && (
          <FormSection title="Switches" hint={`What ${dialect?.title ?? "the dialect"} can have otherwise.`}>
            {switches.map(({ name, title, description }) => (
              <SwitchEntry
                key={name}
                selected={values.switches.includes(name)}
                onChange={(on) =>
                  set(
                    "switches",
                    (on
                      ? [...values.switches, name]
                      : values.switches.filter((each) => each !== name)
                    ).sort(),
                  )
                }
                hint={description}
              >
                {title}
              </SwitchEntry>
            ))}
            {fault("switches") && <FaultLine text={fault("switches") ?? ""} />}
          </FormSection>
        )}
        <FormSection title="What it hears" hint={hook ? undefined : "All of it, unless you narrow it down."}>
          {hook && (
            <p>
              One event of one widget. It is one of the{" "}
              <Link to={hooksPage(hook.widget_id)}>webhooks of its widget</Link>, which say what is told and
              in which form.
            </p>
          )}
          {!hook && (
            <Scope
              every={values.everyEvent}
              onEvery={(value) => set("everyEvent", value)}
              title="Every event"
              hint="Also those that a later version adds."
              label="Events to send"
              chosen={values.events}
              onChosen={(value) => set("events", value)}
              error={fault("events")}
              choices={told.map((event) => ({
                value: event.name,
                label: event.name,
                hint: event.description || event.title,
                mono: true,
              }))}
            />
          )}
          {PLACES.filter(({ chosen }) => !hook || chosen === "groups").map(
            ({ every, chosen, kind, title, hint }) => (
              <Scope
                key={chosen}
                every={values[every]}
                onEvery={(value) => set(every, value)}
                title={title}
                hint={hint}
                label={`Only these ${chosen}`}
                chosen={values[chosen]}
                onChosen={(value) => set(chosen, value)}
                error={fault(chosen)}
                choices={known((chosen === "widgets" ? widgets : groups).data, values[chosen], kind)}
              />
            ),
          )}
        </FormSection>
        <FormSection title="How it is called" hint="Calls of one conversation are always one after another.">
          <div className="two">
            <TextEntry
              label="Calls at once"
              value={values.atOnce}
              onChange={(value) => set("atOnce", value)}
              error={fault("in_flight_limit")}
              inputMode="numeric"
            />
            <TextEntry
              label="Calls per second"
              value={values.perSecond}
              onChange={(value) => set("perSecond", value)}
              error={fault("rate_limit")}
              placeholder="No limit"
              inputMode="numeric"
            />
          </div>
          <TextEntry
            label="Time-out in seconds"
            value={values.timeout}
            onChange={(value) => set("timeout", value)}
            error={fault("timeout_seconds")}
            hint="Without an answer by then the call has failed and is repeated."
            inputMode="numeric"
          />
          <ChoiceEntry
            label="Success"
            value={values.success}
            onChange={(value) => set("success", value)}
            error={fault("success")}
            hint="Any other answer counts as a failure, and the call is repeated."
            choices={[
              { value: "dialect", label: `As the dialect says: ${dialect?.success ?? "its own rule"}` },
              { value: "2xx", label: "Any 2xx" },
            ]}
          />
          <ChoiceEntry
            label="Private networks"
            value={values.privately}
            onChange={(value) => set("privately", value)}
            error={values.privately === "some" ? undefined : fault("private_ranges")}
            hint="Which of them may be called at all is a setting of the server; here it can only be narrowed."
            choices={[
              { value: "allowed", label: "Those that the server allows" },
              { value: "none", label: "None, public addresses only" },
              { value: "some", label: "Only these ranges" },
            ]}
          />
          {values.privately === "some" && (
            <TextEntry
              label="Ranges"
              value={values.ranges}
              onChange={(value) => set("ranges", value)}
              error={fault("private_ranges")}
              hint="One a line."
              placeholder="10.20.0.0/16"
              lines={3}
              mono
            />
          )}
          <HeaderLines
            lines={values.headers}
            onChange={(lines) => set("headers", lines)}
            error={fault("headers")}
          />
        </FormSection>
        <FormSection
          title="Privacy"
          hint="What calls tell about people, in every dialect. It counts from the next call on; what was sent once is repeated as it was."
        >
          {PERSONAL.map(({ part, label, meaning }) => (
            <SegmentEntry
              key={part}
              label={label}
              value={values.policy[part]}
              onChange={(value) => set("policy", { ...values.policy, [part]: value })}
              error={fault(`policy.${part}`)}
              hint={meaning[values.policy[part]]}
              choices={TREATMENTS}
            />
          ))}
        </FormSection>
        <FormEnd form={form} label={endpoint ? "Save" : "Make endpoint"} fields={SHOWN} />
      </form>
      <SigningSecret
        secret={made?.secret ?? null}
        onClose={() => {
          const id = made?.id;
          setMade(null);
          if (id) go(`/settings/endpoints/${id}`, { replace: true });
        }}
      />
    </Page>
  );
}
