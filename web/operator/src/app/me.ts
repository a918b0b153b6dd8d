import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { session } from "../api/routes.ts";
import type { Me } from "../api/types.ts";
import { leaveRun } from "../conversations/run.ts";
import { keys } from "../realtime/snapshots.ts";

export const MeContext = createContext<Me | null>(null);

export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("Nobody is signed in above this component.");
  return me;
}

export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    try {
      await session.signOut();
    } finally {
      leaveRun();
      client.setQueryData(keys.me, null);
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.me[0] });
    }
  };
}
