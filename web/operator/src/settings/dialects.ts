import { useQuery } from "@tanstack/react-query";
import { endpoints } from "../api/routes.ts";
import type { Dialect, DialectEvent } from "../api/types.ts";

/** The forms that calls can have, as the server knows them. */
export function useDialects() {
  return useQuery({ queryKey: ["dialects"], queryFn: async () => (await endpoints.dialects()).items });
}

export function newestOf(dialect: Dialect | undefined): string | undefined {
  return dialect?.versions.at(-1) ?? dialect?.version;
}

/** Whether a version of its dialect tells of an event at all. */
export function isTold(event: DialectEvent, version: string): boolean {
  return event.versions?.includes(version) ?? true;
}
