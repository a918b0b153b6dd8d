import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Widget } from "../api/types.ts";
import { go } from "../app/router.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { useForm } from "../settings/form.ts";
import { Empty, FormEnd, FormSection, LinkAction, LoadFault, Loading, Page } from "../settings/parts.tsx";
import { type ChannelType, channels } from "./api.ts";
import { ChannelFields, useWidgets } from "./ChannelFields.tsx";
import { newInput, shownFields, valuesOf } from "./channel-form.ts";
import { useChannelTypes } from "./useChannels.ts";

const BACK = { to: "/settings/channels", label: "Channels" };

export default function NewChannel() {
  const types = useChannelTypes();
  const widgets = useWidgets();
  const [chosen, setChosen] = useState("");
  const creatable = (types.data ?? []).filter((each) => each.creatable);
  const type = creatable.find((each) => each.type === chosen) ?? creatable[0];
  const failed = types.error ?? widgets.error;
  return (
    <Page title="New channel" back={BACK}>
      {types.data && widgets.data ? (
        widgets.data.length === 0 ? (
          <Empty icon="chat" title="First make a widget">
            <p>A widget decides who answers, in which language, and by which privacy rules.</p>
            <LinkAction to="/settings/widgets/new">New widget</LinkAction>
          </Empty>
        ) : (
          type && (
            <Wizard key={type.type} type={type} types={creatable} onType={setChosen} widgets={widgets.data} />
          )
        )
      ) : failed ? (
        <LoadFault
          error={failed}
          onRetry={() => {
            void types.refetch();
            void widgets.refetch();
          }}
        />
      ) : (
        <Loading rows={6} />
      )}
    </Page>
  );
}

interface WizardProps {
  type: ChannelType;
  types: ChannelType[];
  onType: (type: string) => void;
  widgets: Widget[];
}

function Wizard({ type, types, onType, widgets }: WizardProps) {
  const client = useQueryClient();
  const form = useForm(valuesOf(null, type, widgets), async (values, key) => {
    const { channel, secrets } = await channels.create(newInput(values, type), key);
    client.setQueryData(["channels", channel.id], channel);
    // Shown on the next page, this once; the cache forgets them with that page.
    client.setQueryData(["channel-secrets", channel.id], secrets);
    void client.invalidateQueries({ queryKey: ["channels"], exact: true });
    go(`/settings/channels/${channel.id}/ready`, { replace: true });
  });
  return (
    <form className="card form" onSubmit={form.submit} noValidate>
      {types.length > 1 && (
        <FormSection title="Kind" hint="What is joined.">
          <SegmentEntry
            label="Kind of channel"
            hideLabel
            value={type.type}
            onChange={onType}
            choices={types.map((each) => ({ value: each.type, label: each.label }))}
          />
        </FormSection>
      )}
      <ChannelFields form={form} type={type} widgets={widgets} isNew />
      <FormEnd form={form} label="Create channel" fields={shownFields(type)} />
    </form>
  );
}
