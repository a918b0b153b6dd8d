import { useQuery } from "@tanstack/react-query";
import { widgets as widgetRoutes } from "../api/routes.ts";
import type { Widget } from "../api/types.ts";
import { ChecksEntry } from "../design/ChecksEntry.tsx";
import { ChoiceEntry, SwitchEntry, TextEntry } from "../design/fields.tsx";
import { Callout } from "../design/marks.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { keys } from "../realtime/snapshots.ts";
import { known } from "../settings/endpoint-fields.tsx";
import type { Form } from "../settings/form.ts";
import { FormSection } from "../settings/parts.tsx";
import type { ChannelType, FieldInfo } from "./api.ts";
import { type ChannelValues, secretsOf } from "./channel-form.ts";

export function useWidgets() {
  return useQuery({
    queryKey: keys.widgets,
    queryFn: async () => (await widgetRoutes.list()).items,
  });
}

interface FieldsProps {
  form: Form<ChannelValues>;
  type: ChannelType;
  widgets: Widget[];
  /** Tokens are part of the form only while the channel is new; later they are rotated. */
  isNew?: boolean;
}

/** The form of a channel. What belongs to its type is made from the type's own words. */
export function ChannelFields({ form, type, widgets, isNew }: FieldsProps) {
  const { values, set, fault } = form;
  return (
    <>
      <FormSection title="Channel" hint={type.description}>
        <TextEntry
          label="Channel name"
          value={values.name}
          onChange={(value) => set("name", value)}
          error={fault("name")}
          hint="Operators see it at every conversation."
          required
          autoFocus={isNew}
        />
        {type.fields.map((field) =>
          field.kind === "secret" ? (
            isNew && <SecretField key={field.name} form={form} field={field} />
          ) : (
            <SettingField key={field.name} form={form} field={field} />
          ),
        )}
        {isNew && secretsOf(type).length > 0 && (
          <div className="stack-small">
            <span className="field-label">Inbound URL</span>
            <span className="field-hint">It is made with the channel and shown right afterwards.</span>
          </div>
        )}
      </FormSection>
      <FormSection title="Widgets" hint="A widget lends the channel its rules.">
        <ChoiceEntry
          label="Default Widget"
          value={values.widget}
          onChange={(value) => set("widget", value)}
          error={fault("widget_id")}
          hint="Its group gets new conversations, its language is that of automatic texts, and its privacy rules apply."
          choices={widgets.map(({ id, name }) => ({ value: String(id), label: name }))}
        />
        <ChecksEntry
          label="Additional Widgets"
          value={values.widgets}
          onChange={(value) => set("widgets", value)}
          error={fault("widgets")}
          hint="Their visitors may go on in this channel with a conversation that they began on the website."
          choices={known(widgets, values.widgets, "Widget")}
        />
      </FormSection>
      <FormSection title="Contacts">
        <SwitchEntry
          selected={values.apart}
          onChange={(value) => set("apart", value)}
          hint="On: whoever writes here is a new contact, even when the e-mail address is known from elsewhere."
        >
          Do not merge with website contacts
        </SwitchEntry>
        {!values.apart && (
          <Callout tone="warn" still>
            E-mail addresses must be verified on the sender's side. Whoever writes with an address that is
            known here becomes that contact, and operators see them as one person with one history. If anybody
            can claim any address over there, do not merge.
          </Callout>
        )}
      </FormSection>
      <FormSection title="Automatic texts">
        <SwitchEntry
          selected={values.receipt}
          onChange={(value) => set("receipt", value)}
          hint="Who begins a conversation gets a short answer at once, in the language of the default widget."
        >
          Confirm that a message has arrived
        </SwitchEntry>
      </FormSection>
    </>
  );
}

interface FieldProps {
  form: Form<ChannelValues>;
  field: FieldInfo;
}

function SettingField({ form, field }: FieldProps) {
  const { values, set, fault } = form;
  const common = {
    label: field.label,
    hint: field.help || undefined,
    error: fault(`settings.${field.name}`) ?? fault(field.name),
    value: values.settings[field.name] ?? "",
    onChange: (value: string) => set("settings", { ...values.settings, [field.name]: value }),
  };
  if (field.kind === "choice") return <ChoiceEntry {...common} choices={field.options} />;
  const url = field.kind === "url";
  return (
    <TextEntry
      {...common}
      type={url ? "url" : "text"}
      placeholder={url ? "https://" : undefined}
      mono={url}
      required={field.required}
    />
  );
}

function SecretField({ form, field }: FieldProps) {
  const { values, set, fault } = form;
  const typed = values.typed.includes(field.name);
  const error = fault(`secrets.${field.name}`) ?? fault(field.name);
  return (
    <div className="stack">
      {field.generated && (
        <SegmentEntry
          label={field.label}
          value={typed ? "typed" : "made"}
          onChange={(value) =>
            set(
              "typed",
              value === "typed"
                ? [...values.typed, field.name]
                : values.typed.filter((name) => name !== field.name),
            )
          }
          error={typed ? undefined : error}
          hint={field.help || undefined}
          choices={[
            { value: "made", label: "Made for you" },
            { value: "typed", label: "Type my own" },
          ]}
        />
      )}
      {typed && (
        <TextEntry
          label={field.generated ? `${field.label}, your own` : field.label}
          hideLabel={field.generated}
          hint={field.generated ? undefined : field.help || undefined}
          value={values.secrets[field.name] ?? ""}
          onChange={(value) => set("secrets", { ...values.secrets, [field.name]: value })}
          error={error}
          required={field.required}
          mono
        />
      )}
    </div>
  );
}
