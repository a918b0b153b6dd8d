import type { Kit } from "../ui/Later";
import { within } from "./describe";

interface PreviewProps {
  file: Blob;
  /** The frame to fill (small) or to stay in (whole). */
  wide: number;
  high: number;
  whole?: boolean;
}

/** A picture that is still on this device. Drawn, not linked: the page's policy may forbid blob addresses. */
export function makePreview({ h, useEffect, useRef }: Kit) {
  return function Preview({ file, wide, high, whole }: PreviewProps) {
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
      let gone = false;
      createImageBitmap(file).then(
        (bitmap) => {
          const box = canvas.current;
          if (!gone && box) {
            const { width, height } = bitmap;
            const scale = Math.max(wide / width, high / height);
            const [w, t] = whole ? within(width, height, wide, high) : [wide, high];
            const ratio = Math.min(2, devicePixelRatio);
            box.width = w * ratio;
            box.height = t * ratio;
            box.style.width = `${w}px`;
            const [dw, dh] = whole
              ? [box.width, box.height]
              : [width * scale * ratio, height * scale * ratio];
            box.getContext("2d")?.drawImage(bitmap, (box.width - dw) / 2, (box.height - dh) / 2, dw, dh);
          }
          bitmap.close();
        },
        // Not a picture after all; the sign behind it stays.
        () => undefined,
      );
      return () => {
        gone = true;
      };
    }, [file]);
    return <canvas ref={canvas} width={0} height={0} />;
  };
}
