import { Link, usePlace } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { useShowing } from "./useShowing.ts";

/** In the bar, once a widget shows who is on its site. */
export default function VisitorsLink() {
  const { path } = usePlace();
  const { showing } = useShowing();
  const here = path === "/visitors";
  if (showing.length === 0 && !here) return null;
  return (
    <Link to="/visitors" className="bar-link bar-visitors" aria-current={here ? "page" : undefined}>
      <Icon name="eye" />
      <span className="bar-link-text">Visitors</span>
    </Link>
  );
}
