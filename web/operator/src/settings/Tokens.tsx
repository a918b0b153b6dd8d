import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import { tokens } from "../api/routes.ts";
import type { Json, Token } from "../api/types.ts";
import { age, moment, useNow } from "../app/clock.ts";
import { Action } from "../design/Action.tsx";
import { Confirm, Window } from "../design/Dialogs.tsx";
import { ChoiceEntry, TextEntry } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { toast } from "../design/toasts.tsx";
import { useForm } from "./form.ts";
import { Empty, FormEnd, LoadFault, Loading, Page, SecretOnce } from "./parts.tsx";

const KEY = ["tokens"];
const SCOPE: Record<Token["scope"], string> = {
  read: "Reads",
  write: "Reads and writes",
  admin: "Everything, settings included",
};

function maker(createdBy: Json): string {
  if (typeof createdBy === "string") return ` by ${createdBy}`;
  if (
    createdBy &&
    typeof createdBy === "object" &&
    !Array.isArray(createdBy) &&
    typeof createdBy.name === "string"
  ) {
    return ` by ${createdBy.name}`;
  }
  return "";
}

export default function Tokens() {
  const client = useQueryClient();
  const now = useNow();
  const list = useQuery({
    queryKey: KEY,
    queryFn: async () => (await tokens.list()).items,
    refetchOnMount: "always",
  });
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<Token | null>(null);

  const revoke = async (token: Token) => {
    try {
      await tokens.revoke(token.id);
      toast(`${token.name} was revoked`);
      await client.invalidateQueries({ queryKey: KEY });
    } catch (cause) {
      toast(asApiError(cause).detail);
    }
  };
  return (
    <Page
      title="API tokens"
      intro="A token lets a program use the API and the event feed in the name of this server."
      actions={
        <Action kind="primary" icon="plus" onPress={() => setMaking(true)}>
          New token
        </Action>
      }
    >
      {list.isPending ? (
        <Loading rows={3} />
      ) : list.isError ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : list.data.length === 0 ? (
        <Empty icon="key" title="No token yet">
          <p>
            Programs send it as <code>Authorization: Bearer pat_…</code>. The reference is at{" "}
            <a href="/docs">/docs</a>.
          </p>
        </Empty>
      ) : (
        <ul className="card rows">
          {list.data.map((token) => (
            <li key={token.id} className="item">
              <Icon name="key" />
              <span className="item-main">
                <span className="item-title">{token.name}</span>
                <span className="item-hint">
                  <span className="mono">{token.prefix}…</span> · made{" "}
                  <time dateTime={token.created_at} title={moment(token.created_at)}>
                    {age(token.created_at, now)}
                  </time>
                  {maker(token.created_by)} ·{" "}
                  {token.last_used_at ? `last used ${age(token.last_used_at, now)}` : "never used"}
                </span>
              </span>
              <span className={token.scope === "admin" ? "tag warn" : "tag"}>{token.scope}</span>
              <Action
                small
                kind="danger"
                onPress={() => setRevoking(token)}
                aria-label={`Revoke ${token.name}`}
              >
                Revoke
              </Action>
            </li>
          ))}
        </ul>
      )}
      <Window open={making} onClose={() => setMaking(false)} title="New API token">
        <NewToken
          onMade={(made) => {
            setMaking(false);
            setSecret(made);
          }}
        />
      </Window>
      <SecretOnce secret={secret} title="API token" label="API token" onClose={() => setSecret(null)}>
        Send it as <code>Authorization: Bearer</code> with every request.
      </SecretOnce>
      <Confirm
        open={revoking !== null}
        title={`Revoke ${revoking?.name ?? ""}?`}
        action="Revoke token"
        onClose={() => setRevoking(null)}
        onConfirm={() => revoking && void revoke(revoking)}
      >
        Programs that use it are refused at once.
      </Confirm>
    </Page>
  );
}

function NewToken({ onMade }: { onMade: (secret: string) => void }) {
  const client = useQueryClient();
  const form = useForm({ name: "", scope: "read" as Token["scope"] }, async (values, key) => {
    const made = await tokens.create(values.name.trim(), values.scope, key);
    void client.invalidateQueries({ queryKey: KEY });
    onMade(made.secret);
  });
  return (
    <form className="stack" onSubmit={form.submit} noValidate>
      <TextEntry
        label="Name"
        value={form.values.name}
        onChange={(value) => form.set("name", value)}
        error={form.fault("name")}
        hint="What it is for."
        autoFocus
        required
      />
      <ChoiceEntry
        label="Scope"
        value={form.values.scope}
        onChange={(value) => form.set("scope", value)}
        error={form.fault("scope")}
        choices={(["read", "write", "admin"] as const).map((scope) => ({
          value: scope,
          label: `${scope}: ${SCOPE[scope]}`,
        }))}
      />
      <FormEnd form={form} label="Make token" fields={["name", "scope"]} />
    </form>
  );
}
