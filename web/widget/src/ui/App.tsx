import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { State } from "../model/state";
import type { Ui } from "./context";
import { Panel } from "./Panel";

export interface AppProps {
  ui: Ui;
  /** Looked at anew with each drawing. */
  phone: MediaQueryList;
  night: MediaQueryList;
  buttonShown: () => boolean;
  takeFocus: () => boolean;
}

export function App({ ui, phone, night, buttonShown, takeFocus }: AppProps) {
  const [state, setState] = useState<State>(ui.controller.state);
  useEffect(() => {
    const heard = () => setState(ui.controller.state());
    heard();
    return ui.controller.watch(heard);
  }, [ui]);
  const { theme } = state.answer.widget;
  if (!state.open) return null;
  return (
    <Panel
      ui={ui}
      state={state}
      phone={phone.matches}
      dark={theme === "dark" || (theme !== "light" && night.matches)}
      needsClose={phone.matches || !buttonShown()}
      takeFocus={takeFocus()}
    />
  );
}
