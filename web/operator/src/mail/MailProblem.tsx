import type { Contact } from "../api/types.ts";
import { moment } from "../app/clock.ts";
import { Callout } from "../design/marks.tsx";
import { sentence } from "../settings/standing.ts";
import { useMailProblem } from "./useMailProblem.ts";

/** Below the contact's address: that mails to it are refused. */
export default function MailProblem({ contact }: { contact: Contact }) {
  const problem = useMailProblem(contact);
  if (!problem) return null;
  return (
    <Callout tone="warn" still>
      <span title={moment(problem.at)}>
        Mails to this address are refused. <bdi>{sentence(problem.reason)}</bdi>
      </span>
    </Callout>
  );
}
