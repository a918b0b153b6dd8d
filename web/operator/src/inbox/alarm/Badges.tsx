import { age, moment } from "../../app/clock.ts";
import { Icon } from "../../design/icons.tsx";

/** On a conversation in which a message has waited too long for an operator, with how long its alarm has rung. */
export function AlarmBadge({ since, now }: { since: string; now: number }) {
  return (
    <span className="tag bad state-badge" title={`Waits for an answer; the alarm rang ${moment(since)}`}>
      <Icon name="clock" size={14} />
      <span className="hidden-text">Needs attention: </span>
      {age(since, now)}
    </span>
  );
}

/** On what began with the form that a widget shows while nobody is there. */
export function OfflineBadge() {
  return (
    <span className="tag state-badge" title="Written with the offline form">
      <Icon name="moon" size={14} />
      <span className="state-word">Offline</span>
      <span className="hidden-text"> form</span>
    </span>
  );
}
