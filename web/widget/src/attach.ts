import { h, render } from "preact";
import { formatColor, INK, type Rgb, WHITE } from "../../shared/contrast";
import { createController } from "./controller";
import { isTransient } from "./http";
import { addStyles } from "./launcher";
import { dressLauncher } from "./launcher-more";
import { unreadOf } from "./model/view";
import type { PhoneScreen } from "./phone";
import { failure, type Result, success } from "./result";
import type { Attach } from "./shell";
import { en, type Texts } from "./texts/en";
import { App } from "./ui/App";
import type { Ui } from "./ui/context";
import { kit } from "./ui/Later";
import css from "./ui/messenger.css?inline";
import { uuid } from "./uuid";

// The sunken surfaces of the style sheet; what is readable there is readable on the plain ones too.
const LIGHT = [242, 243, 246] as const;
const DARK = [39, 42, 51] as const;
const RTL = /^(ar|fa|he|iw|ps|sd|ug|ur|yi|dv|ckb)\b/i;

async function textsFor(lang: string): Promise<{ texts: Texts; lang: string }> {
  if (/^de\b/i.test(lang)) {
    try {
      return { texts: (await import("./texts/de")).de, lang };
    } catch {
      // Better in English than not at all.
    }
  }
  return { texts: en, lang: "en" };
}

/** Dates as the visitor's region writes them, in the messenger's language. */
const regional = (lang: string): string =>
  navigator.languages.find((one) => one.split("-")[0] === lang.split("-")[0]) ?? lang;

/** Puts the messenger into the shadow root that the launcher has opened. */
export const attach: Attach = async (around) => {
  const { launcher, answer, bus } = around;
  const { widget } = answer;
  const { root } = launcher;
  const { texts, lang } = await textsFor(widget.lang);
  const scheme = (surface: Rgb, towards: Rgb) =>
    `{--accent:${formatColor(launcher.readable(launcher.brand, surface, towards))};color-scheme:`;
  const colors = `.panel${scheme(LIGHT, INK)}light}.panel.dark${scheme(DARK, WHITE)}dark}`;
  addStyles(root, css + colors, around.nonce);
  const button = dressLauncher(launcher, around.nonce, widget.lang, texts);
  const place = document.createElement("div");
  launcher.button.before(place);

  // As wide as a phone, or so low (zoomed in) that a floating panel would be a slit.
  const phone = matchMedia("(max-width: 480px), (max-height: 440px)");
  let screen: Promise<PhoneScreen> | undefined;
  // Without it the panel covers the page all the same.
  const cover = (on: boolean) =>
    screen?.then(
      (one) => (on ? one.enter() : one.leave()),
      () => 0,
    );
  let restored = false;
  let detached = false;

  const controller = createController(around, (state) => {
    const covering = state.open && phone.matches;
    if (covering)
      screen ??= import("./phone").then(({ phoneScreen }) => phoneScreen(() => controller.setOpen(false)));
    cover(covering);
    const unread = unreadOf(state.conversations);
    button.show({ open: state.open, unread, visible: around.buttonWanted() && !covering });
  });
  const { refresh } = controller;
  const night = matchMedia("(prefers-color-scheme: dark)");
  for (const media of [phone, night]) media.addEventListener("change", refresh);

  const rtl = RTL.test(widget.lang) || getComputedStyle(document.documentElement).direction === "rtl";
  restored = controller.start(!phone.matches);
  const dressed = new Set<string>();
  const ui: Ui = {
    controller,
    texts,
    lang,
    locale: regional(lang),
    rtl,
    around,
    dress(more) {
      if (!dressed.has(more)) addStyles(root, more, around.nonce);
      dressed.add(more);
    },
    files: null,
    withFiles(act) {
      import("./files/Files")
        .then(({ make }) => {
          if (detached) return;
          if (!ui.files) {
            ui.files = make(kit, ui, { key: around.key, uuid, transient: isTransient });
            refresh();
          }
          act?.(ui.files);
        })
        .catch((fault: unknown) => bus.emit("error", { code: "load_failed", message: String(fault) }));
    },
  };
  render(
    h(App, {
      ui,
      phone,
      night,
      buttonShown: around.buttonWanted,
      takeFocus: () => !restored,
    }),
    place,
  );
  const setOpen = async (open: boolean, proactive = false): Promise<Result<void>> => {
    if (detached) return failure("not_mounted", "the messenger was unmounted");
    restored = false;
    controller.setOpen(open, proactive);
    return success(undefined);
  };

  return {
    ...controller,
    open: (options) => setOpen(true, options?.proactive === true),
    close: () => setOpen(false),
    toggle: () => setOpen(!controller.state().open),
    async openConversation(id) {
      const result = await controller.openConversation(id);
      return result.kind === "error" ? result : setOpen(true);
    },
    detach() {
      detached = true;
      ui.files?.stop();
      controller.stop();
      cover(false);
      for (const media of [phone, night]) media.removeEventListener("change", refresh);
      render(null, place);
      place.remove();
      bus.forget("state");
    },
  };
};
