import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "../api/error.ts";

// Nothing is refetched for its age: the socket keeps what is shown up to date.
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 10 * 60_000,
      // Events replace only what they touch; comparing ten thousand conversations again would cost more than drawing.
      structuralSharing: false,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      retry: (failures, error) => failures < 4 && error instanceof ApiError && error.transient,
      retryDelay: (attempt) => Math.min(8000, 400 * 2 ** attempt),
    },
    mutations: { retry: false },
  },
});
