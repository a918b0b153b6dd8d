import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import { type OperatorInput, operators } from "../api/routes.ts";
import type { OperatorFull, Role } from "../api/types.ts";
import { useMe } from "../app/me.ts";
import { go, useNumberParam } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { ChecksEntry } from "../design/ChecksEntry.tsx";
import { Copyable } from "../design/Copyable.tsx";
import { Confirm, Window } from "../design/Dialogs.tsx";
import { ChoiceEntry, TextEntry } from "../design/fields.tsx";
import { toast } from "../design/toasts.tsx";
import { useGroups, useOperators } from "../inbox/lists.ts";
import { keys } from "../realtime/snapshots.ts";
import { useForm } from "./form.ts";
import { Empty, FormEnd, FormSection, LoadFault, Loading, Page } from "./parts.tsx";

const BACK = { to: "/settings/operators", label: "Operators" };
const SHOWN = ["email", "first_name", "last_name", "alias", "role", "slots", "password", "group_ids"];

export default function OperatorEditor() {
  const id = useNumberParam("id");
  const list = useOperators();
  if (Number.isNaN(id)) return <Editor operator={null} />;
  const operator = list.data?.find((each) => each.id === id);
  if (operator) return <Editor operator={operator} />;
  return (
    <Page title="Operator" back={BACK}>
      {list.isError ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={6} />
      ) : (
        <Empty icon="user" title="There is no such operator">
          <p>The link may be old.</p>
        </Empty>
      )}
    </Page>
  );
}

interface Values {
  email: string;
  first_name: string;
  last_name: string;
  alias: string;
  role: Role;
  slots: string;
  password: string;
  groups: string[];
}

function Editor({ operator }: { operator: OperatorFull | null }) {
  const client = useQueryClient();
  const me = useMe().operator;
  const groups = useGroups();
  const [link, setLink] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);

  const start: Values = {
    email: operator?.email ?? "",
    first_name: operator?.first_name ?? "",
    last_name: operator?.last_name ?? "",
    alias: operator?.alias ?? "",
    role: operator?.role ?? "operator",
    slots: String(operator?.slots ?? 5),
    password: "",
    groups: (operator?.groups ?? []).map((group) => String(group.id)),
  };
  const form = useForm(start, async (values, key) => {
    const input: OperatorInput = {
      email: values.email.trim(),
      first_name: values.first_name.trim(),
      last_name: values.last_name.trim(),
      alias: values.alias.trim(),
      role: values.role,
      slots: Number(values.slots) || 0,
      group_ids: values.groups.map(Number),
    };
    if (values.password) input.password = values.password;
    if (operator) {
      await operators.update(operator.id, input);
      form.set("password", "");
      toast("Saved");
    } else {
      const made = await operators.create(input, key);
      if (made.invite_link) setLink(made.invite_link);
      else go("/settings/operators", { replace: true });
      toast(`${made.operator.name} was added`);
    }
    await client.invalidateQueries({ queryKey: keys.operators });
    void client.invalidateQueries({ queryKey: keys.groups });
  });
  const { values, set, fault } = form;

  const act = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (cause) {
      toast(asApiError(cause).detail);
    }
  };
  const setActive = (active: boolean) =>
    act(async () => {
      if (!operator) return;
      await operators.update(operator.id, { active });
      await client.invalidateQueries({ queryKey: keys.operators });
      toast(active ? "Active again" : "Deactivated");
    });
  const invite = () =>
    act(async () => {
      if (operator) setLink((await operators.link(operator.id)).invite_link);
    });

  return (
    <Page
      title={operator?.name ?? "Add operator"}
      back={BACK}
      intro={
        operator && !operator.active
          ? "Deactivated: cannot sign in. Conversations and messages stay."
          : undefined
      }
      actions={
        operator && (
          <>
            {operator.active && (
              <Action icon="key" onPress={() => void invite()}>
                One-time link
              </Action>
            )}
            {operator.id !== me.id &&
              (operator.active ? (
                <Action kind="danger" onPress={() => setAsking(true)}>
                  Deactivate
                </Action>
              ) : (
                <Action onPress={() => void setActive(true)}>Activate</Action>
              ))}
          </>
        )
      }
    >
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection title="Person">
          <TextEntry
            label="E-mail"
            type="email"
            value={values.email}
            onChange={(value) => set("email", value)}
            error={fault("email")}
            required
            autoFocus={!operator}
          />
          <div className="two">
            <TextEntry
              label="First name"
              value={values.first_name}
              onChange={(value) => set("first_name", value)}
              error={fault("first_name")}
            />
            <TextEntry
              label="Last name"
              value={values.last_name}
              onChange={(value) => set("last_name", value)}
              error={fault("last_name")}
            />
          </div>
          <TextEntry
            label="Alias"
            value={values.alias}
            onChange={(value) => set("alias", value)}
            error={fault("alias")}
            hint="What visitors see instead of the name."
          />
        </FormSection>
        <FormSection title="Work">
          <ChoiceEntry
            label="Role"
            value={values.role}
            onChange={(value) => set("role", value)}
            error={fault("role")}
            choices={[
              { value: "operator", label: "Operator: answers" },
              { value: "admin", label: "Admin: answers and changes settings" },
            ]}
          />
          <TextEntry
            label="Slots"
            value={values.slots}
            onChange={(value) => set("slots", value)}
            error={fault("slots")}
            inputMode="numeric"
            hint="How many conversations at the same time."
          />
          {(groups.data ?? []).length > 0 && (
            <ChecksEntry
              label="Groups"
              columns
              value={values.groups}
              onChange={(value) => set("groups", value)}
              choices={(groups.data ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
            />
          )}
        </FormSection>
        <FormSection title="Sign-in">
          <TextEntry
            label={operator ? "New password" : "Password"}
            type="password"
            autoComplete="new-password"
            value={values.password}
            onChange={(value) => set("password", value)}
            error={fault("password")}
            hint={operator ? "Empty: stays as it is." : "Empty: you get a link that signs them in once."}
          />
        </FormSection>
        <FormEnd form={form} label={operator ? "Save" : "Add operator"} fields={SHOWN} />
      </form>
      {operator && (
        <Confirm
          open={asking}
          title={`Deactivate ${operator.name}?`}
          action="Deactivate"
          onClose={() => setAsking(false)}
          onConfirm={() => void setActive(false)}
        >
          They are signed out at once and their open conversations become unassigned. You can activate them
          again.
        </Confirm>
      )}
      <Window
        open={link !== null}
        onClose={() => {
          setLink(null);
          if (!operator) go("/settings/operators", { replace: true });
        }}
        title="One-time link"
        wide
      >
        <p>
          Send it to {operator?.name ?? "the new operator"}. It signs in once, then they choose a password in
          their profile.
        </p>
        <Copyable text={link ?? ""} label="One-time link" wrap />
        <div className="dialog-actions">
          <Action slot="close" kind="primary">
            Done
          </Action>
        </div>
      </Window>
    </Page>
  );
}
