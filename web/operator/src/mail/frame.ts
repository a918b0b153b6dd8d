// Shows a mail inside the page. The page's policy forbids styles that stand in HTML, and a frame inherits the policy; so the
// mail's styles are taken out of its text and set through the object model, which the policy leaves to our own script.

export interface Apart {
  /** The mail without style sheets; its style attributes are called data-style. */
  html: string;
  css: string;
}

/** A mail's text apart from its styles. */
export function apart(html: string): Apart {
  const sheets: string[] = [];
  const bare = html.replace(/<style\b[^>]*>([\s\S]*?)<\/style\s*>/gi, (_, css: string) => {
    sheets.push(css);
    return "";
  });
  return { html: bare.replace(/(<[^<>]*?\s)style(\s*=)/gi, "$1data-style$2"), css: sheets.join("\n") };
}

/** A style sheet as a reader with a dark or a light screen sees it, whatever this screen is. */
export function asSeen(css: string, dark: boolean): string {
  const always = "(min-width: 0)";
  const never = "(max-width: 0)";
  return css.replace(/\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)/gi, (_, scheme: string) =>
    (scheme.toLowerCase() === "dark") === dark ? always : never,
  );
}

const NEVER = "script, link, meta, base, iframe, object, embed, form, title";

/** Fills the frame's document with the mail. Links lead nowhere: this is a picture of a mail. */
export function fill(doc: Document, html: string, dark: boolean): void {
  const { html: bare, css } = apart(html);
  const read = new DOMParser().parseFromString(bare, "text/html");
  for (const each of read.querySelectorAll(NEVER)) each.remove();
  for (const link of read.querySelectorAll("a[href]")) {
    link.setAttribute("title", link.getAttribute("href") ?? "");
    link.removeAttribute("href");
  }
  const body = doc.adoptNode(read.body);
  doc.documentElement.replaceChild(body, doc.body);
  doc.documentElement.lang = read.documentElement.lang;
  doc.documentElement.dir = read.documentElement.dir;
  doc.documentElement.style.colorScheme = dark ? "dark" : "light";
  for (const element of [body, ...body.querySelectorAll<HTMLElement>("[data-style]")]) {
    const style = element.dataset.style;
    if (style === undefined) continue;
    element.style.cssText = style;
    delete element.dataset.style;
  }
  const Sheet = (doc.defaultView as (Window & { CSSStyleSheet: typeof CSSStyleSheet }) | null)?.CSSStyleSheet;
  if (!Sheet) return;
  const sheet = new Sheet();
  sheet.replaceSync(asSeen(css, dark));
  doc.adoptedStyleSheets = [sheet];
}
