import { addStyles, type Launcher, openLabel } from "./launcher";
import type { Texts } from "./texts/en";
import css from "./ui/launcher-more.css?inline";

// What the launcher shows once the messenger is there: the badge, and the arrow that closes.

export interface LauncherView {
  open: boolean;
  visible: boolean;
  unread: number;
}

export function dressLauncher(
  { root, button }: Launcher,
  nonce: string,
  lang: string,
  texts: Texts,
): { show(view: LauncherView): void } {
  addStyles(root, css, nonce);
  const chat = button.querySelector("svg") as SVGElement;
  const arrow = chat.cloneNode(true) as SVGElement;
  chat.classList.add("chat");
  arrow.classList.add("down");
  arrow.firstElementChild?.setAttribute("d", "m6 9.5 6 6 6-6");
  const badge = document.createElement("span");
  // Beside the button, not in it: its name is what it does, not a number.
  badge.className = button.className.replace("launcher", "badge");
  badge.setAttribute("aria-hidden", "true");
  // A description, so that the button keeps its name.
  const note = document.createElement("span");
  note.id = "note";
  note.hidden = true;
  button.append(arrow);
  button.after(badge, note);
  button.setAttribute("aria-describedby", note.id);

  return {
    show({ open, visible, unread }) {
      button.setAttribute("aria-label", open ? texts.close : openLabel(lang));
      button.setAttribute("aria-expanded", String(open));
      button.hidden = !visible;
      badge.textContent = unread > 99 ? "99+" : String(unread);
      badge.hidden = open || !unread || !visible;
      note.textContent = badge.hidden ? "" : texts.unread(unread);
    },
  };
}
