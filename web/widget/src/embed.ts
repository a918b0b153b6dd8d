import { defineElement } from "./element";
import { type Api, createShell } from "./shell";

// For sites that bring their own build: the same thing as the loader, as a module, without window.parley.

export type { Result } from "./result";
export type { Api, ContactInfo, FreeField, OpenOptions, PublicState, Traits, Visibility } from "./shell";

export interface MessengerOptions {
  widgetKey: string;
  /** Where the server is; by default where this module came from. */
  baseUrl?: string;
  nonce?: string;
  /** The element to live in; by default the page's body. */
  parent?: HTMLElement;
}

export function createMessenger({ widgetKey, baseUrl, nonce, parent }: MessengerOptions): Api {
  const base = (baseUrl ?? new URL(/* @vite-ignore */ "..", import.meta.url).href).replace(/\/$/, "");
  return createShell({
    key: widgetKey,
    base,
    nonce: nonce ?? "",
    parent,
  });
}

defineElement("parley-messenger", createMessenger);
