import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { asApiError } from "../api/error.ts";
import { session } from "../api/routes.ts";
import { go } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Mark } from "../design/icons.tsx";
import { Callout } from "../design/marks.tsx";
import { keys } from "../realtime/snapshots.ts";
import "./signin.css";

export default function LinkSignIn() {
  const client = useQueryClient();
  const [fault, setFault] = useState("");
  const begun = useRef(false);

  useEffect(() => {
    // A link works once, so it must not be posted twice.
    if (begun.current) return;
    begun.current = true;
    const token = decodeURIComponent(location.hash.replace(/^#/, ""));
    // The token does not stay in the address bar or the history.
    history.replaceState(null, "", location.pathname);
    if (!token) {
      setFault("This link is not complete. Copy all of it, with the part after #.");
      return;
    }
    void (async () => {
      try {
        await session.signInByLink(token);
        client.setQueryData(keys.me, await session.me());
        go("/", { replace: true });
      } catch (cause) {
        const error = asApiError(cause);
        setFault(
          error.code === "auth.link_used"
            ? "This link was used already or has expired. Ask an admin for a new one, or sign in with your password."
            : error.detail,
        );
      }
    })();
  }, [client]);

  return (
    <main className="signin">
      <div className="signin-card">
        <Mark size={40} />
        <h1>{fault ? "The link does not work" : "Signing in…"}</h1>
        {fault && (
          <>
            <Callout tone="bad">{fault}</Callout>
            <Action kind="primary" onPress={() => go("/", { replace: true })}>
              Go to sign in
            </Action>
          </>
        )}
      </div>
    </main>
  );
}
