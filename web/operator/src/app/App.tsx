import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useMemo } from "react";
import { I18nProvider, RouterProvider } from "react-aria-components";
import { onSignedOut } from "../api/client.ts";
import { ApiError, asApiError } from "../api/error.ts";
import { session } from "../api/routes.ts";
import type { Me } from "../api/types.ts";
import { Action } from "../design/Action.tsx";
import { Callout } from "../design/marks.tsx";
import { Toasts } from "../design/toasts.tsx";
import { Live } from "../realtime/live.ts";
import { keys } from "../realtime/snapshots.ts";
import { lazyPage } from "./lazily.tsx";
import { LiveContext } from "./live-context.ts";
import { MeContext } from "./me.ts";
import { queryClient } from "./queries.ts";
import { BASE, go, usePlace } from "./router.tsx";
import { Shell } from "./Shell.tsx";
import "./app.css";

const SignIn = lazyPage(() => import("../signin/SignIn.tsx"));
const LinkSignIn = lazyPage(() => import("../signin/LinkSignIn.tsx"));

onSignedOut(() => queryClient.setQueryData(keys.me, null));

async function whoAmI(): Promise<Me | null> {
  try {
    return await session.me();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export function App() {
  return (
    <I18nProvider locale="en-US">
      <QueryClientProvider client={queryClient}>
        <RouterProvider navigate={go} useHref={(to) => (to.startsWith("/") ? BASE + to : to)}>
          <Suspense fallback={<div className="blank" />}>
            <Gate />
          </Suspense>
          <Toasts />
        </RouterProvider>
      </QueryClientProvider>
    </I18nProvider>
  );
}

function Gate() {
  const { path } = usePlace();
  const me = useQuery({
    queryKey: keys.me,
    queryFn: whoAmI,
    enabled: path !== "/link",
    refetchOnMount: false,
  });

  if (path === "/link") return <LinkSignIn />;
  if (me.data) return <SignedIn me={me.data} />;
  if (me.data === null) return <SignIn />;
  if (me.isError) {
    return (
      <main className="gate">
        <Callout tone="bad">
          <p>{asApiError(me.error).detail}</p>
          <p>
            <Action onPress={() => void me.refetch()} icon="refresh">
              Try again
            </Action>
          </p>
        </Callout>
      </main>
    );
  }
  return <div className="blank" />;
}

function SignedIn({ me }: { me: Me }) {
  const id = me.operator.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: one line for each signed-in operator
  const live = useMemo(() => new Live(queryClient), [id]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: later changes of `me` come through the line itself
  useEffect(() => {
    live.start(me);
    return () => live.stop();
  }, [live]);
  return (
    <MeContext value={me}>
      <LiveContext value={live}>
        <Shell />
      </LiveContext>
    </MeContext>
  );
}
