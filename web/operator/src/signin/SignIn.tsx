import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { asApiError } from "../api/error.ts";
import { session } from "../api/routes.ts";
import { Action } from "../design/Action.tsx";
import { TextEntry } from "../design/fields.tsx";
import { Mark } from "../design/icons.tsx";
import { Callout } from "../design/marks.tsx";
import { keys } from "../realtime/snapshots.ts";
import "./signin.css";

export default function SignIn() {
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Sign in · Parley";
  }, []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setFault("");
    try {
      await session.signIn(email.trim(), password);
      client.setQueryData(keys.me, await session.me());
    } catch (cause) {
      const error = asApiError(cause);
      if (error.code === "auth.wrong_password") setFault("E-mail or password is wrong.");
      else if (error.status === 429)
        setFault(`Too many tries. Wait ${error.retryAfter ?? 60} seconds and try again.`);
      else setFault(error.detail);
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="signin">
      <form className="signin-card" onSubmit={submit} noValidate>
        <Mark size={40} />
        <div>
          <h1>Sign in to Parley</h1>
          <p className="field-hint">Message Center for operators</p>
        </div>
        {fault && <Callout tone="bad">{fault}</Callout>}
        <TextEntry
          label="E-mail"
          type="email"
          autoComplete="username"
          value={email}
          onChange={setEmail}
          autoFocus
        />
        <TextEntry
          label="Password"
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
        />
        <Action type="submit" kind="primary" isDisabled={busy || !email.trim() || !password}>
          {busy ? "Signing in…" : "Sign in"}
        </Action>
        <p className="field-hint">No password yet? Use the link an admin gave you; it works once.</p>
      </form>
    </main>
  );
}
