import { type ComponentType, type LazyExoticComponent, lazy, useEffect } from "react";
import { Action } from "../design/Action.tsx";
import { Callout } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;
type Failure = ComponentType<{ given: object; forget: () => void }>;

/** A part that is loaded once. One that failed shows what stands for it, and is asked for again once that was forgotten. */
export function loadedOnce<Props extends object>(load: Load<Props>, Failed: Failure) {
  let kept: LazyExoticComponent<ComponentType<Props>> | null = null;
  return () => {
    if (kept) return kept;
    const made: LazyExoticComponent<ComponentType<Props>> = lazy(() =>
      load().catch(() => {
        const forget = () => {
          if (kept === made) kept = null;
        };
        return { default: (props: Props) => <Failed given={props} forget={forget} /> };
      }),
    );
    kept = made;
    return made;
  };
}

function part<Props extends object>(load: Load<Props>, Failed: Failure): ComponentType<Props> {
  const now = loadedOnce(load, Failed);
  return function Part(props: Props) {
    const Shown = now() as ComponentType<Props>;
    return <Shown {...props} />;
  };
}

/**
 * As lazy, for what the page can do without: what cannot be loaded (no connection, or a new version is out) shows nothing
 * instead of taking the page down. What somebody opened is closed again and says why, so that opening it tries again.
 */
export const lazily = <Props extends object>(load: Load<Props>) => part(load, Missing);

/** As lazy, for a whole page. */
export const lazyPage = <Props extends object>(load: Load<Props>) => part(load, NotLoaded);

function Missing({ given, forget }: { given: object; forget: () => void }) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, as it comes and as it goes
  useEffect(() => {
    const { onClose, onDone } = given as { onClose?: () => void; onDone?: () => void };
    const close = onClose ?? onDone;
    if (close) {
      toast("This part could not be loaded. Check the connection, or reload the page.");
      close();
    }
    return forget;
  }, []);
  return null;
}

function NotLoaded({ forget }: { forget: () => void }) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: as it goes
  useEffect(() => forget, []);
  return (
    <div className="gate">
      <Callout tone="bad">
        <p>This part could not be loaded.</p>
        <p>
          <Action onPress={() => window.location.reload()} icon="refresh">
            Reload
          </Action>
        </p>
      </Callout>
    </div>
  );
}
