import { useEffect, useState } from "preact/hooks";
import type { State } from "../model/state";
import { type Ui, UiContext } from "./context";
import { Panel } from "./Panel";

/** As wide as a phone, or so low (zoomed in) that a floating panel would be a slit. */
export const PHONE = "(max-width: 480px), (max-height: 440px)";

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const heard = () => setMatches(list.matches);
    heard();
    list.addEventListener("change", heard);
    return () => list.removeEventListener("change", heard);
  }, [query]);
  return matches;
}

export interface AppProps {
  ui: Ui;
  buttonShown: () => boolean;
  takeFocus: () => boolean;
}

export function App({ ui, buttonShown, takeFocus }: AppProps) {
  const [state, setState] = useState<State>(ui.controller.state);
  useEffect(() => {
    const heard = () => setState(ui.controller.state());
    heard();
    return ui.controller.watch(heard);
  }, [ui]);
  const phone = useMedia(PHONE);
  const systemDark = useMedia("(prefers-color-scheme: dark)");
  const { theme } = state.answer.widget;
  if (!state.open) return null;
  return (
    <UiContext.Provider value={ui}>
      <Panel
        state={state}
        phone={phone}
        dark={theme === "dark" || (theme !== "light" && systemDark)}
        needsClose={phone || !buttonShown()}
        takeFocus={takeFocus()}
      />
    </UiContext.Provider>
  );
}
