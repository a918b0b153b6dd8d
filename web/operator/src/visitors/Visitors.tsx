import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import { age, moment, timeOfDay } from "../app/clock.ts";
import { useMe } from "../app/me.ts";
import { go, Link, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { ChoiceEntry } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { Avatar, Callout, Skeleton } from "../design/marks.tsx";
import { sentence } from "../settings/standing.ts";
import { type Visitor, visitors } from "./api.ts";
import { InviteDialog } from "./InviteDialog.tsx";
import { useShowing } from "./useShowing.ts";
import { aboutVisitor, pagesText, shortAddress, stayed, webAddress } from "./words.ts";
import "../inbox/inbox.css";
import "./visitors.css";

/** Nothing tells of visitors by itself: the list is asked for again and again while it is looked at. */
const LOOK = 5000;

export default function Visitors() {
  const { query } = usePlace();
  const { showing, known } = useShowing();
  const asked = Number(query.get("widget")) || null;
  const widget = showing.some((each) => each.id === asked) ? asked : null;
  const list = useQuery({
    queryKey: ["visitors", widget],
    queryFn: ({ signal }) => visitors.list(widget, signal),
    refetchInterval: LOOK,
    refetchOnMount: "always",
    placeholderData: keepPreviousData,
    enabled: showing.length > 0,
    retry: false,
  });
  const [trail, setTrail] = useState<number | null>(null);
  const [inviting, setInviting] = useState<Visitor | null>(null);
  const items = list.data ?? [];
  const names = new Map(showing.map((each) => [each.id, each.name]));
  return (
    <main className="visitors">
      <div className="visitors-inside">
        <header className="visitors-head">
          <h1>
            Visitors <span className="visitors-count">{list.data ? items.length : ""}</span>
          </h1>
          {showing.length > 1 && (
            <ChoiceEntry
              label="Widget"
              hideLabel
              value={widget === null ? "all" : String(widget)}
              choices={[
                { value: "all", label: "All widgets" },
                ...showing.map((each) => ({ value: String(each.id), label: each.name })),
              ]}
              onChange={(next) =>
                go(next === "all" ? "/visitors" : `/visitors?widget=${next}`, { replace: true })
              }
            />
          )}
        </header>
        {list.isError && (
          <Callout tone="warn">
            <p>{sentence(asApiError(list.error).detail)} The list is asked for again by itself.</p>
          </Callout>
        )}
        {known && showing.length === 0 ? (
          <NotShown />
        ) : list.data ? (
          items.length === 0 ? (
            <div className="visitors-none">
              <Icon name="eye" size={32} />
              <strong>Nobody is here now</strong>
              <p>Whoever opens a page with your widget appears here within seconds.</p>
            </div>
          ) : (
            <ul className="visitor-list" aria-label="Visitors on the site">
              {items.map((visitor) => (
                <Row
                  key={visitor.id}
                  visitor={visitor}
                  at={list.dataUpdatedAt}
                  widget={showing.length > 1 && widget === null ? names.get(visitor.widget_id) : undefined}
                  open={trail === visitor.id}
                  onTrail={() => setTrail(trail === visitor.id ? null : visitor.id)}
                  onInvite={() => setInviting(visitor)}
                />
              ))}
            </ul>
          )
        ) : (
          !list.isError && (
            <div className="visitor-list" role="status" aria-label="Loading visitors">
              {[0, 1, 2].map((each) => (
                <Skeleton key={each} width="100%" height={72} />
              ))}
            </div>
          )
        )}
      </div>
      {inviting && (
        <InviteDialog
          visitor={inviting}
          now={items.find((each) => each.id === inviting.id) ?? null}
          onClose={() => setInviting(null)}
        />
      )}
    </main>
  );
}

function NotShown() {
  const admin = useMe().operator.role === "admin";
  return (
    <div className="visitors-none">
      <Icon name="eye" size={32} />
      <strong>No widget shows its visitors</strong>
      <p>
        {admin ? (
          <>
            Switch it on for a widget in <Link to="/settings/widgets">its settings</Link>. Nothing is stored
            on visitors' devices for it.
          </>
        ) : (
          "An administrator can switch it on for a widget."
        )}
      </p>
    </div>
  );
}

interface RowProps {
  visitor: Visitor;
  /** When the list was told, in milliseconds. */
  at: number;
  widget: string | undefined;
  open: boolean;
  onTrail: () => void;
  onInvite: () => void;
}

function Row({ visitor, at, widget, open, onTrail, onInvite }: RowProps) {
  const name = visitor.handle_or_name;
  const invited = visitor.invited_at !== null;
  const trailId = `trail-${visitor.id}`;
  return (
    <li className="visitor" data-visitor={visitor.id}>
      <Avatar name={name} id={visitor.id} />
      <div className="visitor-main">
        <div className="visitor-top">
          <strong className="visitor-name" dir="auto">
            {name}
          </strong>
          {widget && <span className="visitor-widget">{widget}</span>}
          {visitor.conversation_id !== null ? (
            <span className="tag good">In a conversation</span>
          ) : (
            visitor.invited_at && (
              <span className="tag accent" title={`Invited ${moment(visitor.invited_at)}`}>
                Invited {age(visitor.invited_at, at)}
              </span>
            )
          )}
        </div>
        <Address className="visitor-page" url={visitor.url} title={visitor.title} />
        <div className="visitor-about" title={visitor.ip || undefined}>
          {aboutVisitor(visitor)}
        </div>
      </div>
      <div className="visitor-actions">
        <span className="visitor-stay">{stayed(visitor, at)}</span>
        <Action
          small
          kind="quiet"
          icon={open ? "up" : "down"}
          aria-expanded={open}
          aria-controls={open ? trailId : undefined}
          onPress={onTrail}
        >
          {pagesText(visitor.pages)}
          <span className="hidden-text">: the way of {name}</span>
        </Action>
        {visitor.conversation_id !== null ? (
          <Link
            to={`/inbox/${visitor.conversation_id}`}
            className="button small"
            aria-label={`Open the conversation with ${name}`}
          >
            <Icon name="chat" size={16} />
            Open
          </Link>
        ) : (
          <Action
            small
            icon="send"
            // Not disabled: it has the focus when the dialog is gone.
            aria-disabled={invited || undefined}
            onPress={invited ? undefined : onInvite}
            aria-label={`Invite ${name}`}
          >
            Invite
          </Action>
        )}
      </div>
      {open && <Trail id={trailId} visitor={visitor} />}
    </li>
  );
}

function Trail({ id, visitor }: { id: string; visitor: Visitor }) {
  const missing = visitor.pages - visitor.trail.length;
  return (
    <div className="trail" id={id}>
      {visitor.referrer && (
        <p className="trail-from">
          Came from <Address url={visitor.referrer} title="" />
        </p>
      )}
      {missing > 0 && (
        <p className="trail-from">{missing === 1 ? "1 earlier page" : `${missing} earlier pages`}</p>
      )}
      <ol className="trail-pages">
        {visitor.trail.map((page, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a page may be opened twice, and the order stays
          <li key={index}>
            <time dateTime={page.at} title={moment(page.at)}>
              {timeOfDay(page.at)}
            </time>
            <Address url={page.url} title={page.title} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function Address({ url, title, className }: { url: string; title: string; className?: string }) {
  const address = webAddress(url);
  const text = title || shortAddress(url) || "Unknown page";
  const look = className ? `address ${className}` : "address";
  if (!address)
    return (
      <span className={look} dir="auto">
        {text}
      </span>
    );
  return (
    <a className={look} href={address} target="_blank" rel="noopener noreferrer" title={address} dir="auto">
      {text}
    </a>
  );
}
