import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import { groups as routes } from "../api/routes.ts";
import type { GroupWithMembers } from "../api/types.ts";
import { go, useNumberParam } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { ChecksEntry } from "../design/ChecksEntry.tsx";
import { Confirm } from "../design/Dialogs.tsx";
import { TextEntry } from "../design/fields.tsx";
import { toast } from "../design/toasts.tsx";
import { useGroups, useOperators } from "../inbox/lists.ts";
import { keys } from "../realtime/snapshots.ts";
import { useForm } from "./form.ts";
import { Empty, FormEnd, FormSection, LoadFault, Loading, Page } from "./parts.tsx";

const BACK = { to: "/settings/groups", label: "Groups" };

export default function GroupEditor() {
  const id = useNumberParam("id");
  const list = useGroups();
  if (Number.isNaN(id)) return <Editor group={null} />;
  const group = list.data?.find((each) => each.id === id);
  if (group) return <Editor group={group} />;
  return (
    <Page title="Group" back={BACK}>
      {list.isError ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : (
        <Empty icon="users" title="There is no such group">
          <p>It may have been deleted.</p>
        </Empty>
      )}
    </Page>
  );
}

function Editor({ group }: { group: GroupWithMembers | null }) {
  const client = useQueryClient();
  const operators = useOperators();
  const [asking, setAsking] = useState(false);
  const form = useForm(
    { name: group?.name ?? "", members: (group?.operator_ids ?? []).map(String) },
    async (values, key) => {
      const members = values.members.map(Number);
      if (group) await routes.update(group.id, values.name.trim(), members);
      else await routes.create(values.name.trim(), members, key);
      await client.invalidateQueries({ queryKey: keys.groups });
      void client.invalidateQueries({ queryKey: keys.operators });
      toast("Saved");
      if (!group) go("/settings/groups", { replace: true });
    },
  );
  const remove = async () => {
    if (!group) return;
    try {
      await routes.remove(group.id);
      go("/settings/groups", { replace: true });
      await client.invalidateQueries({ queryKey: keys.groups });
      toast(`${group.name} was deleted`);
    } catch (cause) {
      const error = asApiError(cause);
      toast(
        error.code === "group.in_use" ? "A widget uses this group. Change the widget first." : error.detail,
      );
    }
  };
  const people = (operators.data ?? []).filter(
    (operator) => operator.active || form.values.members.includes(String(operator.id)),
  );
  return (
    <Page
      title={group?.name ?? "New group"}
      back={BACK}
      actions={
        group && (
          <Action kind="danger" icon="trash" onPress={() => setAsking(true)}>
            Delete
          </Action>
        )
      }
    >
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection title="Group">
          <TextEntry
            label="Name"
            value={form.values.name}
            onChange={(value) => form.set("name", value)}
            error={form.fault("name")}
            required
            autoFocus={!group}
          />
          <ChecksEntry
            label="Members"
            columns
            value={form.values.members}
            onChange={(value) =>
              form.set(
                "members",
                [...value].sort((a, b) => Number(a) - Number(b)),
              )
            }
            choices={people.map(({ id, name }) => ({ value: String(id), label: name }))}
          />
        </FormSection>
        <FormEnd form={form} label={group ? "Save" : "Make group"} fields={["name", "operator_ids"]} />
      </form>
      {group && (
        <Confirm
          open={asking}
          title={`Delete ${group.name}?`}
          action="Delete group"
          onClose={() => setAsking(false)}
          onConfirm={() => void remove()}
        >
          Its members stay. Conversations keep their history.
        </Confirm>
      )}
    </Page>
  );
}
