import { Icon } from "../design/icons.tsx";

/** On what goes to the API add-on with its next change of status. */
export function FlagBadge() {
  return (
    <span className="tag flag-badge" title="Will be sent to the API when its status changes">
      <Icon name="api" size={14} />
      <span aria-hidden="true">API</span>
      <span className="hidden-text">Will be sent to the API</span>
    </span>
  );
}
