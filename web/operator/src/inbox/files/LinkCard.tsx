import type { LinkCard as Card, Message } from "../../api/types.ts";
import { isThin } from "./hold.ts";
import { ownAddress, useRenewal } from "./renew.ts";
import "./files.css";

/** What a page says of itself. The picture is our copy: nobody's browser asks the page for it. */
export default function LinkCard({ message, card }: { message: Message; card: Card }) {
  const { broken, onError } = useRenewal(message, (one) => one.link?.image_url);
  // An address comes from outside: it may only lead to the web.
  if (!/^https?:\/\//i.test(card.url)) return null;
  const host = card.url.replace(/^https?:\/\/(www\.)?/i, "").replace(/[/?#].*$/s, "");
  return (
    <a
      className={isThin(card) ? "link-card thin" : "link-card"}
      href={card.url}
      target="_blank"
      rel="noopener noreferrer"
    >
      {card.image_url && !broken && (
        <img src={ownAddress(card.image_url)} alt="" loading="lazy" decoding="async" onError={onError} />
      )}
      <span className="link-about">
        <span className="link-site" dir="auto">
          {card.site || host}
        </span>
        <strong className="link-title" dir="auto">
          {card.title || host}
        </strong>
        {card.description && (
          <span className="link-words" dir="auto">
            {card.description}
          </span>
        )}
      </span>
    </a>
  );
}
