import { Link, usePlace } from "../../app/router.tsx";
import { Icon } from "../../design/icons.tsx";
import { inboxAddress, useCounts, viewOf } from "../lists.ts";

/** The way to the conversations in which a message waits too long. It is there only while there are any. */
export default function AttentionLink() {
  const place = usePlace();
  const waiting = useCounts()?.attention ?? 0;
  const here = viewOf(place) === "attention";
  return (
    <Link
      to={inboxAddress(place, { view: "attention", status: "not_ended" })}
      className="view list-alarm"
      aria-current={here ? "true" : undefined}
      data-ringing={waiting > 0 || undefined}
    >
      <Icon name="clock" size={16} />
      Needs attention <span className="view-count">{waiting}</span>
    </Link>
  );
}
