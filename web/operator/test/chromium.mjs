// The browser of the looks and flows: the one that is named, or the small one without a window, or the usual one.

import { existsSync } from "node:fs";

export const CHROMIUM =
  process.env.CHROMIUM ??
  ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find((path) => existsSync(path));
