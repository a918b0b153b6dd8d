import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Controller } from "../controller";
import type { Texts } from "../texts/en";

export interface Ui {
  controller: Controller;
  texts: Texts;
  lang: string;
  /** For dates and lists. */
  locale: string;
  rtl: boolean;
  /** Where the server is. */
  base: string;
  /** Adds styles to the messenger's root. */
  dress(css: string): void;
}

export const UiContext = createContext<Ui | null>(null);

export function useUi(): Ui {
  const ui = useContext(UiContext);
  if (!ui) throw new Error("outside of the messenger");
  return ui;
}
