import { brandColors, formatColor, type Rgb, readableOn } from "../../shared/contrast";
import css from "./launcher.css?inline";
import type { WidgetSettings } from "./wire";

// The round button and the shadow root that holds everything. Plain DOM and bare of all that only the
// messenger needs (badge, arrow), because the loader draws it.

export interface Launcher {
  readonly root: ShadowRoot;
  readonly button: HTMLButtonElement;
  readonly brand: Rgb;
  /** Handed over, so that the messenger need not bring it again. */
  readonly readable: typeof readableOn;
}

/** Constructed sheets are not bound by the page's style-src; the element is only for browsers without them. */
export function addStyles(root: ShadowRoot, text: string, nonce: string): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    root.adoptedStyleSheets.push(sheet);
  } catch {
    const style = document.createElement("style");
    style.nonce = nonce;
    style.textContent = text;
    root.append(style);
  }
}

export const openLabel = (lang: string): string => (/^de/i.test(lang) ? "Chat öffnen" : "Open chat");

export function drawLauncher(
  { color, lang, position }: WidgetSettings,
  nonce: string,
  parent: HTMLElement,
): Launcher {
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const [brand, text] = brandColors(color);
  addStyles(root, `${css}*{--brand:${formatColor(brand)};--on-brand:${formatColor(text)}}`, nonce);
  const button = document.createElement("button");
  button.type = "button";
  button.className = `launcher ${position}`;
  button.setAttribute("aria-label", openLabel(lang));
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  const line = document.createElementNS(space, "path");
  line.setAttribute(
    "d",
    "M12 4c4.7 0 8.5 3.1 8.5 7s-3.8 7-8.5 7c-.9 0-1.8-.1-2.6-.3L4.8 20l1.3-3.9C4.5 14.8 3.5 13 3.5 11c0-3.9 3.8-7 8.5-7Z",
  );
  svg.append(line);
  button.append(svg);
  root.append(button);
  parent.append(host);
  return { root, button, brand, readable: readableOn };
}
