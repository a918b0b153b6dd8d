import { initials } from "../../../shared/initials";
import { addStyles } from "../launcher";
import type { Surroundings } from "../shell";
import type { Invitation } from "../wire";
import css from "./bubble.css?inline";
import { hereTexts } from "./texts";

// What an operator wrote first, beside the launcher. Plain DOM, because the messenger may not be there yet.

export interface BubbleView {
  /** null takes it away. */
  show(invitation: Invitation | null): void;
  remove(): void;
}

export function makeBubble(around: Surroundings, onAnswer: () => void, onDismiss: () => void): BubbleView {
  const { launcher, answer, base, nonce } = around;
  const { lang, position, theme } = answer.widget;
  const { root, button } = launcher;
  const texts = hereTexts(lang);
  addStyles(root, css, nonce);

  const make = <K extends keyof HTMLElementTagNameMap>(tag: K, name: string, text = "") => {
    const one = document.createElement(tag);
    one.className = name;
    one.textContent = text;
    return one;
  };
  // There before it has words, so that a screen reader hears them come.
  const spoken = make("div", "spoken");
  spoken.setAttribute("aria-live", "polite");
  root.append(spoken);
  let shown: HTMLElement | undefined;

  function draw({ operator, body }: Invitation): HTMLElement {
    const who = operator.name || texts.team;
    const box = make("section", `invitation ${position}`);
    const dark =
      theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    box.classList.toggle("dark", dark);
    box.setAttribute("aria-label", texts.from(who));
    box.lang = /^de\b/i.test(lang) ? "de" : "en";
    box.dir = getComputedStyle(document.documentElement).direction;

    const says = make("button", "says");
    says.type = "button";
    says.title = texts.answer;
    const face = make("span", "face", initials(who));
    face.setAttribute("aria-hidden", "true");
    const image = /^https?:\/\//i.test(operator.image_url)
      ? operator.image_url
      : /^\/[^/]/.test(operator.image_url) && base + operator.image_url;
    if (image) {
      const picture = document.createElement("img");
      picture.alt = "";
      // The page's policy may forbid it.
      picture.onerror = () => face.replaceChildren(initials(who));
      picture.src = image;
      face.replaceChildren(picture);
    }
    const words = make("span", "words", body);
    words.dir = "auto";
    says.append(face, make("span", "by", who), words);
    says.onclick = onAnswer;

    const not = make("button", "not");
    not.type = "button";
    not.setAttribute("aria-label", texts.dismiss);
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", "M6 6l12 12M18 6 6 18");
    svg.append(path);
    not.append(svg);
    not.onclick = () => {
      onDismiss();
      button.focus({ preventScroll: true });
    };
    box.append(says, not);
    return box;
  }

  return {
    show(invitation) {
      shown?.remove();
      shown = undefined;
      spoken.textContent = "";
      if (!invitation) return;
      shown = draw(invitation);
      button.after(shown);
      spoken.textContent = `${texts.from(invitation.operator.name || texts.team)}: ${invitation.body}`;
    },
    remove() {
      shown?.remove();
      spoken.remove();
    },
  };
}
