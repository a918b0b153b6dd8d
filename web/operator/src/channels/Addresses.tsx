import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import type { Contact } from "../api/types.ts";
import { moment } from "../app/clock.ts";
import { Action } from "../design/Action.tsx";
import { Confirm } from "../design/Dialogs.tsx";
import { Icon } from "../design/icons.tsx";
import { toast } from "../design/toasts.tsx";
import { channelIcon } from "../inbox/ChannelIcon.tsx";
import { addresses, type ContactAddress } from "./api.ts";
import StartConversation from "./StartConversation.tsx";
import { plainAddress } from "./start-form.ts";
import { useChannels } from "./useChannels.ts";
import "./addresses.css";

/** Whether the contact was known before and has not been taken apart again. */
function joined({ merged, separated_at }: ContactAddress): boolean {
  return merged && separated_at === null;
}

/** By what the contact is known on channels; nothing while there is no channel. */
export default function Addresses({ contact }: { contact: Contact }) {
  const client = useQueryClient();
  const channels = useChannels();
  const any = (channels.data ?? []).length > 0;
  const list = useQuery({
    queryKey: ["addresses", contact.id],
    queryFn: async () => (await addresses.list(contact.id)).items,
    enabled: any,
    // A first message over a channel brings an address along without an event of its own.
    staleTime: 60_000,
  });
  const [starting, setStarting] = useState(false);
  const [separating, setSeparating] = useState<ContactAddress | null>(null);
  if (!any) return null;

  const typeOf = (id: number) => channels.data?.find((each) => each.id === id)?.type ?? "";
  const separate = async (address: ContactAddress) => {
    try {
      await addresses.separate(contact.id, address.id);
      toast(`${plainAddress(address.address)} is a contact of its own now`);
      await Promise.all(
        ["addresses", "conversation", "conversations", "table"].map((kind) =>
          client.invalidateQueries({ queryKey: [kind] }),
        ),
      );
    } catch (cause) {
      toast(asApiError(cause).detail);
    }
  };
  const shown = list.data ?? [];
  return (
    <section className="contact-section">
      <h3>Addresses</h3>
      {shown.length > 0 && (
        <ul className="addresses">
          {shown.map((address) => (
            <li key={address.id} className="address">
              <Icon name={channelIcon(typeOf(address.channel.id))} size={16} />
              <span className="address-what">
                <span className="address-line" title={`Since ${moment(address.created_at)}`}>
                  <bdi>{plainAddress(address.address)}</bdi>
                </span>
                <span className="address-where">
                  <bdi>{address.channel.name}</bdi>
                  {joined(address) && (
                    <span className="tag" title="Joined with this contact because of the same e-mail address">
                      Merged
                    </span>
                  )}
                </span>
                {joined(address) && (
                  <span>
                    <Action
                      small
                      kind="quiet"
                      onPress={() => setSeparating(address)}
                      aria-label={`Separate ${plainAddress(address.address)}`}
                    >
                      Separate
                    </Action>
                  </span>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
      {list.isError && <p className="field-hint">{asApiError(list.error).detail}</p>}
      <Action small icon="send" onPress={() => setStarting(true)}>
        Start a conversation
      </Action>
      {starting && <StartConversation contact={contact} onClose={() => setStarting(false)} />}
      <Confirm
        open={separating !== null}
        title="Make this address a contact of its own?"
        action="Separate"
        onClose={() => setSeparating(null)}
        onConfirm={() => separating && void separate(separating)}
      >
        {separating && (
          <div className="address-ask">
            <p>
              <strong>
                <bdi>{plainAddress(separating.address)}</bdi>
              </strong>{" "}
              on {separating.channel.name} was joined with{" "}
              <strong>
                <bdi>{contact.display_name}</bdi>
              </strong>{" "}
              because of the same e-mail address. Separated, it becomes a new contact: its conversations on{" "}
              {separating.channel.name} go to that one, and so does what it writes later. The website's
              conversations stay here, and nothing is deleted.
            </p>
            <p>The two are not joined again by themselves, and not from here.</p>
          </div>
        )}
      </Confirm>
    </section>
  );
}
