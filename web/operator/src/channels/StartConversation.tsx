import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLive } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { go, Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Window } from "../design/Dialogs.tsx";
import { ChoiceEntry, TextEntry } from "../design/fields.tsx";
import { Callout, Skeleton } from "../design/marks.tsx";
import { useForm } from "../settings/form.ts";
import { addresses, type ChannelSetup, type ContactAddress } from "./api.ts";
import { knownAddress, knownBy, type Partner, startInput } from "./start-form.ts";
import { useChannels } from "./useChannels.ts";
import "./start.css";

interface StartProps {
  /** With whom; without one the address is typed. */
  contact?: Partner;
  onClose: () => void;
}

/** Writes to somebody first: on a channel, since nobody can be reached on the website who is not there. */
export default function StartConversation({ contact, onClose }: StartProps) {
  const channels = useChannels();
  const known = useQuery({
    queryKey: ["addresses", contact?.id ?? 0],
    queryFn: async () => (await addresses.list(contact?.id ?? 0)).items,
    enabled: contact !== undefined,
  });
  const ready = channels.data && (contact === undefined || known.data || known.isError);
  const usable = (channels.data ?? []).filter((each) => each.state !== "gone");
  return (
    <Window
      open
      onClose={onClose}
      title={contact ? `Write to ${contact.display_name}` : "Start a conversation"}
    >
      {channels.isError && !channels.data ? (
        <Callout tone="bad">The channels could not be loaded. Close this window and try again.</Callout>
      ) : !ready ? (
        <div className="start-form" role="status" aria-label="Loading">
          <Skeleton width="100%" height={34} />
          <Skeleton width="100%" height={34} />
        </div>
      ) : usable.length === 0 ? (
        <NoChannel onClose={onClose} />
      ) : (
        <StartForm channels={usable} contact={contact ?? null} known={known.data ?? []} onClose={onClose} />
      )}
    </Window>
  );
}

function NoChannel({ onClose }: { onClose: () => void }) {
  const admin = useMe().operator.role === "admin";
  return (
    <>
      <p>
        A conversation is begun on a channel, such as a messenger or an SMS gateway, and there is none yet.{" "}
        {admin ? (
          <Link to="/settings/channels/new" onClick={onClose}>
            Make a channel
          </Link>
        ) : (
          "An admin can make one in the settings."
        )}
      </p>
      <div className="dialog-actions">
        <Action onPress={onClose}>Close</Action>
      </div>
    </>
  );
}

interface FormProps {
  channels: ChannelSetup[];
  contact: Partner | null;
  known: ContactAddress[];
  onClose: () => void;
}

const LABELS = {
  email: "E-mail address",
  id: "Address at the other side",
  either: "E-mail address, or id at the other side",
};

/** Where the contact was last reached, else the first one. */
function firstChannel({ channels, contact, known }: FormProps): ChannelSetup | undefined {
  return channels.find((each) => knownAddress(each, contact, known) !== "") ?? channels[0];
}

function StartForm(props: FormProps) {
  const { channels, contact, known, onClose } = props;
  const live = useLive();
  const [first] = useState(() => firstChannel(props));
  const form = useForm(
    {
      channel: String(first?.id ?? ""),
      address: knownAddress(first, contact, known),
      name: "",
      body: "",
    },
    async (values, key) => {
      const channel = channels.find((each) => String(each.id) === values.channel);
      const input = startInput(values, channel, contact, knownAddress(channel, contact, known));
      const { conversation } = await addresses.start(input, key);
      live.adopt(conversation);
      onClose();
      go(`/inbox/${conversation.id}`);
    },
  );
  const { values, set, fault, trouble } = form;
  const channel = channels.find((each) => String(each.id) === values.channel);
  const by = knownBy(channel);
  const addressFault = fault("address") ?? fault("email") ?? fault("contact_id");
  const atField = [addressFault, fault("body"), fault("channel_id"), fault("name")].some(Boolean);
  return (
    <form className="form start-form" onSubmit={form.submit} noValidate>
      <ChoiceEntry
        label="Channel"
        value={values.channel}
        onChange={(value) => {
          const next = channels.find((each) => String(each.id) === value);
          const offered = knownAddress(channel, contact, known);
          set("channel", value);
          // What was typed by hand stays.
          if (values.address.trim() === "" || values.address === offered)
            set("address", knownAddress(next, contact, known));
        }}
        error={fault("channel_id")}
        choices={channels.map((each) => ({ value: String(each.id), label: each.name }))}
      />
      <TextEntry
        label={LABELS[by]}
        type={by === "email" ? "email" : "text"}
        value={values.address}
        onChange={(value) => set("address", value)}
        error={addressFault}
        hint={by === "id" ? "The id by which the other side knows the person." : undefined}
        required
        autoFocus={values.address === ""}
      />
      {!contact && (
        <TextEntry
          label="Name"
          value={values.name}
          onChange={(value) => set("name", value)}
          error={fault("name")}
          hint="Kept when none is known yet."
        />
      )}
      <TextEntry
        label="Message"
        value={values.body}
        onChange={(value) => set("body", value)}
        error={fault("body")}
        lines={4}
        required
        autoFocus={values.address !== ""}
      />
      {channel?.state === "paused" && (
        <Callout tone="warn" still>
          This channel is paused: the message waits until it goes on.
        </Callout>
      )}
      {trouble && !atField && <Callout tone="bad">{trouble.detail}</Callout>}
      <div className="dialog-actions">
        <Action onPress={onClose}>Cancel</Action>
        <Action type="submit" kind="primary" icon="send" isDisabled={form.busy}>
          {form.busy ? "Sending…" : "Send"}
        </Action>
      </div>
    </form>
  );
}
