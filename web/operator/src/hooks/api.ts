// A widget's five webhooks: their routes, and their shapes as the contract names them. Each one that has an address is an
// endpoint, too, with the log, the test and the pause of one.

import { request } from "../api/client.ts";
import type { Endpoint } from "../api/types.ts";

export interface WidgetHook {
  /** Its event, such as "new_conversation". */
  hook: string;
  title: string;
  description: string;
  /** Empty: nobody is called. */
  url: string;
  endpoint_id: number | null;
  state: Endpoint["state"] | null;
}

export interface WidgetHooks {
  /** All five, in a fixed order. */
  hooks: WidgetHook[];
  real_names: boolean;
  traits_text: boolean;
}

export interface HooksInput {
  /** By hook; those that are missing stay as they are. */
  urls: { [hook: string]: string };
  real_names?: boolean;
  traits_text?: boolean;
}

/** Of those that the call made; they are not told again. */
export type HookSecrets = { [hook: string]: string };

export const hooksKey = (widget: number) => ["widget-hooks", widget];

export const widgetHooks = {
  get: (widget: number) => request<WidgetHooks>("GET", `/widgets/${widget}/webhooks`),
  set: (widget: number, input: HooksInput, key: string) =>
    request<WidgetHooks & { secrets?: HookSecrets }>("PUT", `/widgets/${widget}/webhooks`, {
      body: input,
      key,
    }),
};
