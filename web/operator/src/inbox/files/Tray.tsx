import { useEffect, useState } from "react";
import { IconAction } from "../../design/Action.tsx";
import { FileGlyph, glyphOf } from "./glyphs.tsx";
import type { Held } from "./held.ts";
import { sizeText } from "./sizes.ts";
import { uploads } from "./upload-desk.ts";
import "./files.css";

/** The files of a draft. */
export default function Tray({ files, note }: { files: Held[]; note: boolean }) {
  const stuck = files.some((file) => file.final);
  return (
    <div className="tray">
      <ul className="tray-files" aria-label={note ? "Files of the note" : "Files of the reply"}>
        {files.map((file) => (
          <Tile key={file.key} file={file} />
        ))}
      </ul>
      <p className="tray-hint" role="status">
        {stuck
          ? "Remove what cannot be sent."
          : files.length > 1
            ? `${files.length} messages with a file each; your text goes with the first.`
            : ""}
      </p>
    </div>
  );
}

export function stateText(file: Held): string {
  if (file.state === "failed") return file.error;
  if (file.state === "done") return sizeText(file.size);
  if (file.state === "waiting") return `Waits · ${sizeText(file.size)}`;
  return `${Math.floor(file.progress * 100)} % of ${sizeText(file.size)}`;
}

function Tile({ file }: { file: Held }) {
  const under = file.state === "waiting" || file.state === "uploading";
  return (
    <li className="tile" data-state={file.state}>
      <Preview file={file} />
      <span className="file-about">
        <span className="file-name" dir="auto" title={file.name}>
          {file.name}
        </span>
        <span className="file-facts" role={file.state === "failed" ? "alert" : undefined}>
          {stateText(file)}
        </span>
      </span>
      {file.state === "failed" && !file.final && (
        <IconAction icon="refresh" label={`Try ${file.name} again`} onPress={() => uploads.retry(file.key)} />
      )}
      <IconAction
        icon="close"
        label={`${under ? "Cancel" : "Remove"} ${file.name}`}
        onPress={() => uploads.drop(file.key)}
      />
      {under && <Progress file={file} />}
    </li>
  );
}

export function Preview({ file }: { file: Held }) {
  const [broken, setBroken] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another preview is another picture
  useEffect(() => setBroken(false), [file.preview]);
  if (file.preview && !broken)
    return <img className="file-mark" src={file.preview} alt="" onError={() => setBroken(true)} />;
  return (
    <span className="file-mark">
      <FileGlyph name={glyphOf(file.type)} />
    </span>
  );
}

export function Progress({ file }: { file: Held }) {
  return (
    <span
      className="progress"
      role="progressbar"
      aria-label={`Upload of ${file.name}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(file.progress * 100)}
    >
      <i style={{ width: `${file.progress * 100}%` }} />
    </span>
  );
}
