import { useRef, useState } from "react";
import { conversations } from "../../api/routes.ts";
import type { Message } from "../../api/types.ts";
import { useLive } from "../../app/live-context.ts";
import type { Live } from "../../realtime/live.ts";
import { settled } from "../../realtime/reducer.ts";

const PAGE = 50;

/** Our own copy of a file, at the origin this page came from: a server may be known under more than one name. */
export function ownAddress(url: string): string {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

const running = new Map<number, Promise<Map<number, Message>>>();

async function ask(live: Live, conversationId: number, number: number): Promise<Map<number, Message>> {
  const page = await conversations.messages(conversationId, {
    before: number + PAGE / 2,
    limit: PAGE,
  });
  const fresh = new Map(page.items.map((item) => [item.number, item]));
  live.changeThread(conversationId, (items) =>
    items.map((item) => {
      const found = fresh.get(item.number);
      return found?.media || found?.link ? settled(item, found) : item;
    }),
  );
  return fresh;
}

/** Addresses of files end after a week. Those around the message are asked for again, all in one question. */
async function renewed(live: Live, { conversation_id: id, number }: Message): Promise<Message | undefined> {
  const other = await running.get(id)?.catch(() => undefined);
  const known = other?.get(number);
  if (known) return known;
  const question = ask(live, id, number);
  running.set(id, question);
  try {
    return (await question).get(number);
  } finally {
    if (running.get(id) === question) running.delete(id);
  }
}

/** For what could not be loaded: one try with a new address, and only then the news. */
export function useRenewal(message: Message, address: (message: Message) => string | null | undefined) {
  const live = useLive();
  const [broken, setBroken] = useState(false);
  const tried = useRef(false);
  const renew = () => {
    const before = address(message);
    tried.current = true;
    renewed(live, message).then(
      (fresh) => setBroken(!fresh || address(fresh) === before),
      () => setBroken(true),
    );
  };
  return {
    broken,
    onError: () => (tried.current ? setBroken(true) : renew()),
    again: () => {
      tried.current = false;
      setBroken(false);
    },
  };
}
