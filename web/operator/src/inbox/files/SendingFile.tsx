import { Icon } from "../../design/icons.tsx";
import type { OutgoingFile } from "../outbox.ts";
import { FileGlyph } from "./glyphs.tsx";
import { sendingTray, useTray } from "./held.ts";
import { sizeText } from "./sizes.ts";
import { Preview, Progress, stateText } from "./Tray.tsx";

/** The file of a message on its way. */
export default function SendingFile({ file }: { file: OutgoingFile }) {
  const [held] = useTray(sendingTray(file.key));
  const under = held && (held.state === "waiting" || held.state === "uploading");
  return (
    <div className="file-card sending">
      {file.voice ? (
        <span className="file-mark">
          <Icon name="mic" size={20} />
        </span>
      ) : held ? (
        <Preview file={held} />
      ) : (
        <span className="file-mark">
          <FileGlyph name="file" />
        </span>
      )}
      <span className="file-about">
        <span className="file-name" dir="auto">
          {file.voice ? "Voice message" : file.name}
        </span>
        <span className="file-facts">{under ? stateText(held) : sizeText(file.size)}</span>
      </span>
      {under && <Progress file={held} />}
    </div>
  );
}
