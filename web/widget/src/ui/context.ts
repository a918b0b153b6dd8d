import type { Controller } from "../controller";
import type { Files } from "../files/Files";
import type { Surroundings } from "../shell";
import type { Texts } from "../texts/en";

/** What every part of the screen gets handed. A context would do the same with more code. */
export interface Ui {
  controller: Controller;
  texts: Texts;
  lang: string;
  /** For dates and lists. */
  locale: string;
  rtl: boolean;
  /** Where the server is, which widget it is, where the visitor is. */
  around: Surroundings;
  /** Adds styles to the messenger's root, once. */
  dress(css: string): void;
  /** All that has to do with files, once it was needed. */
  files: Files | null;
  /** Fetches it. */
  withFiles(act?: (files: Files) => void): void;
}
