import { type FunctionComponent, h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CardProps } from "./AfterCard";
import { useUi } from "./context";

/** Fetches the card for a conversation that has ended, where the widget asks for anything. */
export function After(card: Omit<CardProps, "ui">) {
  const ui = useUi();
  const [Card, put] = useState<FunctionComponent<CardProps> | null>(null);
  useEffect(() => {
    // Without the card nothing is wrong; the next ended conversation tries again.
    import("./AfterCard").then(
      ({ makeCard }) => put(() => makeCard({ h, useEffect, useRef, useState })),
      () => undefined,
    );
  }, []);
  return Card && <Card ui={ui} {...card} />;
}
