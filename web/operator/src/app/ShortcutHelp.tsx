import { Window } from "../design/Dialogs.tsx";

const SECTIONS: { title: string; rows: [string[], string][] }[] = [
  {
    title: "Conversations",
    rows: [
      [["J"], "Next conversation"],
      [["K"], "Previous conversation"],
      [["Enter"], "Open the marked conversation"],
      [["/"], "Filter or search the list"],
      [["Esc"], "Leave the field or the conversation"],
    ],
  },
  {
    title: "In a conversation",
    rows: [
      [["R"], "Write a reply"],
      [["N"], "Write an internal note"],
      [["T"], "Take it"],
      [["F"], "Forward it"],
      [["L"], "Tag it"],
      [["A"], "Send it to the API, or not"],
      [["P"], "Mark as pending, or open again"],
      [["E"], "End it (undo for 5 seconds)"],
      [["I"], "Show or hide the contact"],
    ],
  },
  {
    title: "Writing",
    rows: [
      [["Enter"], "Send"],
      [["#"], "Saved texts"],
      [["$"], "Commands, also with / and !"],
      [["Shift", "Enter"], "New line"],
    ],
  },
  {
    title: "All conversations",
    rows: [
      [["X"], "Choose the marked one, or not"],
      [["Shift", "↓"], "Choose the next one, too"],
      [["Ctrl", "A"], "Choose all that are shown"],
      [["Esc"], "Choose none"],
    ],
  },
  {
    title: "Everywhere",
    rows: [
      [["Ctrl", "K"], "Search and commands"],
      [["?"], "This list"],
    ],
  },
];

export default function ShortcutHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Window open={open} onClose={onClose} title="Keyboard shortcuts" wide>
      <div className="shortcut-help">
        {SECTIONS.map((section) => (
          <section key={section.title}>
            <h3>{section.title}</h3>
            <dl>
              {section.rows.map(([keys, title]) => (
                <div key={title}>
                  <dt>{title}</dt>
                  <dd>
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="field-hint">Single keys rest while you type.</p>
    </Window>
  );
}
