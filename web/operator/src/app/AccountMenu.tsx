import {
  Button,
  Header,
  Menu,
  MenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
  Separator,
} from "react-aria-components";
import { Icon, type IconName } from "../design/icons.tsx";
import { Avatar } from "../design/marks.tsx";
import { useMe, useSignOut } from "./me.ts";
import { go } from "./router.tsx";
import { chime } from "./sound.ts";
import { remember, useRemembered } from "./stored.ts";
import { setTheme, type Theme, theme } from "./theme.ts";

const THEMES: { id: Theme; text: string; icon: IconName }[] = [
  { id: "system", text: "As the system", icon: "screen" },
  { id: "light", text: "Light", icon: "sun" },
  { id: "dark", text: "Dark", icon: "moon" },
];

export function AccountMenu({ onShortcuts }: { onShortcuts: () => void }) {
  const { operator, version } = useMe();
  const signOut = useSignOut();
  const sound = useRemembered("sound") === "on";
  useRemembered("theme");
  return (
    <MenuTrigger>
      <Button className="button quiet account" aria-label={`Account: ${operator.name}`}>
        <Avatar name={operator.name} id={operator.id} image={operator.image_url} size="small" />
      </Button>
      <Popover className="popover" placement="bottom end" offset={4}>
        <div className="account-who">
          <strong>{operator.name}</strong>
          <span>{operator.email}</span>
        </div>
        <Menu className="menu" aria-label="Account">
          <MenuItem className="menu-item" onAction={() => go("/settings/profile")}>
            <Icon name="user" />
            <span className="menu-text">My profile</span>
          </MenuItem>
          <MenuItem className="menu-item" onAction={onShortcuts}>
            <Icon name="keyboard" />
            <span className="menu-text">Keyboard shortcuts</span>
            <kbd>?</kbd>
          </MenuItem>
          <Separator className="menu-line" />
          <MenuSection
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[theme()]}
            onSelectionChange={(chosen) => {
              const [next] = chosen as Set<Theme>;
              if (next) setTheme(next);
            }}
          >
            <Header className="menu-heading">Theme</Header>
            {THEMES.map((choice) => (
              <MenuItem key={choice.id} id={choice.id} className="menu-item" textValue={choice.text}>
                <Icon name={choice.icon} />
                <span className="menu-text">{choice.text}</span>
                <Icon name="check" size={16} className="menu-check" />
              </MenuItem>
            ))}
          </MenuSection>
          <Separator className="menu-line" />
          <MenuSection
            selectionMode="multiple"
            selectedKeys={sound ? ["sound"] : []}
            onSelectionChange={(chosen) => {
              const on = chosen !== "all" && chosen.has("sound");
              remember("sound", on ? "on" : null);
              if (on) chime();
            }}
            aria-label="Sound"
          >
            <MenuItem id="sound" className="menu-item" textValue="Sound for new messages">
              <Icon name="bolt" />
              <span className="menu-text">Sound for new messages</span>
              <Icon name="check" size={16} className="menu-check" />
            </MenuItem>
          </MenuSection>
          <Separator className="menu-line" />
          <MenuItem className="menu-item" onAction={() => void signOut()}>
            <Icon name="signOut" />
            <span className="menu-text">Sign out</span>
          </MenuItem>
        </Menu>
        <div className="account-version">Parley {version}</div>
      </Popover>
    </MenuTrigger>
  );
}
