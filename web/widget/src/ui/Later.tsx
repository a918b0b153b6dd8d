import { type FunctionComponent, h } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { shortMoment } from "../../../shared/clock";
import { isOver } from "../model/view";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";
import { eventText } from "./Message";

/**
 * Preact and what else the parts that are loaded later share with the messenger: imported there too, it would be cut out of it into
 * a file of its own.
 */
export const kit = {
  h,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  Avatar,
  Icon,
  eventText,
  isOver,
  shortMoment,
};
export type Kit = typeof kit;

/** A part of the screen that is fetched when it is first needed. */
export function Later<P extends object>({ from, ...props }: { from: Source<P> } & P) {
  const [Part, put] = useState<FunctionComponent<P> | null>(null);
  useEffect(() => {
    // Without the part nothing is wrong; the next time tries again.
    from().then(
      ({ make }) => put(() => make(kit)),
      () => undefined,
    );
  }, []);
  return Part && <Part {...(props as unknown as P)} />;
}

type Source<P> = () => Promise<{ make(kit: Kit): FunctionComponent<P> }>;

/** The card after a conversation. */
export const after = () => import("./AfterCard");
/** All conversations. */
export const list = () => import("./List");
/** The form for when nobody is there. */
export const away = () => import("../offline/Offline");
/** Who the visitor is: sign-in by mail, browsers, data. */
export const account = () => import("../account/Account");
/** The end of a conversation, and the way to another channel. */
export const ask = () => import("./AskCard");
