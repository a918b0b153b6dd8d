import { useQuery } from "@tanstack/react-query";
import { channels } from "./api.ts";

/** The channels beside the website. They change seldom and without an event: once a minute is often enough. */
export function useChannels() {
  return useQuery({
    queryKey: ["channels"],
    queryFn: async () => (await channels.list()).items,
    staleTime: 60_000,
  });
}

export function useChannelTypes() {
  return useQuery({
    queryKey: ["channel-types"],
    queryFn: async () => (await channels.types()).items,
  });
}
