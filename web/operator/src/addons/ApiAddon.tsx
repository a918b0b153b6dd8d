import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { endpoints } from "../api/routes.ts";
import type { Dialect, Endpoint } from "../api/types.ts";
import { useMe } from "../app/me.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { ChecksEntry } from "../design/ChecksEntry.tsx";
import { ChoiceEntry, TextEntry } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { Callout } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { isTold, newestOf, useDialects } from "../settings/dialects.ts";
import { EndpointStanding, Standing, StandingStory } from "../settings/EndpointStanding.tsx";
import { HeaderLines, SigningSecret } from "../settings/endpoint-fields.tsx";
import { useForm } from "../settings/form.ts";
import { PauseAction } from "../settings/PauseAction.tsx";
import { FormEnd, FormSection, LinkAction, LoadFault, Loading, Page } from "../settings/parts.tsx";
import { TestDialog } from "../settings/TestDialog.tsx";
import {
  ADDON_DIALECT,
  type AddonValues,
  addonInput,
  addonOf,
  addonValues,
  eventGroups,
  formName,
  newAddon,
} from "./addon-form.ts";
import "./addons.css";

const SHOWN = ["url", "dialect_version", "events", "headers"];

export default function ApiAddon() {
  const client = useQueryClient();
  const dialects = useDialects();
  const list = useQuery({
    queryKey: ["endpoints"],
    queryFn: async () => (await endpoints.list()).items,
    refetchOnMount: "always",
    refetchInterval: 5000,
  });
  const [testing, setTesting] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const dialect = dialects.data?.find((each) => each.name === ADDON_DIALECT);
  const failed = dialects.error ?? (list.data ? null : list.error);
  const { endpoint, others } = addonOf(list.data ?? []);

  const keep = (next: Endpoint) => {
    client.setQueryData<Endpoint[]>(["endpoints"], (before = []) =>
      before.some((each) => each.id === next.id)
        ? before.map((each) => (each.id === next.id ? next : each))
        : [...before, next],
    );
    toast(endpoint ? "Saved" : "Saved. Events are sent from now on.");
    void client.invalidateQueries({ queryKey: ["endpoints"] });
  };
  const save = async (values: AddonValues, key: string) => {
    if (!dialect) return;
    if (endpoint) {
      keep(await endpoints.update(endpoint.id, addonInput(values, endpoint, dialect)));
    } else {
      const made = await endpoints.create(newAddon(values, dialect), key);
      setSecret(made.secret);
      keep(made.endpoint);
    }
  };

  return (
    <Page
      title="API"
      intro={
        <>
          Your back end hears what happens: one call to your callback URL for each event, in the form of the
          Userlike API add-on.
          {endpoint && (
            <span className="inline wrap">
              <Standing endpoint={endpoint} />
              <EndpointStanding endpoint={endpoint} />
            </span>
          )}
        </>
      }
      actions={
        endpoint && (
          <>
            <Action icon="send" onPress={() => setTesting(true)}>
              Send test…
            </Action>
            <PauseAction way={endpoint} routes={endpoints} />
            <LinkAction to={`/settings/deliveries?endpoint=${endpoint.id}`} icon="list">
              Log
            </LinkAction>
          </>
        )
      }
    >
      {failed || (dialects.data && !dialect) ? (
        <LoadFault
          error={failed ?? new Error("This server does not know the form of the API add-on.")}
          onRetry={() => {
            void dialects.refetch();
            void list.refetch();
          }}
        />
      ) : !dialect || !list.data ? (
        <Loading rows={6} />
      ) : (
        <>
          {endpoint && <StandingStory endpoint={endpoint} />}
          {others.length > 0 && <Others endpoints={others} />}
          <AddonForm endpoint={endpoint} dialect={dialect} save={save} />
        </>
      )}
      {testing && endpoint && <TestDialog endpoint={endpoint} onClose={() => setTesting(false)} />}
      <SigningSecret secret={secret} onClose={() => setSecret(null)} />
    </Page>
  );
}

function Others({ endpoints: list }: { endpoints: Endpoint[] }) {
  return (
    <Callout>
      {list.length === 1 ? "One more endpoint has" : `${list.length} more endpoints have`} this form:{" "}
      {list.map((each, index) => (
        <span key={each.id}>
          {index > 0 && ", "}
          <Link to={`/settings/endpoints/${each.id}`}>{each.name}</Link>
        </span>
      ))}
      . This page leaves {list.length === 1 ? "it" : "them"} alone.
    </Callout>
  );
}

