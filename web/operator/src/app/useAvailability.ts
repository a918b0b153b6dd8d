import { useMutation, useQueryClient } from "@tanstack/react-query";
import { asApiError } from "../api/error.ts";
import { session } from "../api/routes.ts";
import type { Me, OperatorFull, Presence } from "../api/types.ts";
import { toast } from "../design/toasts.tsx";
import { keys } from "../realtime/snapshots.ts";

export function useAvailability(): (availability: Presence) => void {
  const client = useQueryClient();
  const show = (fields: Partial<OperatorFull>) =>
    client.setQueryData<Me | null>(
      keys.me,
      (now) => now && { ...now, operator: { ...now.operator, ...fields } },
    );
  const { mutate } = useMutation({
    mutationFn: session.setAvailability,
    onMutate: (availability: Presence) => show({ availability }),
    onSuccess: (answer) => show(answer.operator),
    onError: (error) => {
      toast(asApiError(error).detail);
      void client.invalidateQueries({ queryKey: keys.me });
    },
  });
  return mutate;
}
