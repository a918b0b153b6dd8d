import type { MessengerOptions } from "./embed";
import type { Api } from "./shell";

/** <parley-messenger widget="w_…" base="https://…">: lives as long as it is in the page. */
export function defineElement(name: string, create: (options: MessengerOptions) => Api): void {
  if (customElements.get(name)) return;
  customElements.define(
    name,
    class extends HTMLElement {
      /** The same functions as window.parley. */
      api: Api | null = null;

      connectedCallback(): void {
        const widgetKey = this.getAttribute("widget");
        if (!widgetKey) {
          console.warn(`[parley] <${name}> needs widget="…"`);
          return;
        }
        const baseUrl = this.getAttribute("base");
        this.api = create({
          widgetKey,
          ...(baseUrl ? { baseUrl } : {}),
          nonce: this.nonce || "",
          parent: this,
        });
        void this.api.mount();
      }

      disconnectedCallback(): void {
        void this.api?.unmount();
        this.api = null;
      }
    },
  );
}
