import { useQuery } from "@tanstack/react-query";
import { Link, usePlace } from "../app/router.tsx";
import { LoadFault, Loading, Page } from "../settings/parts.tsx";
import { sentence } from "../settings/standing.ts";
import { type MailServer, mail } from "./api.ts";
import { SERVER_KEY } from "./keys.ts";
import { MailDeliveries } from "./MailDeliveries.tsx";
import { MailList } from "./MailList.tsx";
import { ServerSettings } from "./ServerSettings.tsx";
import "./mail.css";

const HOME = "/settings/mail";

const TABS = [
  { end: "", label: "Mail server" },
  { end: "/mails", label: "Mails" },
  { end: "/deliveries", label: "Deliveries" },
];

/** Mails to contacts: the way out of the installation, what went out and each attempt. */
export default function MailPage() {
  const { path } = usePlace();
  const server = useQuery({
    queryKey: SERVER_KEY,
    queryFn: mail.server,
    refetchOnMount: "always",
    refetchInterval: 5000,
  });
  return (
    <Page
      wide
      title="E-mail"
      intro={
        <>
          <span>
            Transcripts, missed messages and sign-in links go to contacts through this mail server. A widget
            can send its mails through your own program instead, in its settings under Chat › Advanced.
          </span>
          {server.data && <ServerState server={server.data} />}
        </>
      }
    >
      <nav className="tabs" aria-label="E-mail">
        {TABS.map(({ end, label }) => (
          <Link
            key={end}
            to={HOME + end}
            className="tab"
            aria-current={path === HOME + end ? "page" : undefined}
          >
            {label}
          </Link>
        ))}
      </nav>
      {path === `${HOME}/mails` ? (
        <MailList />
      ) : path === `${HOME}/deliveries` ? (
        <MailDeliveries />
      ) : server.data ? (
        <ServerSettings server={server.data} />
      ) : server.isError ? (
        <LoadFault error={server.error} onRetry={() => void server.refetch()} />
      ) : (
        <Loading rows={6} />
      )}
    </Page>
  );
}

const STATES: Record<MailServer["state"], { label: string; tone: string }> = {
  unset: { label: "Not set up", tone: "" },
  ok: { label: "Set up", tone: "good" },
  failing: { label: "Failing", tone: "bad" },
};

function ServerState({ server }: { server: MailServer }) {
  const { state, waiting, reason } = server;
  const { label, tone } = STATES[state];
  return (
    <span className="inline wrap">
      <span className={`tag ${tone}`}>{label}</span>
      {waiting > 0 && (
        <Link to={`${HOME}/mails?state=queued`}>
          {waiting.toLocaleString("en-US")} {waiting === 1 ? "mail waits" : "mails wait"}
        </Link>
      )}
      {state === "failing" && <span className="item-hint">{sentence(reason)}</span>}
    </span>
  );
}
