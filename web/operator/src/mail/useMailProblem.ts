import { useQuery } from "@tanstack/react-query";
import type { Contact } from "../api/types.ts";
import { type MailProblem, mail } from "./api.ts";
import { MAIL_PROBLEM } from "./keys.ts";

/** Why mails to the contact's address do not arrive; nothing while they do. */
export function useMailProblem({ id, email }: Contact): MailProblem | null {
  const found = useQuery({
    queryKey: [...MAIL_PROBLEM, id, email],
    queryFn: async () => (await mail.contact(id)).mail_problem ?? null,
    enabled: email !== "",
    staleTime: 60_000,
  });
  return found.data ?? null;
}
