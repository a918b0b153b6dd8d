import type { Delivery } from "../api/types.ts";

export function DeliveryTag({ delivery }: { delivery: Delivery }) {
  if (delivery.state === "delivered") return <span className="tag good">Delivered</span>;
  if (delivery.state === "dead") return <span className="tag bad">Given up</span>;
  if (delivery.state === "dropped") return <span className="tag">Dropped</span>;
  if (delivery.attempts > 0) return <span className="tag warn">Retrying</span>;
  return <span className="tag accent">Waiting</span>;
}
