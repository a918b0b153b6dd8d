import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { CheckboxGroup, Label } from "react-aria-components";
import { endpoints } from "../api/routes.ts";
import type { Dialect, Endpoint, EndpointInput } from "../api/types.ts";
import { go, useNumberParam } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { CheckEntry, ChoiceEntry, Fault, SwitchEntry, TextEntry } from "../design/fields.tsx";
import { toast } from "../design/toasts.tsx";
import { useForm } from "./form.ts";
import { FormEnd, FormSection, LoadFault, Loading, Page, SecretOnce } from "./parts.tsx";

const BACK = { to: "/settings/endpoints", label: "Endpoints" };
const SHOWN = ["name", "url", "dialect", "events", "headers", "timeout_seconds", "in_flight_limit"];
const MASK = "***";

export default function EndpointEditor() {
  const id = useNumberParam("id");
  const isNew = Number.isNaN(id);
  const dialects = useQuery({
    queryKey: ["dialects"],
    queryFn: async () => (await endpoints.dialects()).items,
  });
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

interface HeaderLine {
  name: string;
  value: string;
}

interface Values {
  name: string;
  url: string;
  dialect: string;
  every: boolean;
  events: string[];
  headers: HeaderLine[];
  timeout: string;
  limit: string;
}

function headersOf(lines: HeaderLine[]): { [name: string]: string } {
  return Object.fromEntries(
    lines.filter((line) => line.name.trim() !== "").map((line) => [line.name.trim(), line.value]),
  );
}

function Editor({ endpoint, dialects }: { endpoint: Endpoint | null; dialects: Dialect[] }) {
  const client = useQueryClient();
  const [made, setMade] = useState<{ id: number; secret: string } | null>(null);
  const start: Values = {
    name: endpoint?.name ?? "",
    url: endpoint?.url ?? "",
    dialect: endpoint?.dialect ?? dialects[0]?.name ?? "standard",
    every: endpoint ? endpoint.events.length === 0 : true,
    events: endpoint?.events ?? [],
    headers: Object.entries(endpoint?.headers ?? {}).map(([name, value]) => ({ name, value })),
    timeout: String(endpoint?.timeout_seconds ?? 15),
    limit: String(endpoint?.in_flight_limit ?? 16),
  };
  const form = useForm(start, async (values, key) => {
    const input: EndpointInput = {
      name: values.name.trim(),
      url: values.url.trim(),
      dialect: values.dialect,
      events: values.every ? [] : values.events,
      timeout_seconds: Number(values.timeout) || 0,
      in_flight_limit: Number(values.limit) || 0,
    };
    const same = JSON.stringify(values.headers) === JSON.stringify(start.headers);
    // Masked values came from the server and must not overwrite the real ones.
    if (!same) input.headers = headersOf(values.headers);
    if (endpoint) {
      const saved = await endpoints.update(endpoint.id, input);
      client.setQueryData(["endpoints", endpoint.id], saved);
      toast("Saved");
      go(`/settings/endpoints/${endpoint.id}`, { replace: true });
    } else {
      const answer = await endpoints.create(input, key);
      setMade({ id: answer.endpoint.id, secret: answer.secret });
    }
    void client.invalidateQueries({ queryKey: ["endpoints"] });
  });
  const { values, set, fault } = form;
  const dialect = dialects.find((each) => each.name === values.dialect);
  const changeHeader = (index: number, line: HeaderLine) =>
    set(
      "headers",
      values.headers.map((each, at) => (at === index ? line : each)),
    );

  return (
    <Page
      title={endpoint ? `Edit ${endpoint.name}` : "New endpoint"}
      back={endpoint ? { to: `/settings/endpoints/${endpoint.id}`, label: endpoint.name } : BACK}
    >
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection title="Receiver">
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
          <ChoiceEntry
            label="Dialect"
            value={values.dialect}
            onChange={(value) => {
              set("dialect", value);
              set("events", []);
              set("every", true);
            }}
            error={fault("dialect")}
            hint={dialect && `A call counts as received with ${dialect.success}.`}
            choices={dialects.map((each) => ({ value: each.name, label: each.title }))}
          />
        </FormSection>
        <FormSection title="Events" hint="The names are those of the dialect.">
          <SwitchEntry
            selected={values.every}
            onChange={(value) => set("every", value)}
            hint="Also those that a later version adds."
          >
            Every event
          </SwitchEntry>
          {!values.every && dialect && (
            <CheckboxGroup
              className="field"
              value={values.events}
              onChange={(value) => set("events", value)}
              isInvalid={fault("events") !== undefined}
              validationBehavior="aria"
            >
              <Label className="field-label">Events to send</Label>
              <div className="event-checks">
                {dialect.events.map((event) => (
                  <CheckEntry key={event.name} value={event.name} hint={event.description || event.title}>
                    <span className="mono">{event.name}</span>
                  </CheckEntry>
                ))}
              </div>
              <Fault text={fault("events")} />
            </CheckboxGroup>
          )}
        </FormSection>
        <FormSection
          title="Headers"
          hint="Sent with every call, for example for authorization. Values are not shown again."
        >
          {values.headers.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place; names may repeat while typing
            <div className="header-line" key={index}>
              <TextEntry
                label={`Header ${index + 1}`}
                value={line.name}
                onChange={(name) => changeHeader(index, { ...line, name })}
                mono
              />
              <TextEntry
                label={`Value ${index + 1}`}
                value={line.value}
                onChange={(value) => changeHeader(index, { ...line, value })}
                hint={line.value === MASK ? "Kept as it is" : undefined}
                mono
              />
              <Action
                kind="quiet"
                icon="trash"
                aria-label={`Remove header ${index + 1}`}
                onPress={() =>
                  set(
                    "headers",
                    values.headers.filter((_, at) => at !== index),
                  )
                }
              />
            </div>
          ))}
          {fault("headers") && (
            <span className="field-error" role="alert">
              {fault("headers")}
            </span>
          )}
          <div>
            <Action
              small
              icon="plus"
              onPress={() => set("headers", [...values.headers, { name: "", value: "" }])}
            >
              Add header
            </Action>
          </div>
        </FormSection>
        <FormSection title="Limits">
          <TextEntry
            label="Seconds to wait for an answer"
            value={values.timeout}
            onChange={(value) => set("timeout", value)}
            error={fault("timeout_seconds")}
            inputMode="numeric"
          />
          <TextEntry
            label="Calls at the same time"
            value={values.limit}
            onChange={(value) => set("limit", value)}
            error={fault("in_flight_limit")}
            hint="Calls of one conversation are always one after another."
            inputMode="numeric"
          />
        </FormSection>
        <FormEnd form={form} label={endpoint ? "Save" : "Make endpoint"} fields={SHOWN} />
      </form>
      <SecretOnce
        secret={made?.secret ?? null}
        title="Signing secret"
        label="Signing secret"
        onClose={() => {
          const id = made?.id;
          setMade(null);
          if (id) go(`/settings/endpoints/${id}`, { replace: true });
        }}
      >
        Your program checks the <code>webhook-signature</code> header of every call with it.
      </SecretOnce>
    </Page>
  );
}
