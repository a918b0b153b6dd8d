import { useMe } from "../app/me.ts";
import { Link } from "../app/router.tsx";

/** What is missing before a conversation can be sent to the API add-on, and the way there for those who may go it. */
export function MissingAddon({ detail }: { detail: string }) {
  const admin = useMe().operator.role === "admin";
  return (
    <>
      <span className="sentence">{detail}</span>{" "}
      {admin ? (
        <Link to="/settings/addons/api">Open Add-ons › API</Link>
      ) : (
        <span>An administrator can set it up.</span>
      )}
    </>
  );
}
