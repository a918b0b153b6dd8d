// Follows the visitor over the pages of the site, single-page sites included, without touching the site's functions.

const initialUrl = location.href;
const referrer = document.referrer;

const listeners = new Set<() => void>();
let here = initialUrl;
let seen = 1;

const look = () => {
  if (location.href === here) return;
  here = location.href;
  seen++;
  for (const listener of listeners) listener();
};

const navigation = (window as Window & { navigation?: EventTarget }).navigation;
// Where the browser does not tell, a glance a second is enough and cheaper than patching the site's history.
if (navigation) navigation.addEventListener("currententrychange", look);
else setInterval(look, 1000);

export interface Pages {
  initialUrl: string;
  referrer: string;
  /** Pages seen since this page was loaded. */
  count(): number;
  onChange(listener: () => void): () => void;
}

export const pages: Pages = {
  initialUrl,
  referrer,
  count: () => seen,
  onChange(listener) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