interface FormProps {
  endpoint: Endpoint | null;
  dialect: Dialect;
  save: (values: AddonValues, key: string) => Promise<void>;
}

function AddonForm({ endpoint, dialect, save }: FormProps) {
  const form = useForm(addonValues(endpoint, dialect), save);
  const { values, set, fault } = form;
  const newest = newestOf(dialect);
  const { demo } = useMe();
  return (
    <form className="card form" onSubmit={form.submit} noValidate>
      <FormSection
        title="Callback"
        hint={
          endpoint ? (
            <>
              Limits, privacy and the signing secret are on{" "}
              <Link to={`/settings/endpoints/${endpoint.id}`}>the endpoint's own page</Link>.
            </>
          ) : (
            "Where the calls go, and what they look like."
          )
        }
      >
        <TextEntry
          label="Callback URL"
          type="url"
          value={values.url}
          onChange={(value) => set("url", value)}
          error={fault("url")}
          hint={
            <>
              Each call is an HTTP POST with JSON. It counts as received when 200 is answered.
              {demo && !endpoint && (
                <>
                  {" "}
                  To try it, the <a href="/demo/inspector">callback inspector</a> shows what a receiver gets.
                </>
              )}
            </>
          }
          placeholder="https://"
          required
          mono
        />
        <ChoiceEntry
          label="Form"
          value={values.version}
          onChange={(value) => set("version", value)}
          error={fault("dialect_version")}
          hint={
            values.version === newest
              ? "Calls keep this form when a later version of Parley adds another."
              : "For receivers written at that time: some types, events and messages have their old names and shapes."
          }
          choices={[...new Set([...dialect.versions, values.version])].reverse().map((version) => ({
            value: version,
            label: formName(version, newest),
          }))}
        />
      </FormSection>
      <Events
        dialect={dialect}
        version={values.version}
        chosen={values.events}
        onChange={(events) => set("events", events)}
        error={fault("events")}
      />
      <FormSection title="Headers" hint="If your receiver asks for them.">
        <HeaderLines
          lines={values.headers}
          onChange={(lines) => set("headers", lines)}
          error={fault("headers")}
        />
      </FormSection>
      <FormEnd form={form} label="Save" fields={SHOWN} />
    </form>
  );
}

interface EventsProps {
  dialect: Dialect;
  version: string;
  chosen: string[];
  onChange: (events: string[]) => void;
  error: string | undefined;
}

function Events({ dialect, version, chosen, onChange, error }: EventsProps) {
  const every = dialect.events.map(({ name }) => name);
  const told = dialect.events.filter((event) => isTold(event, version));
  const names = told.map(({ name }) => name);
  const here = names.filter((name) => chosen.includes(name)).length;
  return (
    <FormSection
      title="Events"
      hint={
        <>
          Only what is checked is sent. A conversation that an operator sends to the API goes out in any case,
          with its next change of status.
        </>
      }
    >
      <div className="addon-events-head">
        <span role="status">
          {here} of {names.length} events
        </span>
        <Action kind="quiet" small isDisabled={here === names.length} onPress={() => onChange(every)}>
          All
        </Action>
        <Action kind="quiet" small isDisabled={chosen.length === 0} onPress={() => onChange([])}>
          None
        </Action>
      </div>
      {error && (
        <span className="field-error" role="alert">
          <Icon name="alert" size={16} />
          <span>{error}</span>
        </span>
      )}
      {eventGroups(told).map((group) => (
        <div key={group.type} className="addon-events">
          <ChecksEntry
            label={group.title}
            columns
            value={chosen.filter((name) => group.events.some((event) => event.name === name))}
            onChange={(some) => {
              const own = new Set(group.events.map((event) => event.name));
              const next = new Set([...chosen.filter((name) => !own.has(name)), ...some]);
              // Always in the same order, so that checking and unchecking leaves nothing to save.
              onChange([
                ...every.filter((name) => next.has(name)),
                ...chosen.filter((name) => !every.includes(name)),
              ]);
            }}
            choices={group.events.map((event) => ({
              value: event.name,
              label: event.title,
              hint: event.name,
            }))}
          />
        </div>
      ))}
    </FormSection>
  );
}
