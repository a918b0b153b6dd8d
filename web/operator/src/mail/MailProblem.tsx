import type { Contact } from "../api/types.ts";
import { moment } from "../app/clock.ts";
import { Callout } from "../design/marks.tsx";
import { sentence } from "../settings/standing.ts";
import { MAIL_PROBLEM } from "./keys.ts";
import { useMailEvents } from "./useMailEvents.ts";
import { useMailProblem } from "./useMailProblem.ts";

const FAILED = ["mail.failed"] as const;

/** Below the contact's address: that mails to it are refused. */
export default function MailProblem({ contact }: { contact: Contact }) {
  useMailEvents(MAIL_PROBLEM, FAILED);
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
