import { h } from "preact";
import { useState } from "preact/hooks";
import { initials } from "../../../shared/initials";
import type { Person } from "../wire";
import type { Ui } from "./context";

/** Only addresses that can not run anything; one without a host is on the server, not on the page's site. */
function imageAddress(url: string, base: string): string | null {
  if (/^https?:\/\//i.test(url)) return url;
  return /^\/[^/]/.test(url) ? base + url : null;
}

export function Avatar({ ui, person }: { ui: Ui; person: Person }) {
  const { base } = ui.around;
  // The page's policy may forbid the picture; the initials are always there.
  const [broken, setBroken] = useState(false);
  const image = broken ? null : imageAddress(person.image_url, base);
  return (
    <span class="avatar" aria-hidden="true">
      {image ? <img src={image} alt="" onError={() => setBroken(true)} /> : initials(person.name)}
    </span>
  );
}

export function Avatars({ ui, people }: { ui: Ui; people: readonly Person[] }) {
  return (
    <span class="avatars" aria-hidden="true">
      {people.slice(0, 3).map((person) => (
        <Avatar ui={ui} key={person.name} person={person} />
      ))}
    </span>
  );
}
