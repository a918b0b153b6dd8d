import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Button, DialogTrigger, Popover } from "react-aria-components";
import { request } from "../api/client.ts";
import { endpoints } from "../api/routes.ts";
import { useNow } from "../app/clock.ts";
import { useMe } from "../app/me.ts";
import { Link } from "../app/router.tsx";
import { remember, useRemembered } from "../app/stored.ts";
import { channels } from "../channels/api.ts";
import { Action } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { toast } from "../design/toasts.tsx";
import { mail } from "../mail/api.ts";
import { SERVER_KEY } from "../mail/keys.ts";
import {
  mailTroublesOf,
  noticeOf,
  OPERATIONAL,
  type OperationalEvent,
  readSeen,
  seeAll,
  troublesOf,
  unseen,
} from "./attention.ts";
import "./attention.css";

const SEEN = "attention-seen";
/** How often the feed is asked. It says nothing about people, so there is no hurry. */
const LOOK = 30_000;

interface FeedPage {
  items: OperationalEvent[];
  next_after: number;
}

/** Tells of what happens to endpoints, channels and mails from now on, once each, and lets their lists be read again. */
function useNotices(): void {
  const client = useQueryClient();
  const from = useMe().seq;
  const feed = useQuery({
    queryKey: ["operational"],
    queryFn: async ({ client: cache }) => {
      const before = cache.getQueryData<FeedPage>(["operational"]);
      return request<FeedPage>("GET", "/events", {
        query: { after: before?.next_after ?? from, types: OPERATIONAL.join(","), limit: 100 },
      });
    },
    refetchInterval: LOOK,
    refetchOnMount: "always",
    retry: false,
  });
  const { data } = feed;
  useEffect(() => {
    if (!data || data.items.length === 0) return;
    toast(noticeOf(data.items), { milliseconds: 10_000 });
    void client.invalidateQueries({ queryKey: ["endpoints"] });
    void client.invalidateQueries({ queryKey: ["channels"] });
    void client.invalidateQueries({ queryKey: ["mails"] });
  }, [data, client]);
}

/** Beside Settings, for admins: how many things there need attention, and which. Nothing while all is well. */
export default function Attention() {
  const now = useNow();
  const stored = useRemembered(SEEN);
  const [open, setOpen] = useState(false);
  useNotices();
  const ways = useQuery({
    queryKey: ["endpoints"],
    queryFn: async () => (await endpoints.list()).items,
  });
  const others = useQuery({
    queryKey: ["channels"],
    queryFn: async () => (await channels.list()).items,
  });
  const server = useQuery({ queryKey: SERVER_KEY, queryFn: mail.server, refetchInterval: 10 * LOOK });
  const failed = useQuery({
    queryKey: ["mails", "failed"],
    queryFn: async () => (await mail.list({ state: "failed", limit: 1 })).items[0] ?? null,
  });
  const all = [
    ...troublesOf("endpoints", ways.data ?? [], now),
    ...troublesOf("channels", others.data ?? [], now),
    ...mailTroublesOf(server.data, failed.data ?? undefined),
  ];
  const fresh = unseen(all, readSeen(stored));

  // That something works again is no event.
  const { refetch: again } = ways;
  const { refetch: againToo } = others;
  const { refetch: againServer } = server;
  const waiting = fresh.length > 0;
  useEffect(() => {
    if (!waiting) return;
    const timer = window.setInterval(() => {
      if (document.visibilityState !== "visible") return;
      void again();
      void againToo();
      void againServer();
    }, 2 * LOOK);
    return () => window.clearInterval(timer);
  }, [waiting, again, againToo, againServer]);

  if (!waiting && !open) return null;
  const count = `${fresh.length} ${fresh.length === 1 ? "thing needs" : "things need"} attention`;
  return (
    <DialogTrigger isOpen={open} onOpenChange={setOpen}>
      <Button className="button quiet attention" aria-label={count}>
        <span className="badge attention-count">{fresh.length}</span>
      </Button>
      <Popover className="popover" placement="bottom start" offset={4} aria-label="Needs attention">
        <div className="attention-list">
          <h2>Needs attention</h2>
          <ul>
            {fresh.map((trouble) => (
              <li key={trouble.key}>
                <Link to={trouble.to} className="attention-link" onClick={() => setOpen(false)}>
                  <Icon name="alert" size={16} />
                  <span>
                    <strong dir="auto">{trouble.name}</strong>
                    <span>{trouble.text}</span>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
          <div>
            <Action
              small
              icon="check"
              onPress={() => {
                remember(SEEN, JSON.stringify(seeAll(all)));
                setOpen(false);
              }}
            >
              I have seen these
            </Action>
          </div>
        </div>
      </Popover>
    </DialogTrigger>
  );
}
