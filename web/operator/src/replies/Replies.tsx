import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, usePlace } from "../app/router.tsx";
import { TextEntry } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { Empty, LinkAction, LoadFault, Loading, Page } from "../settings/parts.tsx";
import { listReplies, replyListKey } from "./api.ts";
import { matching } from "./matching.ts";
import { kindOf, WORDS } from "./words.ts";
import "./replies.css";

/** As many as one looks through without searching. */
const FEW = 8;

/** All texts of a kind: they are few enough to be searched here. */
export default function Replies() {
  const kind = kindOf(usePlace().path);
  const words = WORDS[kind];
  const [q, setQ] = useState("");
  const list = useQuery({
    queryKey: replyListKey(kind),
    queryFn: ({ signal }) => listReplies({ kind }, signal),
    refetchOnMount: "always",
  });
  const items = list.data ?? [];
  const found = matching(items, q);
  return (
    <Page
      title={words.title}
      intro={words.intro}
      actions={
        <LinkAction to={`${words.home}/new`} icon="plus" primary>
          {words.make}
        </LinkAction>
      }
    >
      {list.isPending ? (
        <Loading />
      ) : list.isError && !list.data ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : items.length === 0 ? (
        <Empty icon={words.icon} title={words.emptyTitle}>
          <p>{words.empty}</p>
        </Empty>
      ) : (
        <>
          {items.length > FEW && (
            <TextEntry label="Search" hideLabel placeholder="Search" value={q} onChange={setQ} />
          )}
          <p className="hidden-text" role="status">
            {q.trim() ? `${found.length} of ${items.length}` : ""}
          </p>
          {found.length === 0 ? (
            <Empty icon="search" title="None matches">
              <p>Nothing has these words in its shortcut, its title or its text.</p>
            </Empty>
          ) : (
            <ul className="card rows">
              {found.map((reply) => (
                <li key={reply.id}>
                  <Link to={`${words.home}/${reply.id}`} className="item">
                    <span className="item-main">
                      <span className="item-title">
                        <span className="mono reply-shortcut">#{reply.shortcut}</span>
                        {reply.title && <span dir="auto">{reply.title}</span>}
                      </span>
                      <span className="item-hint reply-lines" dir="auto">
                        {reply.body}
                      </span>
                      {reply.options.length > 0 && (
                        <span className="item-hint reply-options">{reply.options.join(" · ")}</span>
                      )}
                    </span>
                    <Icon name="right" size={16} />
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </Page>
  );
}
