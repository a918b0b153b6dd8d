import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "../api/error.ts";
import { Action } from "../design/Action.tsx";
import { Window } from "../design/Dialogs.tsx";
import { TextEntry } from "../design/fields.tsx";
import { Callout } from "../design/marks.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { useForm } from "../settings/form.ts";
import { SecretOnce } from "../settings/parts.tsx";
import { type ChannelSetup, channels, type FieldInfo } from "./api.ts";
import { OVERLAPS } from "./channel-form.ts";

interface RotateProps {
  channel: ChannelSetup;
  field: FieldInfo;
  onClose: () => void;
}

const HOW = [
  { value: "made", label: "Made for you" },
  { value: "typed", label: "Type my own" },
];

/** A new token for one way. The one before may be taken for a while, where it is we who check it. */
export function RotateDialog({ channel, field, onClose }: RotateProps) {
  const client = useQueryClient();
  const [secret, setSecret] = useState<string | null>(null);
  const checkedHere = field.name === "inbound_token";
  const start = { how: field.generated ? "made" : "typed", value: "", overlap: checkedHere ? "24" : "0" };
  const form = useForm(start, async ({ how, value, overlap }, key) => {
    const own = how === "typed" ? value.trim() : undefined;
    if (own === "")
      throw new ApiError(422, "field.required", "Type the token, or have one made.", { field: "value" });
    const answer = await channels.rotate(channel.id, field.name, own, Number(overlap), key);
    void client.invalidateQueries({ queryKey: ["channels", channel.id] });
    setSecret(answer.value);
  });
  const { values, set, fault } = form;
  if (secret !== null) {
    return (
      <SecretOnce secret={secret} title={`New ${field.label}`} label={field.label} onClose={onClose}>
        {checkedHere
          ? "The other side sends it with every message from now on."
          : "The other side has to take it from now on."}
      </SecretOnce>
    );
  }
  return (
    <Window open onClose={onClose} title={`Rotate: ${field.label}`}>
      <form className="form stack" onSubmit={form.submit} noValidate>
        {field.generated && (
          <SegmentEntry
            label="New token"
            value={values.how}
            onChange={(value) => set("how", value)}
            choices={HOW}
          />
        )}
        {values.how === "typed" && (
          <TextEntry
            label="Your own token"
            value={values.value}
            onChange={(value) => set("value", value)}
            error={fault("value")}
            required
            mono
          />
        )}
        {checkedHere ? (
          <SegmentEntry
            label="The token before stops"
            value={values.overlap}
            onChange={(value) => set("overlap", value)}
            error={fault("overlap_hours")}
            hint={
              values.overlap === "0"
                ? "Messages with it are refused at once."
                : "Both are taken meanwhile, so that the other side can change over without a gap."
            }
            choices={OVERLAPS}
          />
        ) : (
          <Callout tone="warn" still>
            Calls carry the new token at once. Let your program take both before you go on.
          </Callout>
        )}
        {form.trouble && fault("value") === undefined && fault("overlap_hours") === undefined && (
          <Callout tone="bad">{form.trouble.detail}</Callout>
        )}
        <div className="dialog-actions">
          <Action onPress={onClose}>Cancel</Action>
          <Action type="submit" kind="primary" icon="key" isDisabled={form.busy}>
            Rotate
          </Action>
        </div>
      </form>
    </Window>
  );
}
