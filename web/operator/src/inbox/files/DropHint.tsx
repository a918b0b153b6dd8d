import { useEffect, useState } from "react";
import { Icon } from "../../design/icons.tsx";
import { sizeText } from "./sizes.ts";
import { uploadLimit } from "./upload-desk.ts";
import { MOST } from "./uploads.ts";
import "./files.css";

/** What is said while files hang over the thread. */
export default function DropHint() {
  const [limit, setLimit] = useState(0);
  useEffect(() => {
    uploadLimit().then(setLimit, () => {});
  }, []);
  return (
    <div className="drop-hint">
      <Icon name="take" size={28} />
      <strong>Drop to attach</strong>
      <span>
        {limit > 0 && `Up to ${sizeText(limit)} each, `}
        {MOST} files at most
      </span>
    </div>
  );
}
