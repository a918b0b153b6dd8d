// Follows the visitor over the pages of the site, single-page sites included, without touching the site's functions.

const listeners = new Set<() => void>();
let here = "";
let seen = 0;

export interface Pages {
  initialUrl: string;
  referrer: string;
  /**
   * What the link of a mail brought and nobody has taken yet: "=" and a sign-in token, or "-conversation=" and a conversation.
   * It leaves the address before anything else of ours reads that: nobody shall find it in a history, a log or a visit.
   */
  way?: string;
  /** Pages seen since this page was loaded. */
  count(): number;
  /** Another page, or a way. */
  onChange(listener: () => void): () => void;
}

export const pages: Pages = {
  initialUrl: "",
  referrer: document.referrer,
  count: () => seen,
  onChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

const look = () => {
  const bare = location.href.replace(
    /([?#&])parley((?:-conversation)?=[^&#]*)(&?)/,
    (_all, before: string, way: string, more: string) => {
      here = "";
      pages.way = way;
      return more && before;
    },
  );
  // This may look here again before it returns, and then all is done.
  if (bare !== location.href) history.replaceState(history.state, "", bare);
  if (bare === here) return;
  here = bare;
  seen++;
  for (const listener of listeners) listener();
};
look();
pages.initialUrl = here;

const navigation = (window as Window & { navigation?: EventTarget }).navigation;
// Where the browser does not tell, a glance a second is enough and cheaper than patching the site's history.
if (navigation) navigation.addEventListener("currententrychange", look);
else setInterval(look, 1000);
